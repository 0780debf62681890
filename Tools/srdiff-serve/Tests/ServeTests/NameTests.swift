@testable import Serve
import ServeHTTP
import Testing

@Suite("Names of clients")
struct NameTests {
    @Test(
        "names lose folders and control characters",
        arguments: [
            ("photo.jpg", "photo.jpg"), ("../../etc/passwd", "passwd"), ("C:\\fake\\photo.jpg", "photo.jpg"),
            ("", "image"), ("..", "image"),
            ("a\u{0}b\u{1b}[31m\n.png", "ab[31m.png"), ("\u{202e}gpj.exe", "gpj.exe"),
            (String(repeating: "x", count: 500), String(repeating: "x", count: 120)),
        ])
    func cleaned(_ name: String, _ expected: String) { #expect(DisplayName.cleaned(name) == expected) }

    @Test("downloads are named without breaking the header")
    func disposition() {
        #expect(
            DisplayName.disposition("a\"b\r\nä.png")
                == "attachment; filename=\"a_b____.png\"; filename*=UTF-8''a%22b%0D%0A%C3%A4.png")
        #expect(DisplayName.result(of: .test(samples: 2), scale: 4, sample: 1) == "photo_x4_seed8.png")
    }

    @Test(
        "parameters of a header field",
        arguments: [
            ("form-data; name=\"file\"; filename=\"a;b.png\"", "filename", "a;b.png"),
            ("multipart/form-data; boundary=xyz", "boundary", "xyz"),
            ("form-data; name=\"a\\\"b\"", "name", "a\"b"), ("form-data; NAME=x", "name", "x"),
        ])
    func parameter(_ field: String, _ name: String, _ expected: String) {
        #expect(Multipart.parameter(name, of: field) == expected)
    }

    @Test(
        "unknown parameters, duplicates and numbers out of range are errors that name the field",
        arguments: [
            "seeds=1", "seed=1&seed=2", "samples=0", "samples=99", "samples=1.5", "samples=", "samples=-1",
        ])
    func parameters(_ query: String) throws {
        let head = try HTTPHead(parsing: Array("GET /?\(query) HTTP/1.1\r\nHost: a".utf8))
        #expect(throws: Problem.self) {
            _ = try Parameters(head.query, allowed: Parameters.job).integer("samples", in: 1...16)
        }
    }

    @Test("the checksum is that of ZIP and PNG")
    func checksum() {
        var checksum = CRC32()
        checksum.add(Array("123456789".utf8))
        #expect(checksum.value == 0xcbf4_3926)
    }
}
