import SRDImage
import Testing

@Suite("Formats that are named, and the table of ours")
struct ForeignFormatTests {
    static let starts: [(ForeignFormat, [UInt8])] = [
        (.heic, [0, 0, 0, 24] + Array("ftypheic\0\0\0\0mif1heic".utf8)),
        (.heic, [0, 0, 0, 24] + Array("ftypmif1\0\0\0\0mif1heic".utf8)),
        (.avif, [0, 0, 0, 24] + Array("ftypavif\0\0\0\0avifmif1".utf8)),
        (.avif, [0, 0, 0, 24] + Array("ftypmif1\0\0\0\0avifmif1".utf8)),
        (.video, [0, 0, 0, 20] + Array("ftypisom\0\0\0\0isom".utf8)),
        (.raw, [0, 0, 0, 20] + Array("ftypcrx \0\0\0\0crx ".utf8)),
        (.jpegXL, [0xff, 0x0a, 0]), (.jpegXL, [0, 0, 0, 12] + Array("JXL \r\n".utf8)),
        (.jpeg2000, [0, 0, 0, 12] + Array("jP  \r\n".utf8)),
        (.gif, Array("GIF89a".utf8)), (.gif, Array("GIF87a".utf8)),
        (.tiff, [0x49, 0x49, 42, 0, 8, 0, 0, 0, 0, 0]), (.tiff, [0x4d, 0x4d, 0, 42, 0, 0, 0, 8, 0, 0]),
        (.tiff, [0x49, 0x49, 43, 0]),
        (.raw, [0x49, 0x49, 42, 0, 16, 0, 0, 0] + Array("CR\u{2}\0".utf8)), (.raw, Array("FUJIFILMCCD-RAW".utf8)),
        // with the tag DNGVersion
        (.raw, [0x49, 0x49, 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 0xc6, 1, 0, 4, 0, 0, 0, 1, 4, 0, 0, 0, 0, 0, 0]),
        (.bmp, Array("BM".utf8) + [99, 0, 0, 0, 0, 0, 0, 0, 54, 0, 0, 0, 40, 0, 0, 0]), (.icon, [0, 0, 1, 0, 1, 0]),
        (.photoshop, Array("8BPS".utf8)), (.openEXR, [0x76, 0x2f, 0x31, 0x01]),
        (.cgbi, [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 4] + Array("CgBI".utf8)),
        (.svg, Array("<svg xmlns='x'>".utf8)), (.svg, Array("\u{feff}<?xml version='1.0'?>\n<!-- x --><svg>".utf8)),
        (.html, Array("<!DOCTYPE html><html>".utf8)), (.html, Array("\n\n<HTML><body><svg>".utf8)),
        (.pdf, Array("%PDF-1.7".utf8)),
        (.zip, [0x50, 0x4b, 3, 4]), (.gzip, [0x1f, 0x8b, 8]), (.xz, [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0]),
        (.bzip2, Array("BZh9".utf8)),
        (.zstandard, [0x28, 0xb5, 0x2f, 0xfd]), (.sevenZip, [0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c]),
        (.rar, Array("Rar!".utf8)),
        (.tar, [UInt8](repeating: 65, count: 257) + Array("ustar".utf8)),
        (.gitLFSPointer, Array("version https://git-lfs.github.com/spec/v1\n".utf8)),
    ]

    @Test("recognized by content, named with a remedy")
    func byContent() {
        for (format, bytes) in Self.starts {
            #expect(bytes.withUnsafeBytes { ForeignFormat(sniffing: $0) } == format)
            let error = ImageError.foreignFormat(format)
            #expect(throws: error) { try Image(parsing: bytes) }
            #expect(throws: error) { try ImageHeader(parsing: bytes) }
            #expect(error.description.contains(format.name) && error.description.contains(format.remedy))
        }
        #expect(Set(Self.starts.map(\.0)) == Set(ForeignFormat.allCases))
    }

    @Test("every start cut short is an error, not a trap")
    func cutShort() {
        for (_, bytes) in Self.starts {
            for count in 0..<bytes.count {
                #expect(throws: ImageError.self) { try Image(parsing: Array(bytes.prefix(count))) }
            }
        }
    }

    @Test func byName() {
        #expect(ForeignFormat(fileExtension: "HEIC") == .heic)
        #expect(ForeignFormat(fileExtension: "nef") == .raw)
        #expect(ForeignFormat(fileExtension: "txt") == nil)
        for format in ForeignFormat.allCases {
            for name in format.extensions {
                #expect(ForeignFormat(fileExtension: name) == format && ImageFormat(fileExtension: name) == nil)
            }
        }
    }

    @Test func formatTable() {
        #expect(
            ["png", "PNG", "ppm", "pgm", "pnm", "jpg", "JPEG", "webp", "tif", ""].map(ImageFormat.init(fileExtension:))
                == [.png, .png, .pnm, .pnm, .pnm, .jpeg, .jpeg, .webP, nil, nil])
        #expect(["jpeg", "WebP", "jpg", "bmp"].map(ImageFormat.init(named:)) == [.jpeg, .webP, .jpeg, nil])
        #expect(ImageFormat.names == "PNG, JPEG, WebP and PNM")
        #expect(ImageFormat.preferredExtensions == ".png, .jpg, .webp and .ppm")
        #expect(ImageFormat.png.isAvailable && ImageFormat.pnm.isAvailable)
    }

    @Test("content decides, not the name")
    func sniffing() throws {
        for (name, format) in [("420.jpg", ImageFormat.jpeg), ("lossy.webp", .webP), ("gray.expected.png", .png)] {
            #expect(try Fixture.bytes(name).withUnsafeBytes { ImageFormat(sniffing: $0) } == format)
        }
    }

    @Test("bytes of no format are shown without control characters")
    func unknownBytes() {
        #expect(
            ImageError.unknownFormat(firstBytes: [0x1b, 0x5b, 0x32, 0x4a]).description.contains("bytes 1b 5b 32 4a"))
    }
}
