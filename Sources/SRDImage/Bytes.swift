/// Bounds-checked reads from a file's bytes. Every function returns nil where the bytes end.
extension UnsafeRawBufferPointer {
    /// The bytes from `start`, at most `count`, or nil if there are fewer. The base address is that of the file's
    /// bytes.
    func slice(from start: Int, count: Int) -> UnsafeRawBufferPointer? {
        guard start >= 0, count >= 0, start <= self.count, count <= self.count - start else { return nil }
        return UnsafeRawBufferPointer(rebasing: self[start..<start + count])
    }

    func bigEndian16(at offset: Int) -> Int? {
        slice(from: offset, count: 2).map { Int($0[0]) << 8 | Int($0[1]) }
    }

    func bigEndian32(at offset: Int) -> Int? {
        slice(from: offset, count: 4).map { $0.reduce(0) { $0 << 8 | Int($1) } }
    }

    /// A little-endian number of `count` bytes.
    func littleEndian(_ count: Int, at offset: Int) -> Int? {
        slice(from: offset, count: count).map { $0.reversed().reduce(0) { $0 << 8 | Int($1) } }
    }

    func hasASCII(_ text: String, at offset: Int) -> Bool {
        slice(from: offset, count: text.utf8.count).map { $0.elementsEqual(text.utf8) } ?? false
    }

    /// Four characters, such as the name of a chunk.
    func fourCC(at offset: Int) -> String? {
        slice(from: offset, count: 4).map { String(decoding: $0, as: UTF8.self) }
    }
}

extension FixedWidthInteger {
    var bigEndianBytes: [UInt8] { withUnsafeBytes(of: bigEndian) { Array($0) } }
    var littleEndianBytes: [UInt8] { withUnsafeBytes(of: littleEndian) { Array($0) } }
}

extension String {
    init(latin1 bytes: some Sequence<UInt8>) {
        self.init(String.UnicodeScalarView(bytes.map { Unicode.Scalar($0) }))
    }

    /// UTF-8 where the bytes are valid UTF-8, Latin-1 otherwise.
    init(utf8OrLatin1 bytes: some Collection<UInt8>) {
        self = String(validUTF8: bytes) ?? String(latin1: bytes)
    }

    /// nil unless the bytes are valid UTF-8.
    init?(validUTF8 bytes: some Collection<UInt8>) {
        guard let text = String(validating: bytes, as: UTF8.self) else { return nil }
        self = text
    }
}
