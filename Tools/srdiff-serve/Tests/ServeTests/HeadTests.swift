import ServeHTTP
import Testing

@Suite("The head of a request")
struct HeadTests {
    private func head(_ text: String) throws -> HTTPHead { try HTTPHead(parsing: Array(text.utf8)) }

    private func status(_ text: String) -> HTTPStatus? {
        do { _ = try head(text) } catch let problem as Problem { return problem.status } catch {}
        return nil
    }

    @Test("path, query and fields are decoded")
    func decoded() throws {
        let head = try head(
            """
            POST /api/v1/jobs?name=a%20b+c&x=%C3%A4 HTTP/1.1\r\nHost: h\r\nX-Y:  z \
            \r\nContent-Length: 12\r\nExpect: 100-continue
            """
        )
        #expect(head.method == "POST" && head.path == ["api", "v1", "jobs"])
        #expect(head.query == [HTTPField("name", "a b c"), HTTPField("x", "ä")])
        #expect(head.value("x-y") == "z" && head.framing == .length(12) && head.isPersistent && head.expectsContinue)
    }

    @Test(
        "what means different things to different servers is rejected",
        arguments: [
            ("GET / HTTP/1.1", HTTPStatus.badRequest),  // no Host
            ("GET / HTTP/1.1\r\nHost: a\r\nHost: b", .badRequest),
            ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2", .badRequest),
            ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked", .badRequest),
            ("POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked", .badRequest),
            ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked", .notImplemented),
            ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1", .badRequest),
            ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999", .badRequest),
            ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length : 1", .badRequest),
            ("GET / HTTP/1.1\r\nHost: a\r\n folded", .badRequest),
            ("GET / HTTP/1.1\nHost: a", .badRequest),
            ("GET / HTTP/1.1\r\nHost: a\r\nX: a\u{1}b", .badRequest),
            ("GET http://a/ HTTP/1.1\r\nHost: a", .badRequest),
            ("GET /%zz HTTP/1.1\r\nHost: a", .badRequest),
            ("GET /%ff HTTP/1.1\r\nHost: a", .badRequest),
            ("GET /%00 HTTP/1.1\r\nHost: a", .badRequest),
            ("GET / HTTP/2.0\r\nHost: a", .versionNotSupported),
            ("GE(T / HTTP/1.1\r\nHost: a", .badRequest),
            ("GET /\(String(repeating: "a", count: 9000)) HTTP/1.1\r\nHost: a", .targetTooLong),
            ("GET / HTTP/1.1\r\nHost: a" + String(repeating: "\r\nX: y", count: 100), .headTooLarge),
        ])
    func rejected(_ text: String, _ expected: HTTPStatus) {
        #expect(status(text) == expected)
    }
}
