import Foundation
import SRDFile
import Testing
import TestSupport

@Suite("Paths keep every byte")
struct PathBytesTests {
    static let paths: [[UInt8]] = [
        [], Array("a/b.png".utf8), Array("grüße 🙂.png".utf8), [0xff], [0x61, 0xc3, 0x28], [0xc3], [0xe2, 0x82],
        [0xf0, 0x9f, 0x99],
        [0xed, 0xa0, 0x80], [0xc0, 0xaf], [0xf4, 0x90, 0x80, 0x80], Array("\u{10fe80}".utf8),
        Array("x\u{10feff}y".utf8) + [0x80],
        Array("\u{10fe00}".utf8), Array("\u{10ff00}".utf8),
    ]

    @Test("bytes become a string and the same bytes again", arguments: paths)
    func roundTrip(bytes: [UInt8]) {
        let path = String(pathBytes: bytes)
        #expect(path.pathBytes == bytes)
        #expect(path.withPath { String(path: $0) } == path)
        #expect(path.withPath { Array(UnsafeRawBufferPointer(start: $0, count: bytes.count)) } == bytes)
    }

    @Test("random bytes too, and different bytes give different strings")
    func random() {
        var random = SeededRandom(seed: SeededRandom.seed), seen: [String: [UInt8]] = [:]
        for _ in 0..<20_000 {
            let bytes = (0..<Int.random(in: 0...6, using: &random)).map { _ in
                [UInt8](arrayLiteral: 0x61, 0x2f, 0x80, 0xbf, 0xc3, 0xe2, 0xf4, 0x8f, 0xbb, 0xba, 0xff).randomElement(
                    using: &random)!
            }
            let path = String(pathBytes: bytes)
            #expect(path.pathBytes == bytes, "SRD_TEST_SEED=\(SeededRandom.seed)")
            #expect(seen.updateValue(bytes, forKey: path) ?? bytes == bytes, "SRD_TEST_SEED=\(SeededRandom.seed)")
        }
    }

    @Test("paths that are UTF-8 are ordinary strings, and parts of any path can be joined")
    func ordinary() {
        #expect(String(pathBytes: Array("grüße.png".utf8)) == "grüße.png")
        let path = String(pathBytes: [0x61, 0xff, 0x2f, 0xfe, 0x62])
        let parts = path.split(separator: "/")
        #expect(parts.count == 2 && "\(parts[0])/\(parts[1])".pathBytes == path.pathBytes)
    }

    @Test("files with such names are written and read")
    func files() throws {
        try withTemporaryFolder { folder in
            for name in [
                [0xff, 0x61], [0xc3, 0x28] + Array(".safetensors".utf8), [UInt8](repeating: 0xe9, count: 255),
            ] {
                let path = String(pathBytes: Array("\(folder)/".utf8) + name)
                try FileOutput.check(path)
                try FileOutput.write(atomically: [[1, 2]], to: path)
                #expect(try MappedFile(path: path).withBytes { Array($0) } == [1, 2])
            }
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder).count == 3)
        }
    }

    @Test(
        "messages show them without their effect on a terminal",
        arguments: [
            ("plain ü 🙂", "plain ü 🙂"), ("a\u{1b}[31mb", "a\\x1b[31mb"),
            ("a\nb\r\t\u{7f}\u{0}", "a\\nb\\r\\t\\x7f\\x00"),
            ("\u{9b}31m", "\\u{9b}31m"), ("\u{202e}gnp.exe", "\\u{202e}gnp.exe"),
            ("\u{2028}\u{feff}\u{e000}", "\\u{2028}\\u{feff}\\u{e000}"),
        ])
    func printable(text: String, expected: String) {
        #expect(text.printable == expected)
    }

    @Test("bytes of a path that are not UTF-8 show as such; long text is shortened in the middle")
    func printableBytes() {
        #expect(String(pathBytes: [0x61, 0xff]).printable == "a\\xff")
        let long = String(repeating: "a", count: 300) + "end"
        #expect(long.printable.count == 200 && long.printable.hasSuffix("end") && long.printable.contains("…"))
        #expect(("e" + String(repeating: "\u{301}", count: 100_000)).printable.unicodeScalars.count == 200)
        #expect(
            FileError(.read, "a\u{1b}]0;x\u{7}", .missing).description == "cannot read a\\x1b]0;x\\x07: no such file")
    }
}
