import Glibc

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

    private let bytes: UnsafeRawBufferPointer
    private(set) var position: Int
    private let base: Int              // where the text starts in its file, for errors
    private var justOpened = false     // the last token opened an object or array

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
        guard position > start, position == start + 1 || bytes[start] != 0x30 else { throw error("a whole number", at: start) }
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
                position += 1                  // whatever it is, it does not end the string
            }
            union |= byte
            position += 1
        }
        position = min(position, bytes.count)
        throw error("'\"'", at: position)
    }

    mutating func string() throws(SafetensorsError) -> String { try text(of: try token()) }

    func isEqual(_ token: Token, _ text: StaticString) -> Bool {
        !token.hasEscapes && token.range.count == text.utf8CodeUnitCount
            && memcmp(bytes.baseAddress! + token.range.lowerBound, text.utf8Start, token.range.count) == 0
    }

    func text(of token: Token) throws(SafetensorsError) -> String {
        let slice = UnsafeRawBufferPointer(rebasing: bytes[token.range])
        if !token.hasEscapes {
            if token.isASCII { return String(decoding: slice, as: UTF8.self) }
            guard let text = String(validating: slice, as: UTF8.self) else { throw error("UTF-8", at: token.range.lowerBound) }
            return text
        }
        var text: [UInt8] = []
        text.reserveCapacity(slice.count)
        var reader = self
        reader.position = token.range.lowerBound
        while reader.position < token.range.upperBound {
            let start = reader.position
            var end = start
            while end < token.range.upperBound, bytes[end] != 0x5c { end += 1 }
            text.append(contentsOf: UnsafeRawBufferPointer(rebasing: bytes[start..<end]))
            reader.position = end + 1
            if end < token.range.upperBound { try reader.appendEscape(to: &text) }
        }
        guard let string = String(validating: text, as: UTF8.self) else { throw error("UTF-8", at: token.range.lowerBound) }
        return string
    }

    /// Any value, whatever it is.
    mutating func skipValue() throws(SafetensorsError) {
        var closers: [UInt8] = []              // of the objects and arrays that are open
        repeat {
            skipSpace()
            let start = position
            switch peek() {
            case 0x22: _ = try token()
            case 0x7b, 0x5b:
                guard closers.count < Self.deepestNesting else { throw error("at most \(Self.deepestNesting) levels", at: start) }
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

    /// Appends, as UTF-8, the character that an escape stands for. `position` is after the backslash.
    private mutating func appendEscape(to text: inout [UInt8]) throws(SafetensorsError) {
        let start = position
        guard let letter = peek() else { throw error("an escape", at: start) }
        position += 1
        switch letter {
        case 0x22, 0x2f, 0x5c: return text.append(letter)     // " / \
        case 0x62: return text.append(0x08)                   // b
        case 0x66: return text.append(0x0c)                   // f
        case 0x6e: return text.append(0x0a)                   // n
        case 0x72: return text.append(0x0d)                   // r
        case 0x74: return text.append(0x09)                   // t
        case 0x75: break                                      // u
        default: throw error("an escape", at: start)
        }
        var code = try fourHexDigits()
        if (0xd800..<0xdc00).contains(code), peek() == 0x5c {      // the first half of a surrogate pair
            position += 1
            guard peek() == 0x75 else { throw error("the second half of a surrogate pair", at: position) }
            position += 1
            let low = try fourHexDigits()
            guard (0xdc00..<0xe000).contains(low) else { throw error("the second half of a surrogate pair", at: start) }
            code = 0x10000 + (code - 0xd800) << 10 + (low - 0xdc00)
        }
        guard let scalar = Unicode.Scalar(code) else { throw error("a Unicode character", at: start) }
        UTF8.encode(scalar)!.forEach { text.append($0) }
    }

    private mutating func fourHexDigits() throws(SafetensorsError) -> UInt32 {
        var code: UInt32 = 0
        for _ in 0..<4 {
            guard let digit = peek(), let value = Self.hexDigit(digit) else { throw error("a hexadecimal digit", at: position) }
            code = code << 4 | value
            position += 1
        }
        return code
    }

    private static func hexDigit(_ byte: UInt8) -> UInt32? {
        switch byte {
        case 0x30...0x39: UInt32(byte - 0x30)
        case 0x41...0x46: UInt32(byte - 0x41 + 10)
        case 0x61...0x66: UInt32(byte - 0x61 + 10)
        default: nil
        }
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

    private func peek() -> UInt8? { position < bytes.count ? bytes[position] : nil }

    /// `expected` was not found at `position`, or before the current position if there is none.
    func error(_ expected: String, at position: Int? = nil) -> SafetensorsError {
        .header(at: base + (position ?? self.position), expected: expected)
    }
}

extension String {
    /// As a JSON string, quotes included.
    package var json: String {
        var text = "\""
        for scalar in unicodeScalars {
            switch scalar {
            case "\"", "\\": text += "\\\(scalar)"
            case "\u{0}"..<"\u{20}", "\u{7f}"..<"\u{a0}":      // DEL and C1 too: they act on terminals
                let digits = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text + "\""
    }
}
