import Foundation
import SRDFile
import SRDTensor
import Testing
import TestSupport

private func open(_ bytes: [UInt8]) throws -> Safetensors { try Safetensors(MappedFile(copying: bytes, path: "test")) }

private func failure(_ bytes: [UInt8]) -> SafetensorsError? {
    do { _ = try open(bytes) } catch { return error as? SafetensorsError }
    return nil
}

private func file(_ header: String, data: Int = 0) -> [UInt8] {
    withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Array($0) } + Array(header.utf8)
        + [UInt8](repeating: 0, count: data)
}

private func tensor(_ shape: String, _ offsets: String, type: String = "F32") -> String {
    "{\"dtype\":\"\(type)\",\"shape\":[\(shape)],\"data_offsets\":[\(offsets)]}"
}

private let names = ["", "plain", "dots.and.weight", "\"quoted\\\"", "line\nfeed\u{0}\u{1f}", "grüße 🙂", "a/b"]

@Suite("What is written is read")
struct SafetensorsRoundTripTests {
    private var tensors: [SafetensorsTensor] {
        var tensors = names.enumerated().map { i, name in
            SafetensorsTensor(name, FloatTensor(shape: [i, 3], values: (0..<3 * i).map { Float($0) - 0.5 }))
        }
        tensors.append(SafetensorsTensor("int8", shape: [5], [-128, -1, 0, 1, 127] as [Int8]))
        tensors.append(SafetensorsTensor("int32", shape: [3], [.min, 0, .max] as [Int32]))
        tensors.append(SafetensorsTensor("scalar", FloatTensor(shape: [], values: [7])))
        tensors.append(SafetensorsTensor("bytes", .u8, shape: [1, 3], bytes: [1, 2, 255]))
        return tensors
    }

    @Test("binary16: every value survives, between two the nearer is taken, ties go to even")
    func halves() throws {
        let all = (0..<UInt16.max).filter { $0 & 0x7c00 != 0x7c00 || $0 & 0x3ff == 0 }  // no NaN
        let stored = SafetensorsTensor(
            "x", .f16, shape: [all.count], bytes: all.flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] })
        let floats = stored.bytes.withUnsafeBytes { ElementType.f16.floats(in: $0) }
        func written(_ values: [Float]) -> [UInt8] {
            SafetensorsTensor(halves: "x", FloatTensor(shape: [values.count], values: values)).bytes
        }
        #expect(written(floats) == stored.bytes)
        // Neighbours 1 and 1 + 2⁻¹⁰, 1 + 2⁻¹⁰ and 1 + 2⁻⁹; the largest; the smallest.
        let between: [Float] = [1 + 0x1p-11, 1 + 0x3p-11, 1 + 0x1.01p-11, 65519, 65520, 0x1p-25, 0x1.8p-25, .nan]
        #expect(written(between) == [0, 0x3c, 2, 0x3c, 1, 0x3c, 0xff, 0x7b, 0, 0x7c, 0, 0, 1, 0, 0, 0x7e])
    }

    @Test("tensors and metadata, odd names included")
    func roundTrip() throws {
        let metadata = Dictionary(uniqueKeysWithValues: names.map { ($0, $0 + $0) })
        try withTemporaryFolder { folder in
            try Safetensors.write(tensors, metadata: metadata, to: folder + "/t")
            let safetensors = try Safetensors(path: folder + "/t")
            #expect(safetensors.metadata == metadata)
            #expect(safetensors.entries.count == tensors.count)
            for tensor in tensors {
                let entry = try #require(safetensors[tensor.name])
                #expect(entry.type == tensor.type && entry.shape == tensor.shape)
                #expect(try safetensors.withBytes(of: entry) { Array($0) } == tensor.bytes)
                #expect(entry.range.lowerBound.isMultiple(of: entry.type.size), "\(tensor.name) is not aligned")
            }
            #expect(try safetensors.int8s("int8", shape: [5]) == [-128, -1, 0, 1, 127])
            #expect(try safetensors.int32s("int32") == [.min, 0, .max])
            #expect(try safetensors.uint8s("bytes") == [1, 2, 255])
            #expect(try safetensors.tensor("scalar") == FloatTensor(shape: [], values: [7]))
            #expect(try safetensors.floats("plain", shape: [1, 3]) == [-0.5, 0.5, 1.5])
        }
    }

    @Test("bytes depend on the tensors alone; data starts at a multiple of 64")
    func reproducible() throws {
        var random = SeededRandom(seed: SeededRandom.seed)
        let metadata = ["a": "1", "b": "2", "c": "3"], first = Safetensors.encode(tensors, metadata: metadata)
        for _ in 0..<10 { #expect(Safetensors.encode(tensors.shuffled(using: &random), metadata: metadata) == first) }
        for count in 0..<70 {  // headers of every length
            let chunks = Safetensors.encode([
                SafetensorsTensor(String(repeating: "x", count: count), FloatTensor(shape: [1]))
            ])
            #expect(chunks[0].count.isMultiple(of: 64) && chunks[0].count <= 192)
            #expect(try open(Array(chunks.joined())).entries.count == 1)
        }
        #expect(try open(Array(Safetensors.encode([]).joined())).entries.isEmpty)
    }

    @Test("every float type becomes Float")
    func floats() throws {
        func read(_ type: ElementType, _ bytes: [UInt8]) throws -> [Float] {
            let tensor = SafetensorsTensor("t", type, shape: [bytes.count / type.size], bytes: bytes)
            return try open(Array(Safetensors.encode([tensor]).joined())).floats("t")
        }
        #expect(try read(.f32, [0, 0, 0xc0, 0x3f]) == [1.5])
        #expect(try read(.f64, [0, 0, 0, 0, 0, 0, 0xf8, 0x3f]) == [1.5])
        #expect(try read(.bf16, [0xc0, 0x3f, 0, 0xff]) == [1.5, -0x1p127])
        // 1.5, smallest subnormal, largest subnormal, largest, −0, ∞
        let halves: [UInt8] = [0, 0x3e, 1, 0, 0xff, 3, 0xff, 0x7b, 0, 0x80, 0, 0x7c]
        #expect(try read(.f16, halves) == [1.5, 0x1p-24, 0x1.ff8p-15, 65504, -0.0, .infinity])
        #expect(try read(.f16, [1, 0x7e])[0].isNaN)
    }

    @Test("asking for what is not there names it")
    func wrongQuestions() throws {
        let safetensors = try open(Array(Safetensors.encode(tensors).joined()))
        #expect(throws: SafetensorsError.missing(key: "none")) { try safetensors.floats("none") }
        #expect(throws: SafetensorsError.wrongShape(key: "plain", found: [1, 3], expected: [3])) {
            try safetensors.floats("plain", shape: [3])
        }
        #expect(throws: SafetensorsError.wrongType(key: "plain", found: .f32, expected: [.i8])) {
            try safetensors.int8s("plain")
        }
        #expect(
            SafetensorsError.wrongShape(key: "a", found: [1], expected: [2]).description
                == "tensor \"a\" has shape [1], expected [2]")
    }

    @Test(
        "a file of the reference implementation",
        .enabled(if: SharedFiles.has("golden/x4.golden.safetensors"), SharedFiles.absent))
    func golden() throws {
        let golden = try Safetensors(path: SharedFiles.path("golden/x4.golden.safetensors"))
        #expect(golden["lr_u8"]?.type == .u8 && golden["lr_u8"]?.shape == [10, 14, 3])
        #expect(golden["cond"]?.type == .f32 && golden["cond"]?.shape.count == 4)
    }
}

@Suite("Damaged safetensors are errors that say what is wrong")
struct DamagedSafetensorsTests {
    static let damagedHeaders: [(String, SafetensorsError)] = [
        ("", .header(at: 8, expected: "'{'")),
        ("[]", .header(at: 8, expected: "'{'")),
        ("{", .header(at: 9, expected: "'\"'")),
        ("{}x", .header(at: 10, expected: "the end")),
        ("{,}", .header(at: 9, expected: "'\"'")),
        ("{\"a\":\(tensor("", "0,4")),}", .header(at: 61, expected: "'\"'")),
        ("{\"a\":1}", .header(at: 13, expected: "'{'")),
        ("{\"a\":\(tensor("", "0,4")),\"a\":\(tensor("", "0,4"))}", .duplicateKey("a")),
        ("{\"a\":\(tensor("", "0,4")),\"\\u0061\":\(tensor("", "0,4"))}", .duplicateKey("a")),
        ("{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\"}}", .duplicateKey("a.dtype")),
        ("{\"__metadata__\":{\"k\":\"v\",\"k\":\"v\"}}", .duplicateKey("k")),
        ("{\"__metadata__\":{},\"__metadata__\":{}}", .duplicateKey("__metadata__")),
        ("{\"__metadata__\":{\"k\":1}}", .header(at: 29, expected: "'\"'")),
        ("{\"a\":\(tensor("", "0,4", type: "F8_E4M3"))}", .unknownType(key: "a", found: "F8_E4M3")),
        ("{\"a\":\(tensor("1,", "0,4"))}", .header(at: 39, expected: "a whole number")),
        ("{\"a\":\(tensor("-1", "0,4"))}", .header(at: 37, expected: "a whole number")),
        ("{\"a\":\(tensor("01", "0,4"))}", .header(at: 37, expected: "a whole number")),
        ("{\"a\":\(tensor("1.0", "0,4"))}", .header(at: 38, expected: "','")),
        ("{\"a\":\(tensor("1", "0,99999999999999999999"))}", .header(at: 58, expected: "a smaller number")),
        ("{\"a\":\(tensor("2", "0,4"))}", .wrongSize(key: "a", found: 4, expected: 8)),
        ("{\"a\":\(tensor("1", "0,3"))}", .wrongSize(key: "a", found: 3, expected: 4)),
        ("{\"a\":\(tensor("9223372036854775807", "0,4"))}", .wrongSize(key: "a", found: 4, expected: nil)),
        ("{\"a\":\(tensor("4294967296,4294967296,4294967296", "0,0"))}", .wrongSize(key: "a", found: 0, expected: nil)),
        ("{\"a\":\(tensor("", "0,4")),\"b\":\(tensor("", "0,4"))}", .overlap(key: "b", found: 0, expected: 4)),
        ("{\"a\":\(tensor("", "0,4")),\"b\":\(tensor("", "2,6"))}", .overlap(key: "b", found: 2, expected: 4)),
        ("{\"a\":\(tensor("", "1,5"))}", .gap(key: "a", found: 1, expected: 0)),
        ("{\"a\":\(tensor("", "0,4"))}", .trailingBytes(4)),
    ]

    @Test("headers", arguments: damagedHeaders)
    func headers(header: String, expected: SafetensorsError) {
        #expect(failure(file(header, data: 8)) == expected, "\(header)")
    }

    @Test(
        "strings",
        arguments: [
            "\"\\x\"", "\"\\u12\"", "\"\\ud800\"", "\"\\ud800\\u0041\"", "\"\\udc00\"", "\"\u{1}\"", "\"", "\"\\",
        ])
    func strings(string: String) {
        guard case .header? = failure(file("{\"__metadata__\":{\"k\":\(string)}}")) else {
            Issue.record("\(string) was read")
            return
        }
    }

    @Test("escapes are read")
    func escapes() throws {
        let safetensors = try open(file(#"{"__metadata__" : { "k" : "\"\\\/\b\f\n\r\t\u00e9\ud83d\ude42" } }  "#))
        #expect(safetensors.metadata == ["k": "\"\\/\u{8}\u{c}\n\r\té🙂"])
    }

    @Test("lengths that lie")
    func lengths() {
        #expect(failure([1, 2, 3]) == .truncated(needs: 8, has: 3))
        #expect(failure([9, 0, 0, 0, 0, 0, 0, 0, 0x7b]) == .truncated(needs: 17, has: 9))
        #expect(failure([UInt8](repeating: 0xff, count: 16)) == .headerTooLong(.max))
        let header = "{\"a\":\(tensor("1000", "0,4000"))}"
        #expect(failure(file(header)) == .truncated(needs: 8 + header.utf8.count + 4000, has: 8 + header.utf8.count))
        #expect(
            failure(file("{\"a\":\(tensor("", "9223372036854775803,9223372036854775807"))}"))
                == .truncated(needs: .max, has: 97))
    }

    @Test("nesting ends at once, however deep")
    func nesting() {
        for open in ["[", "{\"a\":", "{\"__metadata__\":{\"a\":{"] {
            guard case .header? = failure(file(String(repeating: open, count: 500_000))) else {
                Issue.record("\(open) was read")
                return
            }
        }
    }

    private static let sample = Array(
        Safetensors.encode(
            [
                SafetensorsTensor("one.weight", FloatTensor(shape: [2, 3])),
                SafetensorsTensor("two", shape: [3], [1, 2, 3] as [Int8]),
                SafetensorsTensor("three", FloatTensor(shape: [])),
            ], metadata: ["key": "value \u{1}"]
        ).joined())

    @Test(
        "names that are equal as strings, though not as bytes, are duplicates",
        arguments: [
            ("é", "e\u{301}"), ("K", "\u{212a}"), ("é", "\\u00e9"),
        ])
    func equalNames(a: String, b: String) {
        let header = "{\"\(a)\":\(tensor("0", "0,0")),\"\(b)\":\(tensor("0", "0,0"))}"
        guard case .duplicateKey? = failure(file(header)) else {
            Issue.record("\(header) was read")
            return
        }
    }

    @Test("limits: dimensions, tensors, members of the metadata")
    func limits() {
        let ones = [String](repeating: "1", count: 33).joined(separator: ",")
        #expect(
            failure(file("{\"a\":\(tensor(ones, "0,4"))}", data: 4))?.description.contains("at most 32 dimensions")
                == true)
        let tensors = (0...1 << 17).map { "\"\($0)\":\(tensor("0", "0,0"))" }.joined(separator: ",")
        #expect(failure(file("{\(tensors)}")) == .tooMany("tensors", limit: 1 << 17))
        let members = (0...1 << 12).map { "\"\($0)\":\"\"" }.joined(separator: ",")
        #expect(failure(file("{\"__metadata__\":{\(members)}}")) == .tooMany("metadata entries", limit: 1 << 12))
    }

    @Test(
        "headers are read in time proportional to their size",
        arguments: [
            "tensors", "long names", "escaped names", "metadata", "escapes", "empty tensors", "spaces",
        ])
    func speed(kind: String) throws {
        func tensors(_ count: Int, _ name: (Int) -> String) -> String {
            "{"
                + (0..<count).map { "\"\(name($0))\":\(tensor("1", "\($0),\($0 + 1)", type: "U8"))" }.joined(
                    separator: ",") + "}"
        }
        let value = String(repeating: "v", count: 250)
        let (header, data) =
            switch kind {
            case "tensors": (tensors(60_000) { "layers.\($0).weight" }, 60_000)
            case "long names": (tensors(4000) { String(repeating: "x", count: 900) + "\($0)" }, 4000)
            case "escaped names": (tensors(20_000) { "\\u00e9\\n\($0)" + String(repeating: "\\t", count: 40) }, 20_000)
            case "metadata":
                ("{\"__metadata__\":{\((0..<4000).map { "\"\($0)\":\"\(value)\"" }.joined(separator: ","))}}", 0)
            case "escapes": ("{\"__metadata__\":{\"a\":\"\(String(repeating: "\\n\\u00e9", count: 400_000))\"}}", 0)
            case "empty tensors":
                ("{" + (0..<60_000).map { "\"\($0)\":\(tensor("0", "0,0"))" }.joined(separator: ",") + "}", 0)
            default: ("{" + String(repeating: " ", count: 4_000_000) + "}", 0)
            }
        let bytes = try MappedFile(copying: file(header, data: data), path: "test")
        // Processor time of this thread: other tests run at the same time.
        func seconds() -> Double {
            var time = timespec()
            clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
            return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
        }
        let times = try (0..<3).map { _ in
            let start = seconds()
            _ = try Safetensors(bytes)
            return seconds() - start
        }
        let perMegabyte = times.min()! * 1e3 / (Double(header.utf8.count) * 1e-6)
        #expect(perMegabyte < Self.bound, "\(perMegabyte) ms per MB")
    }

    /// In milliseconds. Debug builds are many times slower.
    private static var bound: Double {
        var isDebug = false
        assert(
            {
                isDebug = true; return true
            }())
        return isDebug ? 1000 : 30
    }

    @Test("cut short at every length: an error")
    func truncated() {
        for count in Self.sample.indices { #expect(failure(Array(Self.sample[..<count])) != nil, "\(count) bytes") }
    }

    @Test("flipped bits: an error or a file whose tensors can be read")
    func flipped() throws {
        var random = SeededRandom(seed: SeededRandom.seed)
        for _ in 0..<20_000 {
            var bytes = Self.sample
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                bytes[Int.random(in: bytes.indices, using: &random)] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            }
            guard let safetensors = try? open(bytes) else { continue }
            let total = try safetensors.entries.reduce(0) { sum, entry in
                sum + (try safetensors.withBytes(of: entry) { Array($0).count })
            }
            #expect(total <= bytes.count, "SRD_TEST_SEED=\(SeededRandom.seed)")
        }
    }
}
