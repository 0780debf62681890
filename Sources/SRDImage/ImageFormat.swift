/// An image file format that is read and written.
public enum ImageFormat: Hashable, Sendable, CaseIterable {
    case png
    case jpeg
    case webP
    /// PBM, PGM, PPM and PAM (P1 to P7), written as binary PGM or PPM.
    case pnm
}

/// What a format can hold, and what it needs. One row per format: help texts and error messages are made from it.
extension ImageFormat {
    private struct Row {
        let name: String
        /// Lower case, the preferred one first.
        let extensions: [String]
        let mediaType: String
        let holdsAlpha: Bool
        let holdsSixteenBits: Bool
        let holdsMetadata: Bool
        let isLossy: Bool
        /// The greatest width or height.
        let maximumSide: Int
        /// The Debian package of the codec; nil if it is always there.
        var package: String?
    }

    private var row: Row {
        switch self {
        case .png:
            Row(
                name: "PNG", extensions: ["png", "apng"], mediaType: "image/png", holdsAlpha: true,
                holdsSixteenBits: true, holdsMetadata: true, isLossy: false, maximumSide: Int(Int32.max))
        case .jpeg:
            Row(
                name: "JPEG", extensions: ["jpg", "jpeg", "jpe", "jfif"], mediaType: "image/jpeg", holdsAlpha: false,
                holdsSixteenBits: false, holdsMetadata: true, isLossy: true, maximumSide: 65500,
                package: "libturbojpeg0")
        case .webP:
            Row(
                name: "WebP", extensions: ["webp"], mediaType: "image/webp", holdsAlpha: true,
                holdsSixteenBits: false, holdsMetadata: true, isLossy: true, maximumSide: 16383, package: "libwebp7")
        case .pnm:
            Row(
                name: "PNM", extensions: ["ppm", "pgm", "pnm", "pbm", "pam"], mediaType: "image/x-portable-anymap",
                holdsAlpha: false, holdsSixteenBits: true, holdsMetadata: false, isLossy: false,
                maximumSide: 1 << 30)
        }
    }

    /// "PNG", "JPEG", "WebP" or "PNM".
    public var name: String { row.name }
    /// File name extensions in lower case, without the dot. The first one is used for new files.
    public var extensions: [String] { row.extensions }
    public var mediaType: String { row.mediaType }
    public var holdsAlpha: Bool { row.holdsAlpha }
    public var holdsSixteenBits: Bool { row.holdsSixteenBits }
    /// Whether files carry a colour profile, EXIF, XMP and texts.
    public var holdsMetadata: Bool { row.holdsMetadata }
    /// Whether `EncodingOptions.quality` has an effect.
    public var isLossy: Bool { row.isLossy }
    public var maximumSide: Int { row.maximumSide }
    /// The Debian package with the codec, or nil if the format needs none.
    public var package: String? { row.package }

    /// Whether the codec of the format is installed.
    public var isAvailable: Bool { CodecLibraries.installed.support(self) }

    /// "PNG, JPEG, WebP and PNM".
    public static var names: String {
        let names = allCases.map(\.name)
        return names.dropLast().joined(separator: ", ") + " and " + names[names.count - 1]
    }

    /// ".png, .jpg, .webp and .ppm".
    public static var preferredExtensions: String {
        let names = allCases.map { "." + $0.extensions[0] }
        return names.dropLast().joined(separator: ", ") + " and " + names[names.count - 1]
    }
}

extension ImageFormat {
    /// The format that a file's first bytes belong to, or nil if it is none of ours.
    public init?(sniffing bytes: UnsafeRawBufferPointer) {
        if bytes.starts(with: [0x89, 0x50, 0x4e, 0x47]) {  // libpng checks the rest of the signature
            self = .png
        } else if bytes.starts(with: [0xff, 0xd8, 0xff]) {
            self = .jpeg
        } else if bytes.hasASCII("RIFF", at: 0), bytes.hasASCII("WEBP", at: 8) {
            self = .webP
        } else if bytes.count >= 2, bytes[0] == UInt8(ascii: "P"), "1234567".utf8.contains(bytes[1]),
            bytes.count == 2 || bytes[2].isPNMSpace || bytes[2] == UInt8(ascii: "#")
        {
            self = .pnm
        } else {
            return nil
        }
    }

    /// The format with this file name extension (without the dot, in any case), or nil.
    public init?(fileExtension: String) {
        let name = fileExtension.lowercased()
        guard let format = Self.allCases.first(where: { $0.extensions.contains(name) }) else { return nil }
        self = format
    }

    /// The format with this name or extension, as in `--format jpeg`, or nil.
    public init?(named name: String) {
        guard
            let format = Self.allCases.first(where: { $0.name.lowercased() == name.lowercased() })
                ?? ImageFormat(fileExtension: name)
        else { return nil }
        self = format
    }
}
