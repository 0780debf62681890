/// A file format for images.
public enum ImageFormat: Hashable, Sendable, CaseIterable {
    case png
    /// PGM (P2, P5) for gray, PPM (P3, P6) for colour; written in binary.
    case pnm

    /// By a file's first bytes; nil when they are of neither format.
    public init?(sniffing bytes: UnsafeRawBufferPointer) {
        if bytes.starts(with: [0x89, 0x50, 0x4e, 0x47]) {  // the rest of the signature is libpng's to check
            self = .png
        } else if bytes.count >= 2, bytes[0] == UInt8(ascii: "P"), "2356".utf8.contains(bytes[1]) {
            self = .pnm
        } else {
            return nil
        }
    }

    /// By a file name's extension, without its dot, in any case; nil when we do not write such files.
    public init?(fileExtension: String) {
        switch fileExtension.lowercased() {
        case "png": self = .png
        case "ppm", "pgm", "pnm": self = .pnm
        default: return nil
        }
    }
}

extension Image {
    /// 2²⁸: 16384 × 16384.
    public static let defaultPixelLimit = 1 << 28

    /// Reads a whole PNG, PPM or PGM file. 1, 2 and 4 bits become 8, a palette becomes RGB, transparency becomes alpha;
    /// PPM/PGM samples are scaled to 8 bits, or to 16 where their maximum is above 255.
    ///
    /// Memory grows with the pixels, so `pixelLimit` is checked first. libpng's warnings go to `onWarning`.
    public init(
        parsing bytes: UnsafeRawBufferPointer,
        pixelLimit: Int = Image.defaultPixelLimit,
        onWarning: (String) -> Void = { _ in }
    ) throws(ImageError) {
        switch ImageFormat(sniffing: bytes) {
        case .png: self = try PNG.decode(bytes, pixelLimit: pixelLimit, onWarning: onWarning)
        case .pnm: self = try PNM.decode(bytes, pixelLimit: pixelLimit)
        case nil: throw .unknownFormat(firstBytes: Array(bytes.prefix(8)))
        }
    }

    /// Reads a whole PNG, PPM or PGM file, as above.
    public init(
        parsing bytes: [UInt8],
        pixelLimit: Int = Image.defaultPixelLimit,
        onWarning: (String) -> Void = { _ in }
    ) throws(ImageError) {
        self = try bytes.withUnsafeBytes { raw in
            Result { () throws(ImageError) in
                try Image(parsing: raw, pixelLimit: pixelLimit, onWarning: onWarning)
            }
        }.get()
    }

    /// The bytes of a file. The same image gives the same bytes; those of a PNG also depend on the versions of libpng
    /// and zlib, so compare pixels, not files, across machines. PPM/PGM carry no metadata and throw when there is alpha.
    public func encoded(as format: ImageFormat) throws(ImageError) -> [UInt8] {
        switch format {
        case .png: try PNG.encode(self)
        case .pnm: try PNM.encode(self)
        }
    }

    /// Throws when there are more than `limit` pixels; width × height cannot overflow afterwards.
    static func check(width: Int, height: Int, limit: Int) throws(ImageError) {
        let (pixels, overflow) = width.multipliedReportingOverflow(by: height)
        guard !overflow && pixels <= limit else {
            throw .tooManyPixels(width: width, height: height, limit: limit)
        }
    }
}
