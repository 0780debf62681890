@testable import Serve
import ServeHTTP
import Testing

@Suite("Who may ask")
struct AccessTests {
    private func head(_ fields: String, method: String = "POST") throws -> HTTPHead {
        try HTTPHead(parsing: Array("\(method) / HTTP/1.1\r\n\(fields)".utf8))
    }

    private func access(address: String, token: String? = nil, names: [String] = []) -> Access {
        var settings = Settings()
        settings.address = address
        settings.hostNames = names
        return Access(token: token.map { Token($0) }, settings)
    }

    @Test(
        "names that point here from outside are not answered (DNS rebinding)",
        arguments: [
            ("127.0.0.1", "localhost:8642", true), ("127.0.0.1", "127.0.0.1:8642", true),
            ("127.0.0.1", "[::1]:8642", true),
            ("127.0.0.1", "evil.example:8642", false), ("127.0.0.1", "192.168.1.5:8642", false),
            ("127.0.0.1", "127.0.0.1.evil.example", false),
            ("0.0.0.0", "192.168.1.5:8642", true), ("0.0.0.0", "evil.example", false), ("0.0.0.0", "board.lan", true),
            ("0.0.0.0", "", false),
        ])
    func host(_ address: String, _ host: String, _ isAllowed: Bool) throws {
        let access = access(address: address, names: ["board.lan"])
        let head = try head("Host: \(host)")
        if isAllowed {
            #expect(throws: Never.self) { try access.checkHost(head) }
        } else {
            #expect(throws: Problem.self) { try access.checkHost(head) }
        }
    }

    @Test(
        "pages of other origins cannot send requests",
        arguments: [
            ("Host: localhost:1\r\nOrigin: http://localhost:1", "POST", true),
            ("Host: localhost:1\r\nOrigin: https://localhost:1", "POST", true),
            ("Host: localhost:1", "POST", true), ("Host: localhost:1\r\nOrigin: http://localhost:2", "POST", false),
            ("Host: localhost:1\r\nOrigin: null", "POST", false),
            ("Host: localhost:1\r\nOrigin: http://evil.example", "GET", false),
            ("Host: localhost:1\r\nSec-Fetch-Site: cross-site", "POST", false),
            ("Host: localhost:1\r\nSec-Fetch-Site: cross-site", "GET", false),
            ("Host: localhost:1\r\nSec-Fetch-Site: same-origin", "DELETE", true),
            ("Host: localhost:1\r\nSec-Fetch-Site: none", "GET", true),
        ])
    func origin(_ fields: String, _ method: String, _ isAllowed: Bool) throws {
        let access = access(address: "127.0.0.1"), head = try head(fields, method: method)
        if isAllowed {
            #expect(throws: Never.self) { try access.checkOrigin(head) }
        } else {
            #expect(throws: Problem.self) { try access.checkOrigin(head) }
        }
    }

    @Test(
        "the token is taken from the header or the cookie, whole and only then",
        arguments: [
            ("Authorization: Bearer secret-secret-123", true), ("Authorization: bearer secret-secret-123", true),
            ("Cookie: a=b; srdiff_token=secret-secret-123", true), ("Authorization: Bearer secret-secret-12", false),
            ("Authorization: Bearer secret-secret-1234", false), ("Authorization: Basic secret-secret-123", false),
            ("Cookie: srdiff_token=", false), ("X: y", false),
        ])
    func token(_ fields: String, _ isAllowed: Bool) throws {
        let access = access(address: "0.0.0.0", token: "secret-secret-123"), head = try head("Host: a\r\n\(fields)")
        if isAllowed {
            #expect(throws: Never.self) { try access.checkToken(head) }
        } else {
            #expect(throws: Problem.self) { try access.checkToken(head) }
        }
    }

    @Test("a token is made once, for its owner only")
    func file() throws {
        let folder = try TestFolder(), path = "\(folder.path)/token"
        let first = try Token.load(path), text = try #require(first.new)
        #expect(text.utf8.count == 32 && first.token.matches(text))
        #expect(Files.status(path)!.st_mode & 0o777 == 0o600)
        let second = try Token.load(path)
        #expect(second.new == nil && second.token.matches(text))
    }
}
