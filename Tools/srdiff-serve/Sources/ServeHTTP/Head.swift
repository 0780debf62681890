/// A header field.
public struct HTTPField: Equatable, Sendable {
    public let name: String
    public let value: String

    public init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}

/// The request line and the header fields, checked.
public struct HTTPHead: Equatable, Sendable {
    /// How the end of the body is found.
    public enum Framing: Equatable, Sendable {
        case length(Int)
        case chunked
    }

    public let method: String
    /// The path's segments, percent-decoded: ["api", "v1", "jobs"].
    public let path: [String]
    /// The query's parameters in their order, percent-decoded.
    public let query: [HTTPField]
    /// Names in lower case.
    public let fields: [HTTPField]
    public let framing: Framing
    /// Whether the client will send another request on this connection.
    public let isPersistent: Bool
    /// Whether the client waits for 100 (Continue) before it sends the body.
    public let expectsContinue: Bool
    /// Whether the client reads a body in chunks; HTTP/1.0 reads to the connection's end.
    public let readsChunks: Bool

    /// The value of a field, its name in lower case. Fields that may occur once do.
    public func value(_ name: String) -> String? { fields.first { $0.name == name }?.value }
}

extension HTTPHead {
    /// Fields that decide what a request means; a second one could mean something else to somebody on the way.
    private static let single: Set<String> = [
        "host", "content-length", "transfer-encoding", "content-type", "origin", "authorization", "cookie", "expect",
        "sec-fetch-site", "range",
    ]

    /// Parses a head, without the empty line at its end. Strict: what RFC 9112 lets a server reject is rejected.
    public init(parsing bytes: some Collection<UInt8>, limits: HTTPLimits = .init()) throws(Problem) {
        var lines: [[UInt8]] = [[]]
        var previous: UInt8 = 0
        for byte in bytes {
            if byte == 0x0a {
                guard previous == 0x0d else { throw Problem(.badRequest, "a line of the head does not end in CR LF") }
                lines[lines.count - 1].removeLast()
                lines.append([])
            } else {
                guard previous != 0x0d else { throw Problem(.badRequest, "a CR in the head is not followed by LF") }
                lines[lines.count - 1].append(byte)
            }
            previous = byte
        }
        let words = lines[0].split(separator: 0x20, omittingEmptySubsequences: false)
        guard words.count == 3, !words[0].isEmpty, words[0].allSatisfy(\.isToken) else {
            throw Problem(.badRequest, "the request line is not METHOD TARGET VERSION")
        }
        method = String(decoding: words[0], as: UTF8.self)
        let version = String(decoding: words[2], as: UTF8.self)
        guard version == "HTTP/1.1" || version == "HTTP/1.0" else {
            guard version.hasPrefix("HTTP/") else { throw Problem(.badRequest, "the request line has no HTTP version") }
            throw Problem(.versionNotSupported, "this server speaks HTTP/1.1")
        }
        guard words[1].count <= 8192 else { throw Problem(.targetTooLong, "the target exceeds 8192 bytes") }
        (path, query) = try Self.target(words[1])
        let fields = try Self.fields(lines.dropFirst(), limits)
        self.fields = fields

        var seen: Set<String> = []
        for field in fields where Self.single.contains(field.name) {
            guard seen.insert(field.name).inserted else {
                throw Problem(.badRequest, "the header field \(field.name) occurs twice", field: field.name)
            }
        }
        func value(_ name: String) -> String? { fields.first { $0.name == name }?.value }
        guard version == "HTTP/1.0" || seen.contains("host") else {
            throw Problem(.badRequest, "the header field Host is missing", field: "host")
        }
        framing = try Self.framing(length: value("content-length"), coding: value("transfer-encoding"), version)
        readsChunks = version == "HTTP/1.1"
        let closes = fields.contains { $0.name == "connection" && $0.value.lowercased().contains("close") }
        isPersistent = version == "HTTP/1.1" && !closes
        if let expectation = value("expect") {
            guard expectation.lowercased() == "100-continue" else {
                throw Problem(.badRequest, "the only expectation is 100-continue", field: "expect")
            }
            expectsContinue = version == "HTTP/1.1"
        } else {
            expectsContinue = false
        }
    }

    private static func framing(length: String?, coding: String?, _ version: String) throws(Problem) -> Framing {
        if let coding {
            guard length == nil, version == "HTTP/1.1" else {
                throw Problem(
                    .badRequest, "Transfer-Encoding and Content-Length exclude each other", field: "transfer-encoding")
            }
            guard coding.lowercased() == "chunked" else {
                throw Problem(.notImplemented, "the only transfer coding is chunked", field: "transfer-encoding")
            }
            return .chunked
        }
        guard let length else { return .length(0) }
        let isNumber =
            !length.isEmpty && length.utf8.count <= 18 && length.utf8.allSatisfy { (0x30...0x39).contains($0) }
        guard isNumber, let count = Int(length) else {
            throw Problem(.badRequest, "Content-Length is not a number", field: "content-length")
        }
        return .length(count)
    }

    private static func fields(_ lines: ArraySlice<[UInt8]>, _ limits: HTTPLimits) throws(Problem) -> [HTTPField] {
        guard lines.count <= limits.headerFields else {
            throw Problem(.headTooLarge, "more than \(limits.headerFields) header fields")
        }
        var fields: [HTTPField] = []
        for line in lines {
            guard let colon = line.firstIndex(of: 0x3a), colon > 0, line[..<colon].allSatisfy(\.isToken) else {
                throw Problem(.badRequest, "a header field is not NAME: VALUE")
            }
            var value = line[(colon + 1)...]
            while let byte = value.first, byte == 0x20 || byte == 0x09 { value.removeFirst() }
            while let byte = value.last, byte == 0x20 || byte == 0x09 { value.removeLast() }
            guard value.allSatisfy({ $0 >= 0x20 && $0 != 0x7f || $0 == 0x09 }) else {
                throw Problem(.badRequest, "a header field has control characters")
            }
            fields.append(
                HTTPField(
                    String(decoding: line[..<colon], as: UTF8.self).lowercased(), String(decoding: value, as: UTF8.self)
                ))
        }
        return fields
    }

    private static func target(_ bytes: some Collection<UInt8>) throws(Problem) -> ([String], [HTTPField]) {
        guard bytes.first == 0x2f, bytes.allSatisfy({ (0x21...0x7e).contains($0) && $0 != 0x23 }) else {
            throw Problem(.badRequest, "the target is not a path")
        }
        let parts = bytes.split(separator: 0x3f, maxSplits: 1, omittingEmptySubsequences: false)
        var path: [String] = [], query: [HTTPField] = []
        for segment in parts[0].dropFirst().split(separator: 0x2f, omittingEmptySubsequences: false) {
            path.append(try decoded(segment, plusIsSpace: false, "the path"))
        }
        guard parts.count > 1 else { return (path, query) }
        for pair in parts[1].split(separator: 0x26) {
            let halves = pair.split(separator: 0x3d, maxSplits: 1, omittingEmptySubsequences: false)
            let name = try decoded(halves[0], plusIsSpace: true, "the query")
            query.append(
                HTTPField(name, halves.count > 1 ? try decoded(halves[1], plusIsSpace: true, "the query") : ""))
        }
        return (path, query)
    }

    private static func decoded(
        _ bytes: some Collection<UInt8>, plusIsSpace: Bool, _ part: String
    ) throws(Problem) -> String {
        var out: [UInt8] = []
        var rest = bytes.makeIterator()
        while let byte = rest.next() {
            if byte == 0x25 {
                guard let high = rest.next().flatMap(hexadecimal), let low = rest.next().flatMap(hexadecimal) else {
                    throw Problem(.badRequest, "a % in \(part) is not followed by two hexadecimal digits")
                }
                out.append(high << 4 | low)
            } else {
                out.append(plusIsSpace && byte == 0x2b ? 0x20 : byte)
            }
        }
        guard let text = String(validating: out, as: UTF8.self), !out.contains(0) else {
            throw Problem(.badRequest, "\(part) is not UTF-8")
        }
        return text
    }

    static func hexadecimal(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x41 + 10
        case 0x61...0x66: byte - 0x61 + 10
        default: nil
        }
    }
}

extension UInt8 {
    /// Whether the byte may be in a method or a field's name (RFC 9110, token).
    var isToken: Bool {
        switch self {
        case 0x30...0x39, 0x41...0x5a, 0x61...0x7a: true
        default: "!#$%&'*+-.^_`|~".utf8.contains(self)
        }
    }
}
