import CImageCodecs

enum JPEG {
    /// The greatest number of scans. Usual encoders write about ten; thousands of nearly empty ones keep a decoder busy
    /// for hours.
    static let scanLimit = 100
    /// A file has at least one bit per 8×8 block of its largest component, whose samples may cover 4×4 pixels. Files
    /// that end early may have less, so this is four times that.
    static let pixelsPerByte = 32768

    struct Frame {
        let width: Int
        let height: Int
        let components: Int
        /// Whether all coefficients must be held, because a scan does not contain all components at full precision.
        let hasManyScans: Bool
    }

    static func header(_ bytes: UnsafeRawBufferPointer) throws(ImageError) -> ImageHeader {
        let frame = try frame(bytes)
        // The decoded bytes; and before they become samples, the coefficients of a file with many scans, two bytes
        // each.
        let codecBytes = (frame.hasManyScans ? 2 : 1) * frame.components
        return ImageHeader(
            format: .jpeg, width: frame.width, height: frame.height, channels: frame.components == 1 ? 1 : 3,
            bitDepth: 8,
            isLossy: true, codecBytesPerPixel: codecBytes)
    }

    /// The frame header: precision, height, width and number of components.
    static func frame(_ bytes: UnsafeRawBufferPointer) throws(ImageError) -> Frame {
        var segments = JPEGSegments(bytes)
        while let segment = segments.next() {
            guard JPEGMarker.frames.contains(segment.marker) else { continue }
            guard let height = segment.payload.bigEndian16(at: 1), let width = segment.payload.bigEndian16(at: 3),
                segment.payload.count >= 6
            else { break }
            guard segment.payload[0] == 8 else {
                throw .damaged(.jpeg, "\(segment.payload[0]) bits per sample are not supported, only 8")
            }
            guard width > 0, height > 0 else { throw .damaged(.jpeg, "the header announces \(width)×\(height) pixels") }
            let components = Int(segment.payload[5])
            guard [1, 3, 4].contains(components) else {
                throw .damaged(.jpeg, "\(components) colour components are not supported, only 1, 3 and 4")
            }
            while segments.next() != nil {}
            // The header of the first scan: marker, length, number of components.
            let scanComponents = segments.position + 4 < bytes.count ? Int(bytes[segments.position + 4]) : components
            return Frame(
                width: width, height: height, components: components,
                hasManyScans: segment.marker & 3 == 2 || scanComponents < components)
        }
        guard segments.position < bytes.count else { throw .endsEarly }
        throw .damaged(.jpeg, "no frame header before the first scan")
    }

    static func decode(
        _ bytes: UnsafeRawBufferPointer, pixelLimit: Int, codecs: CodecLibraries, onWarning: (String) -> Void
    ) throws(ImageError) -> Image {
        let frame = try frame(bytes)
        let width = frame.width
        let height = frame.height
        let components = frame.components
        try Image.check(width: width, height: height, limit: pixelLimit)
        guard width * height / pixelsPerByte <= bytes.count else {
            throw .tooFewBytes(width: width, height: height, bytes: bytes.count)
        }
        let scans = JPEGSegments.scanCount(in: bytes)
        guard scans <= scanLimit else { throw .damaged(.jpeg, "\(scans) scans, more than \(scanLimit)") }
        let library = try codecs.jpeg()

        // libjpeg gives rows without data these values; the lower one only as CMYK converted from YCCK.
        let missing: ClosedRange<UInt8> = components == 4 ? 127...128 : 128...128
        var pixels = [UInt8](repeating: 128, count: width * height * components)
        let result = withUnsafePointer(to: library) { library in
            message { text in
                srd_jpeg_decode(
                    library, bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count, &pixels, Int32(width),
                    Int32(height), Int32(components), text)
            }
        }
        guard result.status != SRD_CODEC_FAILED else { throw .damaged(.jpeg, result.message) }
        if result.status == SRD_CODEC_DAMAGED {
            let stride = width * components
            let rows = pixels.lastIndex { !missing.contains($0) }.map { $0 / stride + 1 } ?? 0
            guard rows > 0 else { throw .endsEarly }
            let loss = rows == height ? "" : "the last \(height - rows) of \(height) rows are missing and gray: "
            onWarning("damaged JPEG: \(loss)\(result.message)")
        }

        var metadata = ImageMetadata(jpeg: bytes, onWarning: onWarning)
        if components == 4 {
            onWarning("CMYK is converted to RGB without its colour profile: colours are approximate")
            metadata.colorProfile = nil
            pixels = rgb(fromCMYK: pixels, isInverted: isAdobe(bytes))
        }
        return Image(
            width: width, height: height, channels: components == 1 ? 1 : 3, bitDepth: 8,
            samples: pixels.map { UInt16($0) },
            metadata: metadata)
    }

    /// Adobe's software stores 255 for no ink, and marks its files with an APP14 segment.
    private static func isAdobe(_ bytes: UnsafeRawBufferPointer) -> Bool {
        JPEGSegments(bytes).contains { $0.marker == 0xee && $0.payload.hasASCII("Adobe", at: 0) }
    }

    private static func rgb(fromCMYK pixels: [UInt8], isInverted: Bool) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(pixels.count / 4 * 3)
        let mask: UInt8 = isInverted ? 0 : 255
        for pixel in stride(from: 0, to: pixels.count, by: 4) {
            let light = UInt32(pixels[pixel + 3] ^ mask)
            for i in 0..<3 { out.append(UInt8((UInt32(pixels[pixel + i] ^ mask) * light + 127) / 255)) }
        }
        return out
    }

    static func encode(
        _ image: Image, quality: Int, codecs: CodecLibraries, onWarning: (String) -> Void
    ) throws(ImageError) -> [UInt8] {
        let library = try codecs.jpeg()
        let pixels = image.bytes(channels: image.channels)
        var bytes: UnsafeMutablePointer<UInt8>?
        var count = 0
        let result = withUnsafePointer(to: library) { library in
            message { text in
                srd_jpeg_encode(
                    library, pixels, Int32(image.width), Int32(image.height), Int32(image.channels), Int32(quality),
                    quality <= 90, &bytes, &count, text)
            }
        }
        guard result.status == SRD_CODEC_OK, let bytes else { throw .damaged(.jpeg, result.message) }
        defer { withUnsafePointer(to: library) { srd_jpeg_free($0, bytes) } }

        let file = UnsafeRawBufferPointer(start: bytes, count: count)
        let metadata = image.metadata.updated(width: image.width, height: image.height)
        // The encoder's file starts with SOI and a JFIF segment, which is replaced.
        let start = file.hasASCII("JFIF", at: 6) ? 4 + (file.bigEndian16(at: 4) ?? 0) : 2
        return [0xff, JPEGMarker.startOfImage] + metadata.jpegSegments(isColor: image.hasColor, onWarning: onWarning)
            + file.dropFirst(start)
    }
}
