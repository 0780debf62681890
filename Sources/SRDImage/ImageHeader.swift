/// What a file's header says about its image, read without decoding a pixel and without memory that grows with it.
///
/// Check it against the available memory before decoding.
public struct ImageHeader: Equatable, Sendable {
    public let format: ImageFormat
    public let width: Int
    public let height: Int
    /// Channels of the decoded image: 1 gray, 2 gray and alpha, 3 RGB, 4 RGBA. At most one too many if a PNG's
    /// transparency chunk turns out to be damaged.
    public let channels: Int
    /// Bits per sample of the decoded image: 8 or 16.
    public let bitDepth: Int
    /// Whether the pixels were compressed with loss. Use it to choose between lossy and lossless WebP.
    public let isLossy: Bool

    /// Reads the header of any `ImageFormat`, which is recognized by its first bytes. The codec libraries are not
    /// needed.
    public init(parsing bytes: UnsafeRawBufferPointer) throws(ImageError) {
        guard !bytes.isEmpty else { throw .empty }
        let foreign = ForeignFormat(sniffing: bytes)
        if let foreign, foreign == .cgbi || ImageFormat(sniffing: bytes) == nil { throw .foreignFormat(foreign) }
        switch ImageFormat(sniffing: bytes) {
        case .png: self = try PNG.header(bytes)
        case .jpeg: self = try JPEG.header(bytes)
        case .webP: self = try WebP.header(bytes)
        case .pnm: self = try PNM.Header(bytes, from: 0).imageHeader
        case nil: throw .unknownFormat(firstBytes: Array(bytes.prefix(8)))
        }
    }

    /// Reads the header of any `ImageFormat`, which is recognized by its first bytes.
    public init(parsing bytes: [UInt8]) throws(ImageError) {
        self = try bytes.withUnsafeBytes { raw in
            Result { () throws(ImageError) in try ImageHeader(parsing: raw) }
        }.get()
    }

    /// Bytes per pixel that the codec holds at its peak in addition to the samples.
    let codecBytesPerPixel: Int

    init(
        format: ImageFormat, width: Int, height: Int, channels: Int, bitDepth: Int, isLossy: Bool,
        codecBytesPerPixel: Int
    ) {
        self.format = format
        self.width = width
        self.height = height
        self.channels = channels
        self.bitDepth = bitDepth
        self.isLossy = isLossy
        self.codecBytesPerPixel = codecBytesPerPixel
    }

    /// An upper estimate of the bytes that decoding takes at its peak, including the image itself but not the file.
    /// Saturates instead of overflowing.
    public var decodingBytes: Int {
        let (pixels, overflow) = width.multipliedReportingOverflow(by: height)
        let (bytes, overflow2) = pixels.multipliedReportingOverflow(by: 2 * channels + codecBytesPerPixel)
        return overflow || overflow2 ? Int.max : bytes
    }
}
