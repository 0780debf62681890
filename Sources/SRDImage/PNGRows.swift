import CPNG

/// Decodes a PNG file row by row, so that memory does not grow with its height unless it is interlaced.
public final class PNGRowReader {
    public let width, height: Int
    /// 1 gray, 2 gray and alpha, 3 RGB, 4 RGBA, as in `Image`.
    public let channels: Int
    /// 8 or 16.
    public let bitDepth: Int

    private let reader: OpaquePointer

    /// Bytes of a row.
    public var rowBytes: Int { width * channels * bitDepth / 8 }

    /// Reads the header. Throws if the image has more than `pixelLimit` pixels or more than the bytes can hold.
    ///
    /// - Parameter bytes: of the whole file; they must outlive the reader.
    public init(_ bytes: UnsafeRawBufferPointer, pixelLimit: Int) throws(ImageError) {
        guard let reader = srd_png_reader_create(bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count) else {
            throw .png("out of memory")
        }
        self.reader = reader
        var header = srd_png_header()
        let status = srd_png_read_header(reader, &header)
        width = Int(header.width)
        height = Int(header.height)
        channels = Int(header.channels)
        bitDepth = Int(header.bit_depth)
        try check(status)
        try Image.check(width: width, height: height, limit: pixelLimit)
        // A deflate stream expands at most by `deflateRatio`.
        guard header.inflated_bytes / PNG.deflateRatio <= UInt64(bytes.count) else {
            throw .tooFewBytes(width: width, height: height, bytes: bytes.count)
        }
    }

    deinit { srd_png_reader_destroy(reader) }

    /// Replaces `row` by the next row, from the top: bytes at depth 8, big-endian pairs of bytes at depth 16.
    public func read(into row: inout [UInt8]) throws(ImageError) {
        if row.count != rowBytes { row = [UInt8](repeating: 0, count: rowBytes) }
        try check(srd_png_read_row(reader, &row))
    }

    /// Checks what follows the last row.
    public func finish(onWarning: (String) -> Void) throws(ImageError) {
        try check(srd_png_read_end(reader))
        for i in 0..<srd_png_warning_count(reader) {
            let warning = String(cString: srd_png_warning(reader, i))
            // ImageMetadata reports dropped chunks.
            if !warning.hasSuffix("CRC error") { onWarning(warning) }
        }
    }

    private func check(_ status: srd_png_status) throws(ImageError) {
        switch status {
        case SRD_PNG_OK: return
        case SRD_PNG_ENDS_EARLY: throw .endsEarly
        default: throw .png(String(cString: srd_png_reader_message(reader)))
        }
    }
}

/// Encodes a PNG file row by row, so that memory does not grow with its height if the bytes are taken meanwhile.
///
/// The file is the same as that of `Image.encoded(as: .png)`, however its rows are split over calls.
public final class PNGRowWriter {
    private let writer: OpaquePointer

    /// Writes the header and the metadata, with the size of the image in them.
    ///
    /// - Parameters:
    ///   - compression: see `EncodingOptions`.
    ///   - onWarning: called with what PNG has no place for.
    public init(
        width: Int, height: Int, channels: Int, bitDepth: Int, metadata: ImageMetadata, compression: Int? = nil,
        onWarning: (String) -> Void = { _ in }
    ) throws(ImageError) {
        guard let writer = srd_png_writer_create() else { throw .png("out of memory") }
        self.writer = writer
        var header = srd_png_header()
        header.width = UInt32(width)
        header.height = UInt32(height)
        header.channels = UInt8(channels)
        header.bit_depth = UInt8(bitDepth)
        try check(srd_png_write_header(writer, &header, Int32(compression ?? Int(SRD_PNG_RUNS))))
        for chunk in metadata.updated(width: width, height: height).pngChunks(onWarning: onWarning) {
            try check(srd_png_write_chunk(writer, Array(chunk.type.utf8), chunk.data, chunk.data.count))
        }
    }

    deinit { srd_png_writer_destroy(writer) }

    /// Writes the next row: bytes at depth 8, big-endian pairs of bytes at depth 16.
    public func write(row: [UInt8]) throws(ImageError) { try check(srd_png_write_row(writer, row)) }

    /// Writes the next rows, which must have the width, channels and depth of the file.
    public func write(_ rows: Image) throws(ImageError) {
        for y in 0..<rows.height { try write(row: rows.bigEndianRow(y)) }
    }

    /// Writes the end mark. All rows must have been written.
    public func finish() throws(ImageError) { try check(srd_png_write_end(writer)) }

    /// Returns the bytes of the file that were written since the last call.
    public func takeBytes() -> [UInt8] {
        var bytes: UnsafePointer<UInt8>?
        let count = srd_png_take(writer, &bytes)
        return Array(UnsafeBufferPointer(start: bytes, count: count))
    }

    private func check(_ status: srd_png_status) throws(ImageError) {
        guard status == SRD_PNG_OK else { throw .png(String(cString: srd_png_writer_message(writer))) }
    }
}
