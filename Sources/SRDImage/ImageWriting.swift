/// How a file is written.
public struct EncodingOptions: Equatable, Sendable {
    /// 1 to 100, for JPEG and lossy WebP.
    public var quality: Int
    /// Writes WebP without loss. `quality` is then ignored.
    public var isLossless: Bool
    /// zlib's level for PNG, 0 to 9; nil looks for runs of one byte only.
    ///
    /// An upscaled photograph has no repetitions that are worth a search: level 6 takes 5 to 8 times as long for the
    /// same size. It pays for drawings with few colours and for `resized(by:)`.
    public var compression: Int?

    public static let defaultQuality = 95

    /// Traps if the quality is outside of 1 to 100 or the compression outside of 0 to 9.
    public init(quality: Int = EncodingOptions.defaultQuality, isLossless: Bool = false, compression: Int? = nil) {
        precondition((1...100).contains(quality) && compression.map { (0...9).contains($0) } ?? true)
        self.quality = quality
        self.isLossless = isLossless
        self.compression = compression
    }
}

extension Image {
    /// The bytes of a file in this format, with the image's metadata.
    ///
    /// The same image gives the same bytes with the same versions of the codec libraries. Compare pixels, not files,
    /// across machines.
    ///
    /// - PNG holds everything.
    /// - JPEG holds 8 bits per sample and no alpha. Chroma is subsampled (4:2:0) up to quality 90 and kept at full
    ///   resolution (4:4:4) above.
    /// - WebP holds 8 bits per sample. Without loss, the colours of fully transparent pixels are not kept.
    /// - PNM holds no alpha and no metadata.
    ///
    /// 16-bit samples are rounded to 8 bits, with a warning, if the format holds no more. Alpha is never dropped:
    /// writing it to a format without alpha is an error; `flattened()` composites the image on white. Metadata that the
    /// format has no place for is dropped with a warning.
    public func encoded(
        as format: ImageFormat, options: EncodingOptions = EncodingOptions(), codecs: CodecLibraries = .installed,
        onWarning: (String) -> Void = { _ in }
    ) throws(ImageError) -> [UInt8] {
        guard !hasAlpha || format.holdsAlpha else { throw .alphaNotSupported }
        guard max(width, height) <= format.maximumSide else {
            throw .sizeNotSupported(format, width: width, height: height)
        }
        if bitDepth == 16 && !format.holdsSixteenBits {
            onWarning("\(format.name) holds 8 bits per sample: 16-bit samples are rounded")
        }
        switch format {
        case .png: return try PNG.encode(self, compression: options.compression, onWarning: onWarning)
        case .jpeg: return try JPEG.encode(self, quality: options.quality, codecs: codecs, onWarning: onWarning)
        case .webP:
            return try WebP.encode(
                self, quality: options.isLossless ? nil : options.quality, codecs: codecs, onWarning: onWarning)
        case .pnm: return PNM.encode(self, onWarning: onWarning)
        }
    }

    /// Samples as bytes, 16 bits rounded to 8. Gray is repeated if `channels` asks for RGB.
    func bytes(channels wanted: Int) -> [UInt8] {
        let isWide = bitDepth == 16
        func byte(_ sample: UInt16) -> UInt8 { UInt8(isWide ? (UInt32(sample) + 128) / 257 : UInt32(sample)) }
        if wanted == channels { return samples.map(byte) }
        var out: [UInt8] = []
        out.reserveCapacity(width * height * wanted)
        for pixel in stride(from: 0, to: samples.count, by: channels) {
            let gray = byte(samples[pixel])
            out.append(gray)
            out.append(gray)
            out.append(gray)
            if wanted == 4 { out.append(byte(samples[pixel + 1])) }
        }
        return out
    }
}
