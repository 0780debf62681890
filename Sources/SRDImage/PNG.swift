import CPNG

enum PNG {
    /// No deflate stream inflates to more than 1032 times its size: 258 bytes from two bits.
    static let deflateRatio: UInt64 = 1032

    static func decode(
        _ bytes: UnsafeRawBufferPointer, pixelLimit: Int, onWarning: (String) -> Void
    ) throws(ImageError) -> Image {
        guard let reader = srd_png_reader_create(bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count) else {
            throw .png("out of memory")
        }
        defer { srd_png_reader_destroy(reader) }
        func check(_ status: srd_png_status) throws(ImageError) {
            switch status {
            case SRD_PNG_OK: return
            case SRD_PNG_ENDS_EARLY: throw .endsEarly
            default: throw .png(String(cString: srd_png_reader_message(reader)))
            }
        }

        var header = srd_png_header()
        try check(srd_png_read_header(reader, &header))
        let width = Int(header.width), height = Int(header.height), channels = Int(header.channels)
        try Image.check(width: width, height: height, limit: pixelLimit)
        guard header.inflated_bytes / deflateRatio <= UInt64(bytes.count) else {
            throw .tooFewBytes(width: width, height: height, bytes: bytes.count)
        }

        let isWide = header.bit_depth == 16
        var row = [UInt8](repeating: 0, count: width * channels * (isWide ? 2 : 1))
        var samples: [UInt16] = []
        samples.reserveCapacity(width * height * channels)
        for _ in 0..<height {
            try check(srd_png_read_row(reader, &row))
            if isWide {
                for i in stride(from: 0, to: row.count, by: 2) {
                    samples.append(UInt16(row[i]) << 8 | UInt16(row[i + 1]))
                }
            } else {
                for byte in row { samples.append(UInt16(byte)) }
            }
        }
        try check(srd_png_read_end(reader))
        for i in 0..<srd_png_warning_count(reader) { onWarning(String(cString: srd_png_warning(reader, i))) }
        return Image(
            width: width, height: height, channels: channels, bitDepth: isWide ? 16 : 8, samples: samples,
            metadata: ImageMetadata(png: bytes)
        )
    }

    static func encode(_ image: Image) throws(ImageError) -> [UInt8] {
        guard let writer = srd_png_writer_create() else { throw .png("out of memory") }
        defer { srd_png_writer_destroy(writer) }
        func check(_ status: srd_png_status) throws(ImageError) {
            guard status == SRD_PNG_OK else { throw .png(String(cString: srd_png_writer_message(writer))) }
        }

        var header = srd_png_header()
        header.width = UInt32(image.width)
        header.height = UInt32(image.height)
        header.channels = UInt8(image.channels)
        header.bit_depth = UInt8(image.bitDepth)
        try check(srd_png_write_header(writer, &header))
        for chunk in image.metadata.chunks {
            try check(srd_png_write_chunk(writer, Array(chunk.type.utf8), chunk.data, chunk.data.count))
        }
        for y in 0..<image.height {
            try check(srd_png_write_row(writer, image.bigEndianRow(y)))
        }
        var bytes: UnsafePointer<UInt8>?
        var count = 0
        try check(srd_png_write_end(writer, &bytes, &count))
        return Array(UnsafeBufferPointer(start: bytes, count: count))
    }
}

extension Image {
    /// A row of samples as PNG and PPM want it: bytes at depth 8, big-endian pairs of bytes at depth 16.
    func bigEndianRow(_ y: Int) -> [UInt8] {
        let row = samples[y * width * channels..<(y + 1) * width * channels]
        return bitDepth == 8 ? row.map { UInt8($0) } : row.flatMap { [UInt8($0 >> 8), UInt8($0 & 255)] }
    }
}
