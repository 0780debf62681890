import Glibc
import ServeHTTP

/// Who may ask for what.
struct Access: Sendable {
    static let cookie = "srdiff_token"

    private let token: Token?
    private let hostNames: Set<String>
    private let allowsAddresses: Bool

    init(token: Token?, _ settings: Settings) {
        self.token = token
        var names: Set<String> = ["localhost"]
        for name in settings.hostNames { names.insert(name.lowercased()) }
        if !settings.isLoopback {
            let own = HostName.own.lowercased()
            if !own.isEmpty { names.formUnion([own, "\(own).local"]) }
        }
        hostNames = names
        allowsAddresses = !settings.isLoopback
    }

    /// Throws `Problem` 421 if the request is meant for another host: a web site whose name was made to point here (DNS
    /// rebinding).
    func checkHost(_ head: HTTPHead) throws(Problem) {
        guard let host = head.value("host") else { return }
        let name = Self.name(ofHost: host)
        let isAddress = Self.isAddress(name)
        let isLoopback = name == "::1" || isAddress && name.hasPrefix("127.")
        guard hostNames.contains(name) || isLoopback || isAddress && allowsAddresses else {
            throw Problem(
                .misdirected, "this service is not known by that name; start it with --host-name to allow it",
                field: "host")
        }
    }

    /// Throws `Problem` 403 if a page of another origin makes the browser send the request.
    func checkOrigin(_ head: HTTPHead) throws(Problem) {
        let isSafe = head.method == "GET" || head.method == "HEAD"
        if let origin = head.value("origin") {
            guard let host = head.value("host"), origin == "http://\(host)" || origin == "https://\(host)" else {
                throw Problem(.forbidden, "requests of other web pages are not answered", field: "origin")
            }
        } else if let site = head.value("sec-fetch-site"), site != "same-origin" && site != "none" {
            guard isSafe && site == "same-site" else {
                throw Problem(.forbidden, "requests of other web pages are not answered", field: "sec-fetch-site")
            }
        }
    }

    /// Throws `Problem` 401 if the request does not show the token.
    func checkToken(_ head: HTTPHead) throws(Problem) {
        guard let token else { return }
        if let value = head.value("authorization") {
            let parts = value.split(separator: " ", maxSplits: 1)
            if parts.count == 2, parts[0].lowercased() == "bearer", token.matches(String(parts[1])) { return }
        }
        for pair in (head.value("cookie") ?? "").split(separator: ";") {
            let halves = pair.split(separator: "=", maxSplits: 1)
            guard halves.count == 2, halves[0].drop(while: { $0 == " " }) == Self.cookie else { continue }
            if token.matches(String(halves[1])) { return }
        }
        throw Problem(
            .unauthorized, "the token of this service is required: Authorization: Bearer TOKEN", field: "authorization",
            headers: [HTTPField("WWW-Authenticate", "Bearer")])
    }

    /// The header field that lets a browser show the token from now on; nil if there is no token.
    func sessionCookie(_ head: HTTPHead) -> String? {
        guard token != nil, let text = head.value("authorization")?.split(separator: " ", maxSplits: 1).last else {
            return nil
        }
        return "\(Self.cookie)=\(text); Path=/; Max-Age=31536000; HttpOnly; SameSite=Strict"
    }

    private static func name(ofHost host: String) -> String {
        if host.hasPrefix("["), let end = host.firstIndex(of: "]") {
            return String(host[host.index(after: host.startIndex)..<end]).lowercased()
        }
        return String(host.prefix { $0 != ":" }).lowercased()
    }

    private static func isAddress(_ name: String) -> Bool {
        var four = in_addr(), six = in6_addr()
        return inet_pton(AF_INET, name, &four) == 1 || inet_pton(AF_INET6, name, &six) == 1
    }
}
