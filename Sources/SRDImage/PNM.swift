/// PPM and PGM, as netpbm defines them: P2 and P3 in ASCII, P5 and P6 in binary.
enum PNM {
    static func decode(_ bytes: UnsafeRawBufferPointer, pixelLimit: Int) throws(ImageError) -> Image {
        var reader = TokenReader(bytes: bytes, position: 2)
        let isBinary = bytes[1] >= UInt8(ascii: "5")
        let channels = bytes[1] == UInt8(ascii: "3") || bytes[1] == UInt8(ascii: "6") ? 3 : 1
        guard let width = reader.number(), width > 0 else { throw .badHeader(field: "width") }
        guard let height = reader.number(), height > 0 else { throw .badHeader(field: "height") }
        guard let maximum = reader.number(), (1...65535).contains(maximum) else { throw .badHeader(field: "maximum") }
        try Image.check(width: width, height: height, limit: min(pixelLimit, Int.max / 8))

        let count = width * height * channels
        let sampleBytes = maximum > 255 ? 2 : 1
        // In ASCII a sample takes a digit and, except after the last, a space.
        let needed = isBinary ? count * sampleBytes : 2 * count - 1
        guard needed <= bytes.count - reader.position else { throw .endsEarly }

        let target = maximum > 255 ? 65535 : 255
        var samples: [UInt16] = []
        samples.reserveCapacity(count)
        for i in 0..<count {
            let value = isBinary ? reader.binary(bytes: sampleBytes) : reader.number()
            guard let value, value <= maximum else { throw .badSample(index: i) }
            samples.append(UInt16((value * target + maximum / 2) / maximum))
        }
        return Image(
            width: width, height: height, channels: channels, bitDepth: target == 255 ? 8 : 16, samples: samples
        )
    }

    static func encode(_ image: Image) throws(ImageError) -> [UInt8] {
        guard !image.hasAlpha else { throw .alphaNotSupported }
        var out = Array("P\(image.hasColor ? 6 : 5)\n\(image.width) \(image.height)\n\(image.maximum)\n".utf8)
        for y in 0..<image.height { out += image.bigEndianRow(y) }
        return out
    }
}

private struct TokenReader {
    let bytes: UnsafeRawBufferPointer
    var position: Int

    /// The next byte; a comment reads as the line end that closes it. nil at the end.
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
    /// nil when there is anything else, or when the number is above 2³⁰.
    mutating func number() -> Int? {
        var byte = next()
        while let space = byte, space.isSpace { byte = next() }
        guard byte != nil else { return nil }
        var value = 0
        while let digit = byte, !digit.isSpace {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
            value = value * 10 + Int(digit - UInt8(ascii: "0"))
            guard value <= 1 << 30 else { return nil }
            byte = next()
        }
        return value
    }

    /// A big-endian number. Traps at the end: the caller has counted.
    mutating func binary(bytes count: Int) -> Int {
        defer { position += count }
        return count == 1 ? Int(bytes[position]) : Int(bytes[position]) << 8 | Int(bytes[position + 1])
    }
}

extension UInt8 {
    /// Space, tab, line feed, vertical tab, form feed, carriage return.
    fileprivate var isSpace: Bool { self == 32 || (9...13).contains(self) }
}
