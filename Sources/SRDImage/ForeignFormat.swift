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

        init(_ name: String, _ extensions: [String], _ remedy: String) {
            self.name = name
            self.extensions = extensions
            self.remedy = remedy
        }
    }

    private var row: Row {
        switch self {
        case .heic:
            Row("HEIC", ["heic", "heif", "hif"], "convert it with `heif-convert` (Debian package libheif-examples)")
        case .avif:
            Row("AVIF", ["avif", "avifs"], "convert it with `avifdec` (Debian package libavif-bin)")
        case .jpegXL:
            Row("JPEG XL", ["jxl"], "convert it with `djxl` (Debian package libjxl-tools)")
        case .jpeg2000:
            Row(
                "JPEG 2000", ["jp2", "j2k", "jpf", "jpx"],
                "convert it with `opj_decompress` (Debian package libopenjp2-tools)")
        case .gif:
            Row("GIF", ["gif"], Self.magick)
        case .tiff:
            Row("TIFF", ["tif", "tiff"], Self.magick)
        case .bmp:
            Row("BMP", ["bmp", "dib"], Self.magick)
        case .icon:
            Row("an icon", ["ico", "cur"], Self.magick)
        case .photoshop:
            Row("Photoshop", ["psd", "psb"], Self.magick)
        case .openEXR:
            Row("OpenEXR", ["exr"], Self.magick)
        case .cgbi:
            Row(
                "an iPhone-optimized PNG (CgBI)", [],
                "convert it with `xcrun pngcrush -revert-iphone-optimizations` or `pngdefry`")
        case .raw:
            Row(
                "a raw photograph",
                [
                    "dng", "cr2", "cr3", "crw", "nef", "nrw", "arw", "srf", "sr2", "raf", "orf", "rw2", "pef", "srw",
                    "x3f",
                    "3fr", "mrw", "kdc", "erf", "iiq",
                ],
                "develop it with `dcraw -c` (Debian package dcraw) or darktable")
        case .svg:
            Row(
                "SVG", ["svg", "svgz"],
                "render it at the size you need with `rsvg-convert` (Debian package librsvg2-bin)")
        case .html:
            Row("a web page (HTML)", ["html", "htm", "xhtml"], "download the image itself")
        case .pdf:
            Row("PDF", ["pdf"], "extract its images with `pdfimages -png` (Debian package poppler-utils)")
        case .video:
            Row(
                "a video", ["mp4", "mov", "m4v", "webm", "mkv", "avi"],
                "extract frames with `ffmpeg -i` (Debian package ffmpeg)")
        case .zip:
            Row("a ZIP archive", ["zip"], "unpack it with `unzip`")
        case .gzip:
            Row("gzip data", ["gz", "tgz"], "unpack it with `gunzip`")
        case .xz:
            Row("xz data", ["xz"], "unpack it with `unxz`")
        case .bzip2:
            Row("bzip2 data", ["bz2"], "unpack it with `bunzip2`")
        case .zstandard:
            Row("Zstandard data", ["zst"], "unpack it with `unzstd`")
        case .sevenZip:
            Row("a 7z archive", ["7z"], "unpack it with `7z x`")
        case .rar:
            Row("a RAR archive", ["rar"], "unpack it with `unar`")
        case .tar:
            Row("a tar archive", ["tar"], "unpack it with `tar -xf`")
        case .gitLFSPointer:
            Row("a Git LFS pointer", [], "fetch the file with `git lfs pull`")
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
