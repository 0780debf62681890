/// Tokens of a PNM file.
struct PNMReader {
    let bytes: UnsafeRawBufferPointer
    var position: Int

    /// The next byte, or nil at the end. A comment reads as the line end that closes it.
    private mutating func next() -> UInt8? {
        guard position < bytes.count else { return nil }
        var byte = bytes[position]
        position += 1
        if byte == UInt8(ascii: "#") {
            while byte != UInt8(ascii: "\n") && byte != UInt8(ascii: "\r") {
                guard position < bytes.count else { return nil }
                byte = bytes[position]
                position += 1
            }
        }
        return byte
    }

    /// Skips white space, then reads digits and the one byte of white space, or the end, after them.
    /// nil if there is anything else, or if the number exceeds 2³⁰.
    mutating func number() -> Int? {
        var byte = next()
        while let space = byte, space.isPNMSpace { byte = next() }
        guard byte != nil else { return nil }
        var value = 0
        while let digit = byte, !digit.isPNMSpace {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
            value = value * 10 + Int(digit - UInt8(ascii: "0"))
            guard value <= 1 << 30 else { return nil }
            byte = next()
        }
        return value
    }

    /// A bit of an ASCII bitmap as a sample: 1 is black. Spaces between bits are optional.
    mutating func bit() -> Int? {
        var byte = next()
        while let space = byte, space.isPNMSpace { byte = next() }
        switch byte {
        case UInt8(ascii: "0"): return 1
        case UInt8(ascii: "1"): return 0
        default: return nil
        }
    }

    /// A big-endian number. Traps at the end: the caller has counted.
    mutating func binary(bytes count: Int) -> Int {
        defer { position += count }
        return count == 1 ? Int(bytes[position]) : Int(bytes[position]) << 8 | Int(bytes[position + 1])
    }

    /// The lines of a PAM header, each a name and a value, up to ENDHDR. The values of a repeated name are joined.
    mutating func fields() throws(ImageError) -> [String: String] {
        var fields: [String: String] = [:]
        while position < bytes.count, fields.count < 16 {
            let line = bytes[position...].prefix(256).prefix { $0 != UInt8(ascii: "\n") }
            guard line.endIndex < bytes.count, bytes[line.endIndex] == UInt8(ascii: "\n") else { break }
            position = line.endIndex + 1
            guard line.first != UInt8(ascii: "#") else { continue }
            let words = line.split(omittingEmptySubsequences: true) { $0.isPNMSpace }.map {
                String(decoding: $0, as: UTF8.self)
            }
            guard let name = words.first else { continue }
            if name == "ENDHDR" { return fields }
            let value = words.dropFirst().joined(separator: " ")
            fields[name] = fields[name].map { $0 + " " + value } ?? value
        }
        throw .badHeader(field: "end (ENDHDR)")
    }

    mutating func skipSpace() {
        while position < bytes.count, bytes[position].isPNMSpace { position += 1 }
    }
}

extension UInt8 {
    /// Space, tab, line feed, vertical tab, form feed, carriage return.
    var isPNMSpace: Bool { self == 32 || (9...13).contains(self) }
}
