extension Image {
    /// 2²⁸: 16384 × 16384.
    public static let defaultPixelLimit = 1 << 28
    /// A hostile file may have a million damaged chunks.
    private static let warningLimit = 16

    /// Reads a whole file of any `ImageFormat`, recognized by its first bytes, whatever its name says.
    ///
    /// - PNG: 1, 2 and 4 bits become 8, a palette becomes RGB, transparency becomes alpha. Of an animation the default
    ///   image is read, with a warning. Damaged metadata chunks are dropped with a warning; a file that ends early or
    ///   has damaged pixels is an error.
    /// - JPEG: gray stays gray; CMYK and YCCK become RGB without their profile, with a warning. If the file ends early
    ///   or is damaged, the decodable part is returned and a warning names the missing rows, which are gray; an error
    ///   is thrown if no row is left.
    /// - WebP: RGB or RGBA. Of an animation the first frame is read, with a warning. A file that ends early is read
    ///   like JPEG.
    /// - PNM: samples are scaled to 8 bits, or to 16 if their maximum exceeds 255. If further images follow, a warning
    ///   says so; `Image.sequence` reads them all.
    ///
    /// Memory grows with the pixels, so `pixelLimit` is checked first. At most 16 warnings are reported per file.
    public init(
        parsing bytes: UnsafeRawBufferPointer,
        pixelLimit: Int = Image.defaultPixelLimit,
        codecs: CodecLibraries = .installed,
        onWarning: (String) -> Void = { _ in }
    ) throws(ImageError) {
        guard !bytes.isEmpty else { throw .empty }
        var warnings = 0
        func report(_ warning: String) {
            warnings += 1
            if warnings <= Image.warningLimit { onWarning(warning) }
            if warnings == Image.warningLimit { onWarning("further warnings are omitted") }
        }
        let foreign = ForeignFormat(sniffing: bytes)
        if let foreign, foreign == .cgbi || ImageFormat(sniffing: bytes) == nil { throw .foreignFormat(foreign) }
        switch ImageFormat(sniffing: bytes) {
        case .png:
            self = try PNG.decode(bytes, pixelLimit: pixelLimit, onWarning: report)
        case .jpeg:
            self = try JPEG.decode(bytes, pixelLimit: pixelLimit, codecs: codecs, onWarning: report)
        case .webP:
            self = try WebP.decode(bytes, pixelLimit: pixelLimit, codecs: codecs, onWarning: report)
        case .pnm:
            var end = 0
            self = try PNM.decode(bytes, from: &end, pixelLimit: pixelLimit)
            if end < bytes.count { report("\(bytes.count - end) bytes follow the first image and are not read") }
        case nil:
            throw .unknownFormat(firstBytes: Array(bytes.prefix(8)))
        }
    }

    /// Reads a whole file of any `ImageFormat`. See `init(parsing: UnsafeRawBufferPointer, …)` for what becomes of its
    /// pixels.
    public init(
        parsing bytes: [UInt8],
        pixelLimit: Int = Image.defaultPixelLimit,
        codecs: CodecLibraries = .installed,
        onWarning: (String) -> Void = { _ in }
    ) throws(ImageError) {
        self = try bytes.withUnsafeBytes { raw in
            Result { () throws(ImageError) in
                try Image(parsing: raw, pixelLimit: pixelLimit, codecs: codecs, onWarning: onWarning)
            }
        }.get()
    }

    /// Reads all images of a stream: PNM files may be concatenated. Other formats hold one image per file.
    ///
    /// `pixelLimit` applies to the sum of all images. An error in any of them is thrown.
    public static func sequence(
        parsing bytes: UnsafeRawBufferPointer,
        pixelLimit: Int = Image.defaultPixelLimit,
        onWarning: (String) -> Void = { _ in }
    ) throws(ImageError) -> [Image] {
        guard ImageFormat(sniffing: bytes) == .pnm else {
            return [try Image(parsing: bytes, pixelLimit: pixelLimit, onWarning: onWarning)]
        }
        var images: [Image] = []
        var position = 0
        var rest = pixelLimit
        while images.isEmpty || position < bytes.count {
            let following = UnsafeRawBufferPointer(rebasing: bytes[position...])
            guard images.isEmpty || ImageFormat(sniffing: following) == .pnm else {
                onWarning("\(following.count) bytes follow the last image and are not read")
                break
            }
            let image = try PNM.decode(bytes, from: &position, pixelLimit: rest)
            rest -= image.width * image.height
            images.append(image)
        }
        return images
    }

    /// Reads all images of a stream. See `sequence(parsing: UnsafeRawBufferPointer, …)`.
    public static func sequence(
        parsing bytes: [UInt8],
        pixelLimit: Int = Image.defaultPixelLimit,
        onWarning: (String) -> Void = { _ in }
    ) throws(ImageError) -> [Image] {
        try bytes.withUnsafeBytes { raw in
            Result { () throws(ImageError) in
                try Image.sequence(parsing: raw, pixelLimit: pixelLimit, onWarning: onWarning)
            }
        }.get()
    }

    /// Throws if there are more than `limit` pixels; width × height cannot overflow afterwards.
    static func check(width: Int, height: Int, limit: Int) throws(ImageError) {
        let (pixels, overflow) = width.multipliedReportingOverflow(by: height)
        guard !overflow && pixels <= limit else {
            throw .tooManyPixels(width: width, height: height, limit: limit)
        }
    }
}
