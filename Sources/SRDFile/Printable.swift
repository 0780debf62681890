extension String {
    /// The text with everything escaped that could change what a terminal shows: control characters, line breaks,
    /// invisible and bidirectional formatting, private-use and unassigned characters. At most 200 characters.
    ///
    /// Names, paths and metadata from outside pass through here before they are put into an error or printed.
    ///
    /// | in the text | shown as |
    /// |---|---|
    /// | line feed, carriage return, tab | `\n`, `\r`, `\t` |
    /// | another control character below U+0080 | `\x1b` |
    /// | a byte of a path that is not UTF-8 (see `init(pathBytes:)`) | `\xff` |
    /// | any other such character | `\u{202e}` |
    public var printable: String { printable(limit: 200) }

    /// The text with everything escaped that could change what a terminal shows, shortened to `limit` characters.
    ///
    /// A longer text keeps its beginning and its end, with "…" between them.
    public func printable(limit: Int) -> String {
        // Counted in scalars: a single grapheme cluster can be as long as its file.
        guard unicodeScalars.dropFirst(limit).isEmpty else {
            let tail = limit / 4, head = max(0, limit - tail - 1)
            return Self.escaped(unicodeScalars.prefix(head)) + "…" + Self.escaped(unicodeScalars.suffix(tail))
        }
        return Self.escaped(unicodeScalars[...])
    }

    private static func escaped(_ scalars: Substring.UnicodeScalarView) -> String {
        var text = ""
        for scalar in scalars {
            switch scalar {
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            case " "..."~": text.unicodeScalars.append(scalar)
            case _ where scalar.value < 0x80: text += "\\x" + hexadecimal(scalar.value)
            case _ where scalar.pathByte != nil: text += "\\x" + hexadecimal(scalar.value & 0xff)
            default:
                if scalar.isVisible {
                    text.unicodeScalars.append(scalar)
                } else {
                    text += "\\u{\(hexadecimal(scalar.value))}"
                }
            }
        }
        return text
    }

    private static func hexadecimal(_ value: UInt32) -> String {
        (value < 0x10 ? "0" : "") + String(value, radix: 16)
    }
}

extension Unicode.Scalar {
    fileprivate var isVisible: Bool {
        switch properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator: false
        default: true
        }
    }
}
