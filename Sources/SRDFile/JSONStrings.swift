import Glibc

extension JSONReader {
    mutating func string() throws(SafetensorsError) -> String { try text(of: try token()) }

    func isEqual(_ token: Token, _ text: StaticString) -> Bool {
        !token.hasEscapes && token.range.count == text.utf8CodeUnitCount
            && memcmp(bytes.baseAddress! + token.range.lowerBound, text.utf8Start, token.range.count) == 0
    }

    func text(of token: Token) throws(SafetensorsError) -> String {
        let slice = UnsafeRawBufferPointer(rebasing: bytes[token.range])
        if !token.hasEscapes {
            if token.isASCII { return String(decoding: slice, as: UTF8.self) }
            guard let text = String(validating: slice, as: UTF8.self) else {
                throw error("UTF-8", at: token.range.lowerBound)
            }
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
        guard let string = String(validating: text, as: UTF8.self) else {
            throw error("UTF-8", at: token.range.lowerBound)
        }
        return string
    }

    /// Appends, as UTF-8, the character that an escape stands for. `position` is after the backslash.
    private mutating func appendEscape(to text: inout [UInt8]) throws(SafetensorsError) {
        let start = position
        guard let letter = peek() else { throw error("an escape", at: start) }
        position += 1
        switch letter {
        case 0x22, 0x2f, 0x5c: return text.append(letter)  // " / \
        case 0x62: return text.append(0x08)  // b
        case 0x66: return text.append(0x0c)  // f
        case 0x6e: return text.append(0x0a)  // n
        case 0x72: return text.append(0x0d)  // r
        case 0x74: return text.append(0x09)  // t
        case 0x75: break  // u
        default: throw error("an escape", at: start)
        }
        var code = try fourHexDigits()
        if (0xd800..<0xdc00).contains(code), peek() == 0x5c {  // the first half of a surrogate pair
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
            guard let digit = peek(), let value = Self.hexDigit(digit) else {
                throw error("a hexadecimal digit", at: position)
            }
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
}

extension String {
    /// The text as a JSON string, with quotes and escapes.
    package var json: String {
        var text = "\""
        for scalar in unicodeScalars {
            switch scalar {
            case "\"", "\\": text += "\\\(scalar)"
            case "\u{0}"..<"\u{20}", "\u{7f}"..<"\u{a0}":  // DEL and C1 too: they act on terminals
                let digits = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text + "\""
    }
}
