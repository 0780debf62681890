/// A file type that is recognized but not read. Its name and a converter go into the error message.
public enum ForeignFormat: Hashable, Sendable, CaseIterable {
    case heic, avif, jpegXL, jpeg2000, gif, tiff, bmp, icon, photoshop, openEXR, cgbi, raw
    case svg, html, pdf, video
    case zip, gzip, xz, bzip2, zstandard, sevenZip, rar, tar
    case gitLFSPointer

    private struct Row {
        let name: String
        let extensions: [String]
        let remedy: String
    }

    private var row: Row {
        switch self {
        case .heic: Row(name: "HEIC", extensions: ["heic", "heif", "hif"], remedy: "convert it with `heif-convert` (Debian package libheif-examples)")
        case .avif: Row(name: "AVIF", extensions: ["avif", "avifs"], remedy: "convert it with `avifdec` (Debian package libavif-bin)")
        case .jpegXL: Row(name: "JPEG XL", extensions: ["jxl"], remedy: "convert it with `djxl` (Debian package libjxl-tools)")
        case .jpeg2000: Row(name: "JPEG 2000", extensions: ["jp2", "j2k", "jpf", "jpx"], remedy: "convert it with `opj_decompress` (Debian package libopenjp2-tools)")
        case .gif: Row(name: "GIF", extensions: ["gif"], remedy: Self.magick)
        case .tiff: Row(name: "TIFF", extensions: ["tif", "tiff"], remedy: Self.magick)
        case .bmp: Row(name: "BMP", extensions: ["bmp", "dib"], remedy: Self.magick)
        case .icon: Row(name: "an icon", extensions: ["ico", "cur"], remedy: Self.magick)
        case .photoshop: Row(name: "Photoshop", extensions: ["psd", "psb"], remedy: Self.magick)
        case .openEXR: Row(name: "OpenEXR", extensions: ["exr"], remedy: Self.magick)
        case .cgbi: Row(name: "an iPhone-optimized PNG (CgBI)", extensions: [], remedy: "convert it with `xcrun pngcrush -revert-iphone-optimizations` or `pngdefry`")
        case .raw:
            Row(
                name: "a raw photograph",
                extensions: ["dng", "cr2", "cr3", "crw", "nef", "nrw", "arw", "srf", "sr2", "raf", "orf", "rw2", "pef", "srw", "x3f", "3fr", "mrw", "kdc", "erf", "iiq"],
                remedy: "develop it with `dcraw -c` (Debian package dcraw) or darktable")
        case .svg: Row(name: "SVG", extensions: ["svg", "svgz"], remedy: "render it at the size you need with `rsvg-convert` (Debian package librsvg2-bin)")
        case .html: Row(name: "a web page (HTML)", extensions: ["html", "htm", "xhtml"], remedy: "download the image itself")
        case .pdf: Row(name: "PDF", extensions: ["pdf"], remedy: "extract its images with `pdfimages -png` (Debian package poppler-utils)")
        case .video: Row(name: "a video", extensions: ["mp4", "mov", "m4v", "webm", "mkv", "avi"], remedy: "extract frames with `ffmpeg -i` (Debian package ffmpeg)")
        case .zip: Row(name: "a ZIP archive", extensions: ["zip"], remedy: "unpack it with `unzip`")
        case .gzip: Row(name: "gzip data", extensions: ["gz", "tgz"], remedy: "unpack it with `gunzip`")
        case .xz: Row(name: "xz data", extensions: ["xz"], remedy: "unpack it with `unxz`")
        case .bzip2: Row(name: "bzip2 data", extensions: ["bz2"], remedy: "unpack it with `bunzip2`")
        case .zstandard: Row(name: "Zstandard data", extensions: ["zst"], remedy: "unpack it with `unzstd`")
        case .sevenZip: Row(name: "a 7z archive", extensions: ["7z"], remedy: "unpack it with `7z x`")
        case .rar: Row(name: "a RAR archive", extensions: ["rar"], remedy: "unpack it with `unar`")
        case .tar: Row(name: "a tar archive", extensions: ["tar"], remedy: "unpack it with `tar -xf`")
        case .gitLFSPointer: Row(name: "a Git LFS pointer", extensions: [], remedy: "fetch the file with `git lfs pull`")
        }
    }

    private static let magick = "convert it to PNG with `convert` or `magick` (Debian package imagemagick)"

    /// The name in messages, with an article where English needs one: "HEIC", "a ZIP archive".
    public var name: String { row.name }
    /// File name extensions in lower case, without the dot. Some formats have none of their own.
    public var extensions: [String] { row.extensions }
    /// What the user can do, as an imperative clause that names a command.
    public var remedy: String { row.remedy }

    /// The foreign format with this file name extension (without the dot, in any case), or nil.
    public init?(fileExtension: String) {
        let name = fileExtension.lowercased()
        guard let format = Self.allCases.first(where: { $0.extensions.contains(name) }) else { return nil }
        self = format
    }
}
