/// Reads forward through bytes from outside; every read is checked.
///
/// Positions count from the start of the file, or of the member, that the bytes are a part of.
struct ByteReader {
    private let bytes: UnsafeRawBufferPointer
    private let base: Int  // the position of the first byte
    private(set) var position: Int
    private let what: String  // for errors

    /// - Parameters:
    ///   - base: the position of the first byte of `bytes`.
    ///   - position: where to start. It may come from the file: it is checked.
    init(
        _ bytes: UnsafeRawBufferPointer, from base: Int = 0, at position: Int, of what: String
    ) throws(CheckpointError) {
        guard position >= base, position - base <= bytes.count else {
            throw .truncated(what: what, needs: position, has: base + bytes.count)
        }
        self.bytes = bytes
        self.base = base
        self.position = position
        self.what = what
    }

    /// The next little-endian integer.
    mutating func integer<T: FixedWidthInteger>(_: T.Type) throws(CheckpointError) -> T {
        let range = try take(T.bitWidth / 8)
        return T(littleEndian: bytes.loadUnaligned(fromByteOffset: range.lowerBound - base, as: T.self))
    }

    /// Moves past the next `count` bytes and returns their positions.
    mutating func take(_ count: Int) throws(CheckpointError) -> Range<Int> {
        guard count >= 0 else { throw .malformed("a negative size", at: position) }
        guard count <= base + bytes.count - position else {
            let (needs, overflow) = position.addingReportingOverflow(count)
            throw .truncated(what: what, needs: overflow ? .max : needs, has: base + bytes.count)
        }
        defer { position += count }
        return position..<position + count
    }

    /// Reads a count of type `T`, then moves past that many bytes.
    mutating func take<T: FixedWidthInteger>(countedBy _: T.Type) throws(CheckpointError) -> Range<Int> {
        let start = position
        guard let count = Int(exactly: try integer(T.self)) else {
            throw .malformed("a size of more than 2⁶³ bytes", at: start)
        }
        return try take(count)
    }

    /// Bytes at positions that `take` returned.
    subscript(range: Range<Int>) -> UnsafeRawBufferPointer {
        bytes.slice(range.lowerBound - base..<range.upperBound - base)
    }

    func text(_ range: Range<Int>) throws(CheckpointError) -> String {
        if let text = String(validating: self[range], as: UTF8.self) { return text }
        throw .malformed("text is not UTF-8", at: range.lowerBound)
    }
}

extension UnsafeRawBufferPointer {
    func slice(_ range: Range<Int>) -> UnsafeRawBufferPointer {
        precondition(range.lowerBound >= 0 && range.upperBound <= count, "slice \(range) of \(count) bytes")
        return UnsafeRawBufferPointer(rebasing: self[range])
    }
}
