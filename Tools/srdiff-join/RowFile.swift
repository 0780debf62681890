import SRDFile
import SRDiff
import ToolSupport

/// A file of `srdiff-upscale --rows`.
struct RowFile {
    let input: ImageInput
    let header: ImageHeader
    /// The rows of the whole result that the file holds.
    let rows: Range<Int>
    /// The height of the whole result.
    let height: Int
    /// The settings of the run, without the rows.
    let settings: String

    /// Reads everything but the pixels. Throws if the file is none of `--rows`.
    init(_ input: ImageInput) throws {
        let opened = try input.open()
        func check(_ condition: Bool, _ message: String) throws {
            guard condition else { throw InputError(input, ToolError(message)) }
        }
        try check(
            opened.header.format == .png,
            "a \(opened.header.format.name) file (expected PNG, as srdiff-upscale --rows writes)")
        // The decoder of interlaced rows keeps the whole image besides its samples.
        let isInterlaced =
            opened.decodingBytes(copies: 0) > 2 * opened.header.width * opened.header.height * opened.header.channels
        try check(!isInterlaced, "interlaced (expected rows in order, as srdiff-upscale --rows writes)")
        let texts = opened.file.withBytes { ImageMetadata(parsing: $0) }.texts
        let text = texts.last { $0.keyword == RunSettings.keyword }?.text
        guard let text, let split = RunSettings.splitRows(text) else {
            throw InputError(
                input, ToolError("no row range is stored in it (expected a file of srdiff-upscale --rows)"))
        }
        try check(
            split.rows.count == opened.header.height,
            "\(opened.header.height) rows of pixels, but rows \(split.rows.text) are stored in it")
        self.input = input
        header = opened.header
        rows = split.rows
        height = split.height
        settings = split.others
    }

    /// Calls `body` with the metadata and a reader of the pixels.
    func read<Result>(_ body: (ImageMetadata, PNGRowReader) throws -> Result) throws -> Result {
        do {
            let file = try input.open().file
            let result = try file.withBytes { bytes in
                try body(ImageMetadata(parsing: bytes), try PNGRowReader(bytes, pixelLimit: Image.defaultPixelLimit))
            }
            try file.checkUnchanged()
            return result
        } catch let error as ImageError {
            throw InputError(input, error)
        }
    }
}

/// Row files that together are one image.
struct JoinedImage {
    /// From top to bottom.
    let parts: [RowFile]

    var width: Int { parts[0].header.width }
    var height: Int { parts[0].height }

    /// Sorts the parts by their rows. Throws unless they are of one image and one run and hold each row once.
    init(_ files: [RowFile]) throws {
        parts = files.sorted { ($0.rows.lowerBound, $0.rows.upperBound) < ($1.rows.lowerBound, $1.rows.upperBound) }
        guard let first = parts.first else { throw ToolError("no part is named") }
        var end = 0, before: RowFile?
        for part in parts {
            func check<Value: Equatable>(_ name: String, _ value: (RowFile) -> Value) throws {
                guard value(part) != value(first) else { return }
                throw InputError(
                    part.input,
                    ToolError(
                        """
                        \(name) \(value(part)) (expected \(value(first)), as in \
                        \(first.input)). Name parts of one image.
                        """
                    ))
            }
            try check("a width of") { $0.header.width }
            try check("a whole height of") { $0.height }
            try check("channels:") { $0.header.channels }
            try check("bits per sample:") { $0.header.bitDepth }
            try check("settings") { $0.settings }
            if part.rows.lowerBound < end, let before {
                throw InputError(
                    part.input,
                    ToolError("rows \(part.rows.text) overlap with \(before.input), rows \(before.rows.text)"))
            }
            try Self.checkGap(end..<part.rows.lowerBound)
            end = part.rows.upperBound
            before = part
        }
        try Self.checkGap(end..<first.height)
    }

    private static func checkGap(_ rows: Range<Int>) throws {
        guard !rows.isEmpty else { return }
        throw ToolError("no part holds rows \(rows.text). Compute them with srdiff-upscale --rows \(rows.text).")
    }

    /// Encodes the image and passes its file to `write`, chunk by chunk.
    func encode(_ write: ([UInt8]) throws(FileError) -> Void) throws {
        let writer = try parts[0].read { metadata, reader in
            var metadata = metadata
            metadata.replaceTexts(keyword: RunSettings.keyword, with: parts[0].settings)
            return try PNGRowWriter(
                width: width, height: height, channels: reader.channels, bitDepth: reader.bitDepth, metadata: metadata)
        }
        var row: [UInt8] = []
        for part in parts {
            try part.read { _, reader in
                guard reader.width == width, reader.height == part.rows.count else {
                    throw FileError(.read, "\(part.input)", .changed)
                }
                for _ in 0..<reader.height {
                    try reader.read(into: &row)
                    try writer.write(row: row)
                    try write(writer.takeBytes())
                }
                try reader.finish { _ in }
            }
        }
        try writer.finish()
        try write(writer.takeBytes())
    }
}

extension Range<Int> {
    /// The range in the form of `--rows`.
    fileprivate var text: String { "\(lowerBound):\(upperBound)" }
}
