/// Reads JSON token by token, straight from its bytes, for texts whose structure the caller knows.
///
/// No tree is built, and strings stay slices of the text until the caller asks for them. Whatever the caller does not
/// ask for is an error, except in `skipValue`, whose nesting is limited.
struct JSONReader {
    /// A string, still in the text.
    struct Token {
        /// The bytes between the quotes.
        let range: Range<Int>
        let hasEscapes: Bool, isASCII: Bool
    }

    /// How deep a value that is skipped may nest.
    static let deepestNesting = 64

    let bytes: UnsafeRawBufferPointer
    var position: Int
    private let base: Int  // where the text starts in its file, for errors
    private var justOpened = false  // the last token opened an object or array

    init(_ bytes: UnsafeRawBufferPointer, base: Int, at position: Int = 0) {
        self.bytes = bytes
        self.base = base
        self.position = position
    }

    mutating func open(_ bracket: Unicode.Scalar) throws(SafetensorsError) {
        try expect(bracket)
        justOpened = true
    }

    /// Inside an object or array: whether another member follows. If not, the closing bracket has been read.
    mutating func hasNext(before bracket: Unicode.Scalar) throws(SafetensorsError) -> Bool {
        if take(bracket) {
            justOpened = false
            return false
        }
        if !justOpened { try expect(",") }
        justOpened = false
        return true
    }

    mutating func key() throws(SafetensorsError) -> Token {
        let key = try token()
        try expect(":")
        return key
    }

    /// 0 or a positive integer without sign, fraction, exponent or leading zeros.
    mutating func integer() throws(SafetensorsError) -> Int {
        skipSpace()
        let start = position
        var value = 0
        while position < bytes.count {
            let digit = bytes[position] &- 0x30
            guard digit < 10 else { break }
            let (tens, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = tens.addingReportingOverflow(Int(digit))
            guard !overflow, !carry else { throw error("a smaller number", at: start) }
            value = sum
            position += 1
        }
        guard position > start, position == start + 1 || bytes[start] != 0x30 else {
            throw error("a whole number", at: start)
        }
        return value
    }

    /// A string that is not needed yet, or not at all. Its escapes are checked when it is.
    mutating func token() throws(SafetensorsError) -> Token {
        try expect("\"")
        let start = position
        var hasEscapes = false, union: UInt8 = 0
        while position < bytes.count {
            let byte = bytes[position]
            if byte == 0x22 {
                defer { position += 1 }
                return Token(range: start..<position, hasEscapes: hasEscapes, isASCII: union < 0x80)
            }
            guard byte >= 0x20 else { throw error("no control character", at: position) }
            if byte == 0x5c {
                hasEscapes = true
                position += 1  // whatever it is, it does not end the string
            }
            union |= byte
            position += 1
        }
        position = min(position, bytes.count)
        throw error("'\"'", at: position)
    }

    /// Any value, whatever it is.
    mutating func skipValue() throws(SafetensorsError) {
        var closers: [UInt8] = []  // of the objects and arrays that are open
        repeat {
            skipSpace()
            let start = position
            switch peek() {
            case 0x22: _ = try token()
            case 0x7b, 0x5b:
                guard closers.count < Self.deepestNesting else {
                    throw error("at most \(Self.deepestNesting) levels", at: start)
                }
                let isObject = bytes[start] == 0x7b
                position += 1
                skipSpace()
                if peek() == (isObject ? 0x7d : 0x5d) {
                    position += 1
                } else {
                    closers.append(isObject ? 0x7d : 0x5d)
                    if isObject { _ = try key() }
                    continue
                }
            default:
                while let byte = peek(), Self.isScalar(byte) { position += 1 }
                guard position > start else { throw error("a value", at: start) }
            }
            while let closer = closers.last {
                skipSpace()
                if peek() == closer {
                    position += 1
                    closers.removeLast()
                } else {
                    try expect(",")
                    if closer == 0x7d { _ = try key() }
                    break
                }
            }
        } while !closers.isEmpty
    }

    /// Numbers, true, false and null.
    private static func isScalar(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2b, 0x2d, 0x2e: true
        default: false
        }
    }

    /// Nothing but space up to the end.
    mutating func end() throws(SafetensorsError) {
        skipSpace()
        guard position == bytes.count else { throw error("the end", at: position) }
    }

    private mutating func expect(_ character: Unicode.Scalar) throws(SafetensorsError) {
        guard take(character) else { throw error("'\(character)'", at: position) }
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        skipSpace()
        guard peek() == UInt8(truncatingIfNeeded: character.value) else { return false }
        position += 1
        return true
    }

    private mutating func skipSpace() {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x0a, 0x0d, 0x09: position += 1
            default: return
            }
        }
    }

    func peek() -> UInt8? { position < bytes.count ? bytes[position] : nil }

    /// `expected` was not found at `position`, or before the current position if there is none.
    func error(_ expected: String, at position: Int? = nil) -> SafetensorsError {
        .header(at: base + (position ?? self.position), expected: expected)
    }
}
