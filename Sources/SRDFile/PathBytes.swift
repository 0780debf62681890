/// Paths as strings that keep every byte.
///
/// A path on Linux is any sequence of bytes without NUL, but `String` replaces what is not UTF-8 by U+FFFD, and the
/// file is not found. So a byte that does not belong to valid UTF-8 becomes one private-use scalar, U+10FE00 plus the
/// byte (the idea of Python's surrogateescape, PEP 383). Strings made by `init(pathBytes:)` give their bytes back
/// through `pathBytes` and `withPath(_:)`, and can be cut at "/" and joined in between. A file name that itself
/// contains one of those scalars is escaped byte by byte, so it comes back unchanged as well.
extension String {
    /// The path with these bytes. Every sequence of bytes gives a different string.
    public init(pathBytes bytes: some Collection<UInt8>) {
        let bytes = Array(bytes)
        if !bytes.contains(0xf4), let text = String(validating: bytes, as: UTF8.self) {  // 0xf4 starts plane 16
            self = text
            return
        }
        var text = "", iterator = bytes.makeIterator(), parser = Unicode.UTF8.ForwardParser(), position = 0
        func escape(_ count: Int) {
            for byte in bytes[position..<position + count] {
                text.unicodeScalars.append(Unicode.Scalar(Unicode.Scalar.pathByteBase + UInt32(byte))!)
            }
            position += count
        }
        while true {
            switch parser.parseScalar(from: &iterator) {
            case .emptyInput:
                self = text
                return
            case .error(let length): escape(length)
            case .valid(let encoded):
                let scalar = Unicode.UTF8.decode(encoded)
                if scalar.pathByte != nil {
                    escape(encoded.count)
                } else {
                    text.unicodeScalars.append(scalar)
                    position += encoded.count
                }
            }
        }
    }

    /// The path with these bytes, up to the terminating NUL: an argument of the process, or a name from `readdir`.
    public init(path: UnsafePointer<CChar>) {
        var count = 0
        while path[count] != 0 { count += 1 }
        self.init(pathBytes: UnsafeRawBufferPointer(start: path, count: count))
    }

    /// The bytes of the path, without a terminating NUL.
    public var pathBytes: [UInt8] {
        guard utf8.contains(0xf4) else { return Array(utf8) }
        var bytes: [UInt8] = []
        for scalar in unicodeScalars {
            if let byte = scalar.pathByte { bytes.append(byte) } else { bytes += UTF8.encode(scalar)! }
        }
        return bytes
    }

    /// Calls `body` with the path as a C string, for system calls.
    public func withPath<Result>(_ body: (UnsafePointer<CChar>) throws -> Result) rethrows -> Result {
        guard utf8.contains(0xf4) else { return try withCString(body) }
        return try (pathBytes + [0]).withUnsafeBytes { try body($0.baseAddress!.assumingMemoryBound(to: CChar.self)) }
    }
}

extension Unicode.Scalar {
    fileprivate static let pathByteBase: UInt32 = 0x10fe00

    /// The byte that this scalar stands for in a path; nil for an ordinary character.
    var pathByte: UInt8? {
        (Self.pathByteBase + 0x80...Self.pathByteBase + 0xff).contains(value) ? UInt8(truncatingIfNeeded: value) : nil
    }
}
