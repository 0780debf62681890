/// Reads forward through bytes from outside; every read is checked.
struct ByteReader {
    let bytes: UnsafeRawBufferPointer
    private(set) var position: Int
    private let what: String       // for errors

    /// `position` may come from the file: it is checked.
    init(_ bytes: UnsafeRawBufferPointer, at position: Int, of what: String) throws(CheckpointError) {
        guard (0...bytes.count).contains(position) else { throw .truncated(what: what, needs: position, has: bytes.count) }
        self.bytes = bytes
        self.position = position
        self.what = what
    }

    /// The next little-endian integer.
    mutating func integer<T: FixedWidthInteger>(_: T.Type) throws(CheckpointError) -> T {
        let range = try take(T.bitWidth / 8)
        return T(littleEndian: bytes.loadUnaligned(fromByteOffset: range.lowerBound, as: T.self))
    }

    /// Steps over the next `count` bytes and says where they are.
    mutating func take(_ count: Int) throws(CheckpointError) -> Range<Int> {
        guard count >= 0 else { throw .malformed("a negative size", at: position) }
        guard count <= bytes.count - position else {
            let (needs, overflow) = position.addingReportingOverflow(count)
            throw .truncated(what: what, needs: overflow ? .max : needs, has: bytes.count)
        }
        defer { position += count }
        return position..<position + count
    }

    /// A count of bytes as the file gives it, then as many bytes.
    mutating func take<T: FixedWidthInteger>(countedBy _: T.Type) throws(CheckpointError) -> Range<Int> {
        let start = position
        guard let count = Int(exactly: try integer(T.self)) else { throw .malformed("a size of more than 2⁶³ bytes", at: start) }
        return try take(count)
    }

    func text(_ range: Range<Int>) throws(CheckpointError) -> String {
        if let text = String(validating: bytes[range], as: UTF8.self) { return text }
        throw .malformed("text is not UTF-8", at: range.lowerBound)
    }
}

extension UnsafeRawBufferPointer {
    func slice(_ range: Range<Int>) -> UnsafeRawBufferPointer {
        precondition(range.lowerBound >= 0 && range.upperBound <= count, "slice \(range) of \(count) bytes")
        return UnsafeRawBufferPointer(rebasing: self[range])
    }
}
