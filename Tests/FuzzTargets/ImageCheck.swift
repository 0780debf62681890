import SRDImage

enum ImageCheck {
    /// Pixels of a hostile image. More would only make the search slower.
    static let pixelLimit = 1 << 16

    static func run(_ bytes: UnsafeRawBufferPointer) throws(Violation) -> Bool {
        let isAccepted = try check(bytes)
        guard ImageFormat(sniffing: bytes) == .png else { return isAccepted }
        // libpng stops at a wrong checksum, so that few changes would reach further.
        let repaired = withCorrectChecksums(Array(bytes))
        let isRepairedAccepted = try repaired.withUnsafeBytes { raw in
            Result { () throws(Violation) in try check(raw) }
        }.get()
        return isAccepted || isRepairedAccepted
    }

    private static func check(_ bytes: UnsafeRawBufferPointer) throws(Violation) -> Bool {
        let header = try Violation.attempt { try ImageHeader(parsing: bytes) }
        guard let image = try parse(bytes) else { return false }
        guard let header else { throw Violation("an image is read whose header is rejected") }
        try Violation.check(
            header.width == image.width && header.height == image.height && header.bitDepth == image.bitDepth
                && header.channels >= image.channels, "the header does not match the image: \(header)")
        try Violation.check(header.decodingBytes >= image.samples.count * 2, "decodingBytes is \(header.decodingBytes)")
        _ = (image.metadata.texts, image.metadata.xmp, image.metadata.pixelDensity)

        // PNG holds everything that an image in memory has.
        let again = try parsed(try saved(image, .png), "PNG")
        try Violation.check(again.samples == image.samples, "saved as PNG, the pixels differ")
        try checkFixedPoint(again, .png)

        // What the tools do with the metadata of their result.
        var result = image
        result.metadata.scalePixelDensity(by: 4)
        if result.metadata.orientation != nil { result.metadata.orientation = 1 }
        result.metadata.addText(keyword: "srdiff", "seed=0")
        try checkFixedPoint(try parsed(try saved(result, header.format), header.format.name), header.format)
        return true
    }

    /// An image that was loaded from a file of this format gives the same file again. With loss, the same metadata.
    private static func checkFixedPoint(_ image: Image, _ format: ImageFormat) throws(Violation) {
        guard !image.hasAlpha || format.holdsAlpha else { return }
        let file = try saved(image, format), again = try parsed(file, format.name)
        if format == .jpeg {
            try Violation.check(again.metadata == image.metadata, "saved as JPEG, the metadata differs")
        } else {
            try Violation.check(again == image, "saved as \(format.name), the image differs")
            try Violation.check(try saved(again, format) == file, "saved twice as \(format.name), the files differ")
        }
    }

    /// JPEG and WebP hold 8 bits; alpha is composited where the format has none.
    private static func saved(_ image: Image, _ format: ImageFormat) throws(Violation) -> [UInt8] {
        let image = image.hasAlpha && !format.holdsAlpha ? image.flattened() : image
        var warning = ""
        let file = try Violation.require("a loaded image cannot be saved as \(format.name)") {
            try image.encoded(as: format, options: EncodingOptions(isLossless: true)) { warning = $0 }
        }
        if !warning.isEmpty { try Violation.check(message: warning) }
        return file
    }

    private static func parse(_ bytes: UnsafeRawBufferPointer) throws(Violation) -> Image? {
        var warnings: [String] = []
        let image = try Violation.attempt { try Image(parsing: bytes, pixelLimit: pixelLimit) { warnings.append($0) } }
        try Violation.check(warnings.count < 20, "\(warnings.count) warnings")
        for warning in warnings { try Violation.check(message: warning) }
        return image
    }

    private static func parsed(_ bytes: [UInt8], _ name: String) throws(Violation) -> Image {
        try Violation.require("a saved \(name) file cannot be loaded") { try Image(parsing: bytes) }
    }

    /// The chunks' checksums, corrected.
    static func withCorrectChecksums(_ file: [UInt8]) -> [UInt8] {
        var file = file, position = 8
        while position + 12 <= file.count {
            let count = file[position..<position + 4].reduce(0) { $0 << 8 | Int($1) }
            guard count <= file.count - position - 12 else { break }
            let end = position + 8 + count, sum = Checksum.crc32(file[position + 4..<end])
            for i in 0..<4 { file[end + i] = UInt8(truncatingIfNeeded: sum >> UInt32(24 - 8 * i)) }
            position = end + 4
        }
        return file
    }
}
