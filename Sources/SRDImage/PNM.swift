/// Netpbm's formats: P1 and P4 (PBM), P2 and P5 (PGM), P3 and P6 (PPM) in ASCII and binary, P7 (PAM).
enum PNM {
    struct Header {
        let kind: UInt8
        let width: Int
        let height: Int
        let channels: Int
        let maximum: Int
        /// Where the samples start.
        let end: Int

        var bitDepth: Int { maximum > 255 ? 16 : 8 }
        var isText: Bool { kind <= 3 }
        var isBitmap: Bool { kind == 1 || kind == 4 }

        var imageHeader: ImageHeader {
            ImageHeader(
                format: .pnm, width: width, height: height, channels: channels, bitDepth: bitDepth, isLossy: false,
                codecBytesPerPixel: 0)
        }
    }

    /// Reads the image that starts at `position`, and moves `position` to the next one or to the end.
    static func decode(
        _ bytes: UnsafeRawBufferPointer, from position: inout Int, pixelLimit: Int
    ) throws(ImageError) -> Image {
        let header = try Header(bytes, from: position)
        let width = header.width
        let height = header.height
        try Image.check(width: width, height: height, limit: min(pixelLimit, Int.max / 8))

        let count = width * height * header.channels
        // In ASCII a sample takes a digit and, except after the last and in bitmaps, a space.
        let needed =
            switch header.kind {
            case 1: count
            case 2, 3: 2 * count - 1
            case 4: (width + 7) / 8 * height
            default: count * (header.bitDepth / 8)
            }
        guard needed <= bytes.count - header.end else { throw .endsEarly }

        var reader = PNMReader(bytes: bytes, position: header.end)
        var samples: [UInt16] = []
        samples.reserveCapacity(count)
        if header.kind == 4 {
            for start in stride(from: header.end, to: header.end + needed, by: (width + 7) / 8) {
                for x in 0..<width { samples.append(bytes[start + x / 8] >> (7 - x % 8) & 1 == 1 ? 0 : 255) }
            }
            reader.position += needed
        } else {
            let target = header.bitDepth == 8 ? 255 : 65535
            let maximum = header.maximum
            for i in 0..<count {
                let value =
                    header.kind == 1
                    ? reader.bit() : header.isText ? reader.number() : reader.binary(bytes: header.bitDepth / 8)
                guard let value, value <= maximum else { throw .badSample(index: i) }
                samples.append(UInt16((value * target + maximum / 2) / maximum))
            }
        }
        reader.skipSpace()
        position = reader.position
        return Image(
            width: width, height: height, channels: header.channels, bitDepth: header.bitDepth, samples: samples)
    }

    static func encode(_ image: Image, onWarning: (String) -> Void) -> [UInt8] {
        if let orientation = image.metadata.orientation, orientation != 1 {
            onWarning("PNM has no place for the orientation: the image may appear rotated")
        }
        var out = Array("P\(image.hasColor ? 6 : 5)\n\(image.width) \(image.height)\n\(image.maximum)\n".utf8)
        for y in 0..<image.height { out += image.bigEndianRow(y) }
        return out
    }
}

extension PNM.Header {
    init(_ bytes: UnsafeRawBufferPointer, from start: Int) throws(ImageError) {
        kind = bytes[start + 1] - UInt8(ascii: "0")
        var reader = PNMReader(bytes: bytes, position: start + 2)
        if kind == 7 {
            let fields = try reader.fields()
            func number(_ name: String, _ range: ClosedRange<Int>) throws(ImageError) -> Int {
                guard let value = fields[name].flatMap({ Int($0) }), range.contains(value) else {
                    throw .badHeader(field: name.lowercased())
                }
                return value
            }
            width = try number("WIDTH", 1...1 << 30)
            height = try number("HEIGHT", 1...1 << 30)
            channels = try number("DEPTH", 1...4)
            maximum = try number("MAXVAL", 1...65535)
            let types = ["BLACKANDWHITE", "GRAYSCALE", "RGB", "BLACKANDWHITE_ALPHA", "GRAYSCALE_ALPHA", "RGB_ALPHA"]
            guard fields["TUPLTYPE"].map({ types.contains($0) }) ?? true else { throw .badHeader(field: "tuple type") }
        } else {
            guard let width = reader.number(), width > 0 else { throw .badHeader(field: "width") }
            guard let height = reader.number(), height > 0 else { throw .badHeader(field: "height") }
            (self.width, self.height) = (width, height)
            channels = kind == 3 || kind == 6 ? 3 : 1
            if kind == 1 || kind == 4 {
                maximum = 1
            } else {
                guard let maximum = reader.number(), (1...65535).contains(maximum) else {
                    throw .badHeader(field: "maximum")
                }
                self.maximum = maximum
            }
        }
        end = reader.position
    }
}
