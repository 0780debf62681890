/// Reads JSON token by token, for headers whose structure the caller knows: what it does not ask for is an error.
/// So nesting is only as deep as the caller goes, and no tree is built.
struct JSONReader {
    private let bytes: UnsafeRawBufferPointer
    private var position = 0
    private let base: Int              // where the text starts in its file, for errors
    private var justOpened = false     // the last token opened an object or array

    init(_ bytes: UnsafeRawBufferPointer, base: Int) {
        self.bytes = bytes
        self.base = base
    }

    mutating func open(_ bracket: Unicode.Scalar) throws(SafetensorsError) {
        try expect(bracket)
        justOpened = true
    }

    /// Inside an object or array: whether another member follows; if not, the closing bracket has been read.
    mutating func hasNext(before bracket: Unicode.Scalar) throws(SafetensorsError) -> Bool {
        if take(bracket) {
            justOpened = false
            return false
        }
        if !justOpened { try expect(",") }
        justOpened = false
        return true
    }

    mutating func key() throws(SafetensorsError) -> String {
        let key = try string()
        try expect(":")
        return key
    }

    /// 0 or a positive integer without sign, fraction, exponent or leading zeros.
    mutating func integer() throws(SafetensorsError) -> Int {
        skipSpace()
        let start = position
        var value = 0
        while let digit = peek(), (0x30...0x39).contains(digit) {
            let (tens, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = tens.addingReportingOverflow(Int(digit - 0x30))
            guard !overflow, !carry else { throw error("a smaller number", at: start) }
            value = sum
            position += 1
        }
        guard position > start, position == start + 1 || bytes[start] != 0x30 else { throw error("a whole number", at: start) }
        return value
    }

    mutating func string() throws(SafetensorsError) -> String {
        try expect("\"")
        let start = position
        var text: [UInt8] = []
        while let byte = peek(), byte != 0x22 {
            position += 1
            switch byte {
            case 0..<0x20: throw error("no control character", at: position - 1)
            case 0x5c: try text += escape()
            default: text.append(byte)
            }
        }
        try expect("\"")
        guard let string = String(validating: text, as: UTF8.self) else { throw error("UTF-8", at: start) }
        return string
    }

    /// Nothing but space up to the end.
    mutating func end() throws(SafetensorsError) {
        skipSpace()
        guard position == bytes.count else { throw error("the end", at: position) }
    }

    /// What follows a backslash, as UTF-8.
    private mutating func escape() throws(SafetensorsError) -> [UInt8] {
        let start = position
        guard let letter = peek() else { throw error("an escape", at: start) }
        position += 1
        switch letter {
        case 0x22, 0x2f, 0x5c: return [letter]     // " / \
        case 0x62: return [0x08]                   // b
        case 0x66: return [0x0c]                   // f
        case 0x6e: return [0x0a]                   // n
        case 0x72: return [0x0d]                   // r
        case 0x74: return [0x09]                   // t
        case 0x75: break                           // u
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
        return Array(String(Character(scalar)).utf8)
    }

    private mutating func fourHexDigits() throws(SafetensorsError) -> UInt32 {
        var code: UInt32 = 0
        for _ in 0..<4 {
            guard let digit = peek(), let value = Character(Unicode.Scalar(digit)).hexDigitValue else {
                throw error("a hexadecimal digit", at: position)
            }
            code = code << 4 | UInt32(value)
            position += 1
        }
        return code
    }

    private mutating func expect(_ character: Unicode.Scalar) throws(SafetensorsError) {
        guard take(character) else { throw error("'\(character)'", at: position) }
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        skipSpace()
        guard peek() == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private mutating func skipSpace() {
        while let byte = peek(), byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 { position += 1 }
    }

    private func peek() -> UInt8? { position < bytes.count ? bytes[position] : nil }

    /// `expected` was not found at `position`; without one, before here.
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
            case "\u{0}"..<"\u{20}":
                let digits = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text + "\""
    }
}
