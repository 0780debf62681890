import CPNG

enum PNG {
    /// No deflate stream inflates to more than 1032 times its size: 258 bytes from two bits.
    static let deflateRatio: UInt64 = 1032

    static func header(_ bytes: UnsafeRawBufferPointer) throws(ImageError) -> ImageHeader {
        var chunks = PNGChunks(bytes)
        guard let start = chunks.next() else { throw .endsEarly }
        guard start.type == "IHDR", start.data.count == 13, start.isIntact,
            let width = start.data.bigEndian32(at: 0), let height = start.data.bigEndian32(at: 4), width > 0, height > 0
        else { throw .png("invalid IHDR chunk") }
        let channels: Int? =
            switch start.data[9] {
            case 0: 1
            case 2, 3: 3
            case 4: 2
            case 6: 4
            default: nil
            }
        guard let channels else { throw .png("invalid colour type in IHDR") }
        var hasTransparency = false
        while let chunk = chunks.next(), chunk.type != "IDAT" {
            hasTransparency = hasTransparency || chunk.type == "tRNS"
        }
        return ImageHeader(
            format: .png, width: width, height: height,
            channels: channels + (hasTransparency && channels % 2 == 1 ? 1 : 0), bitDepth: start.data[8] == 16 ? 16 : 8,
            isLossy: false, codecBytesPerPixel: start.data[12] == 0 ? 0 : 8)
    }

    static func decode(
        _ bytes: UnsafeRawBufferPointer, pixelLimit: Int, onWarning: (String) -> Void
    ) throws(ImageError) -> Image {
        let reader = try PNGRowReader(bytes, pixelLimit: pixelLimit), isWide = reader.bitDepth == 16
        var row: [UInt8] = []
        var samples: [UInt16] = []
        samples.reserveCapacity(reader.width * reader.height * reader.channels)
        for _ in 0..<reader.height {
            try reader.read(into: &row)
            if isWide {
                for i in stride(from: 0, to: row.count, by: 2) {
                    samples.append(UInt16(row[i]) << 8 | UInt16(row[i + 1]))
                }
            } else {
                for byte in row { samples.append(UInt16(byte)) }
            }
        }
        try reader.finish(onWarning: onWarning)
        warnAboutAnimation(bytes, onWarning)
        return Image(
            width: reader.width, height: reader.height, channels: reader.channels, bitDepth: reader.bitDepth,
            samples: samples,
            metadata: ImageMetadata(png: bytes, onWarning: onWarning)
        )
    }

    /// An animated PNG has an acTL chunk with the number of frames. The default image is the first frame only if an
    /// fcTL chunk precedes its data.
    private static func warnAboutAnimation(_ bytes: UnsafeRawBufferPointer, _ onWarning: (String) -> Void) {
        var frames: Int?
        for chunk in PNGChunks(bytes) where chunk.isIntact {
            switch chunk.type {
            case "acTL": frames = chunk.data.bigEndian32(at: 0)
            case "fcTL":
                if let frames, frames > 1 {
                    onWarning("animated PNG with \(frames) frames: only the first one is read")
                }
                return
            case "IDAT":
                guard let frames else { return }
                let count = "\(frames) frame\(frames == 1 ? "" : "s")"
                onWarning("animated PNG with \(count): only the default image is read, which is not one of them")
                return
            default: break
            }
        }
    }

    static func encode(_ image: Image, compression: Int?, onWarning: (String) -> Void) throws(ImageError) -> [UInt8] {
        let writer = try PNGRowWriter(
            width: image.width, height: image.height, channels: image.channels, bitDepth: image.bitDepth,
            metadata: image.metadata,
            compression: compression, onWarning: onWarning)
        try writer.write(image)
        try writer.finish()
        return writer.takeBytes()
    }
}

extension ImageMetadata {
    /// The chunks, and JPEG's segments as far as PNG has a place for them.
    func pngChunks(onWarning: (String) -> Void) -> [Chunk] {
        var converted = ImageMetadata()
        var photoshop: [UInt8] = []
        for segment in segments {
            switch segment.marker {
            case JPEGMarker.comment:
                let text = ImageText(comment: segment.payload)
                converted.addText(keyword: text.keyword, text.text ?? "")
            case JPEGMarker.app13:
                photoshop += segment.payload.dropFirst(JPEGMarker.photoshopPrefix.count)
            default:
                onWarning("PNG has no place for extended XMP: dropped")
            }
        }
        if !photoshop.isEmpty { converted.addRawProfile("iptc", photoshop) }
        return chunks + converted.chunks
    }

    /// ImageMagick's convention for data without a chunk of its own; exiftool reads it too.
    private mutating func addRawProfile(_ name: String, _ data: [UInt8]) {
        let digits = Array("0123456789abcdef".utf8)
        var text = Array("\n\(name)\n\(data.count)\n".utf8)
        for (i, byte) in data.enumerated() {
            text += [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            if i % 36 == 35 { text.append(10) }
        }
        guard let compressed = deflated(text + [10]) else { return }
        add("zTXt", Array("Raw profile type \(name)".utf8) + [0, 0] + compressed)
    }
}

extension Image {
    /// A row of samples as PNG and PPM store it: bytes at depth 8, big-endian pairs of bytes at depth 16.
    func bigEndianRow(_ y: Int) -> [UInt8] {
        let row = samples[y * width * channels..<(y + 1) * width * channels]
        return bitDepth == 8 ? row.map { UInt8($0) } : row.flatMap { [UInt8($0 >> 8), UInt8($0 & 255)] }
    }
}
