import CImageCodecs

enum WebP {
    static func header(_ bytes: UnsafeRawBufferPointer) throws(ImageError) -> ImageHeader {
        let layout = try WebPLayout(bytes)
        return ImageHeader(
            format: .webP, width: layout.width, height: layout.height,
            channels: layout.hasAlpha || layout.firstFrame != nil ? 4 : 3,
            bitDepth: 8, isLossy: layout.isLossy, codecBytesPerPixel: 4)
    }

    static func decode(
        _ bytes: UnsafeRawBufferPointer, pixelLimit: Int, codecs: CodecLibraries, onWarning: (String) -> Void
    ) throws(ImageError) -> Image {
        let layout = try WebPLayout(bytes)
        try Image.check(width: layout.width, height: layout.height, limit: pixelLimit)
        let library = try codecs.webP()
        let metadata = ImageMetadata(webP: bytes, onWarning: onWarning)
        if let frame = layout.firstFrame {
            if layout.frameCount > 1 {
                onWarning("animated WebP with \(layout.frameCount) frames: only the first one is read")
            }
            let samples = try firstFrame(frame, width: layout.width, height: layout.height, library, onWarning)
            return Image(
                width: layout.width, height: layout.height, channels: 4, bitDepth: 8, samples: samples,
                metadata: metadata)
        }
        let channels = layout.hasAlpha ? 4 : 3
        let pixels = try pixels(
            bytes, width: layout.width, height: layout.height, channels: channels, library, onWarning)
        return Image(
            width: layout.width, height: layout.height, channels: channels, bitDepth: 8,
            samples: pixels.map { UInt16($0) },
            metadata: metadata)
    }

    private static func pixels(
        _ bytes: UnsafeRawBufferPointer, width: Int, height: Int, channels: Int, _ library: srd_webp_library,
        _ onWarning: (String) -> Void
    ) throws(ImageError) -> [UInt8] {
        guard max(width, height) <= ImageFormat.webP.maximumSide else {
            throw .damaged(.webP, "the header announces \(width)×\(height) pixels")
        }
        var rows: Int32 = 0
        // Missing rows are gray, or transparent if there is alpha.
        var pixels = [UInt8](repeating: channels == 4 ? 0 : 128, count: width * height * channels)
        let result = withUnsafePointer(to: library) { library in
            message { text in
                srd_webp_decode(
                    library, bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count, &pixels, Int32(width),
                    Int32(height), Int32(channels), &rows, text)
            }
        }
        switch result.status {
        case SRD_CODEC_OK: return pixels
        case SRD_CODEC_DAMAGED where rows > 0:
            let color = channels == 4 ? "transparent" : "gray"
            let loss = "the last \(height - Int(rows)) of \(height) rows are missing and \(color)"
            onWarning("damaged WebP: \(loss): \(result.message)")
            return pixels
        default:
            guard result.message != "the file ends early" else { throw .endsEarly }
            throw .damaged(.webP, result.message)
        }
    }

    /// An ANMF chunk: position and size of the frame, its duration, and the chunks of an image. The rest of the canvas
    /// is transparent.
    private static func firstFrame(
        _ frame: UnsafeRawBufferPointer, width: Int, height: Int, _ library: srd_webp_library,
        _ onWarning: (String) -> Void
    ) throws(ImageError) -> [UInt16] {
        guard let left = frame.littleEndian(3, at: 0).map({ 2 * $0 }),
            let top = frame.littleEndian(3, at: 3).map({ 2 * $0 }),
            let frameWidth = frame.littleEndian(3, at: 6).map({ $0 + 1 }),
            let frameHeight = frame.littleEndian(3, at: 9).map({ $0 + 1 }),
            frame.count >= 16
        else { throw .endsEarly }
        guard left + frameWidth <= width, top + frameHeight <= height else {
            throw .damaged(.webP, "the first frame exceeds the canvas")
        }
        let chunks = Array(frame.dropFirst(16))
        let file = WebPChunks.file(
            WebPChunks.extended(flags: WebPLayout.Flag.alpha, width: frameWidth, height: frameHeight) + chunks)
        let pixels = try file.withUnsafeBytes { raw in
            Result { () throws(ImageError) in
                try self.pixels(raw, width: frameWidth, height: frameHeight, channels: 4, library, onWarning)
            }
        }.get()
        var samples = [UInt16](repeating: 0, count: width * height * 4)
        for y in 0..<frameHeight {
            let target = ((top + y) * width + left) * 4
            for i in 0..<frameWidth * 4 { samples[target + i] = UInt16(pixels[y * frameWidth * 4 + i]) }
        }
        return samples
    }

    /// - Parameter quality: nil writes without loss.
    static func encode(
        _ image: Image, quality: Int?, codecs: CodecLibraries, onWarning: (String) -> Void
    ) throws(ImageError) -> [UInt8] {
        let library = try codecs.webP()
        let channels = image.hasAlpha ? 4 : 3
        let pixels = image.bytes(channels: channels)
        var bytes: UnsafeMutablePointer<UInt8>?
        var count = 0
        let result = withUnsafePointer(to: library) { library in
            message { text in
                srd_webp_encode(
                    library, pixels, Int32(image.width), Int32(image.height), Int32(channels),
                    quality.map { Float($0) } ?? -1,
                    &bytes, &count, text)
            }
        }
        guard result.status == SRD_CODEC_OK, let bytes else { throw .damaged(.webP, result.message) }
        defer { withUnsafePointer(to: library) { srd_webp_free($0, bytes) } }
        let file = UnsafeRawBufferPointer(start: bytes, count: count)
        let metadata = image.metadata.updated(width: image.width, height: image.height)
        return try metadata.webPFile(
            around: file, width: image.width, height: image.height, hasAlpha: image.hasAlpha, onWarning: onWarning)
    }
}
