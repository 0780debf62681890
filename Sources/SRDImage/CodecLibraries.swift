import CImageCodecs

/// The shared libraries that decode and encode JPEG and WebP. They are looked up at run time, so that a program that
/// only handles PNG and PNM runs without them.
///
/// The environment variables `SRD_LIBTURBOJPEG` and `SRD_LIBWEBP` name another file to load. A file that does not exist
/// simulates a machine without the library.
public struct CodecLibraries: Equatable, Sendable {
    /// What dlopen takes: a file name that is looked up, or a path.
    public var jpegPath: String
    public var webPPath: String

    public init(jpegPath: String, webPPath: String) {
        self.jpegPath = jpegPath
        self.webPPath = webPPath
    }

    /// The system's libraries, or those that the environment names.
    public static var installed: CodecLibraries {
        func path(_ variable: String, _ standard: String) -> String {
            srd_codec_environment(variable).map { String(cString: $0) } ?? standard
        }
        return CodecLibraries(
            jpegPath: path("SRD_LIBTURBOJPEG", "libturbojpeg.so.0"), webPPath: path("SRD_LIBWEBP", "libwebp.so.7"))
    }

    /// Whether files of this format can be decoded and encoded.
    public func support(_ format: ImageFormat) -> Bool {
        switch format {
        case .png, .pnm: true
        case .jpeg: (try? jpeg()) != nil
        case .webP: (try? webP()) != nil
        }
    }

    func jpeg() throws(ImageError) -> srd_jpeg_library {
        var library = srd_jpeg_library()
        guard srd_jpeg_load(&library, jpegPath) else { throw .codecMissing(.jpeg) }
        return library
    }

    func webP() throws(ImageError) -> srd_webp_library {
        var library = srd_webp_library()
        guard srd_webp_load(&library, webPPath) else { throw .codecMissing(.webP) }
        return library
    }
}

/// Receives the codec's message, at most 199 bytes.
func message(of body: (UnsafeMutablePointer<CChar>) -> srd_codec_status) -> (status: srd_codec_status, message: String)
{
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(SRD_CODEC_MESSAGE)) { buffer in
        buffer.initialize(repeating: 0)
        let status = body(buffer.baseAddress!)
        return (status, String(cString: buffer.baseAddress!))
    }
}
