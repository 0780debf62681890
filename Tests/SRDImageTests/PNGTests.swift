import SRDImage
import TestSupport
import Testing

@Suite("PNG in, pixels; pixels in, PNG")
struct PNGTests {
    struct Kind: Sendable, CustomTestStringConvertible {
        let colorType: RawPNG.ColorType
        let bitDepth: Int
        let isTransparent: Bool
        let isInterlaced: Bool

        var testDescription: String {
            "\(colorType) \(bitDepth)" + (isTransparent ? " tRNS" : "") + (isInterlaced ? " interlaced" : "")
        }

        /// PNG specification, table 11.1, times tRNS where allowed, times interlace.
        static let all: [Kind] = [
            (RawPNG.ColorType.gray, [1, 2, 4, 8, 16]), (.rgb, [8, 16]), (.palette, [1, 2, 4, 8]),
            (.grayAlpha, [8, 16]),
            (.rgba, [8, 16]),
        ].flatMap { colorType, depths in
            depths.flatMap { depth in
                (colorType == .grayAlpha || colorType == .rgba ? [false] : [false, true]).flatMap { isTransparent in
                    [false, true].map {
                        Kind(colorType: colorType, bitDepth: depth, isTransparent: isTransparent, isInterlaced: $0)
                    }
                }
            }
        }
    }

    /// 1×1, narrower than Adam7's first step, odd, and wider than a byte of pixels.
    static let sizes = [(1, 1), (3, 2), (7, 9), (19, 10)]

    @Test("every kind of file decodes to its pixels", arguments: Kind.all)
    func decodes(_ kind: Kind) throws {
        var random = SeededRandom(seed: seed)
        for (width, height) in Self.sizes {
            let png = RawPNG.random(
                width: width, height: height, kind.colorType, bitDepth: kind.bitDepth, isInterlaced: kind.isInterlaced,
                isTransparent: kind.isTransparent, using: &random
            )
            #expect(try Image(parsing: png.bytes) == png.image, "\(width)×\(height), SRD_TEST_SEED=\(seed)")
        }
    }

    @Test("what is written is read back", arguments: [1, 2, 3, 4], [8, 16])
    func roundTrip(channels: Int, bitDepth: Int) throws {
        for (width, height) in Self.sizes {
            let image = randomImage(width: width, height: height, channels: channels, bitDepth: bitDepth)
            let file = try image.encoded(as: .png)
            #expect(try Image(parsing: file) == image, "\(width)×\(height), SRD_TEST_SEED=\(seed)")
            #expect(try image.encoded(as: .png) == file, "the bytes change from run to run")
            #expect(RawPNG.chunks(of: file).map(\.chunk.type) == ["IHDR", "IDAT", "IEND"])
            for level in 0...9 {
                let file = try image.encoded(as: .png, options: EncodingOptions(compression: level))
                #expect(try Image(parsing: file) == image, "level \(level), SRD_TEST_SEED=\(seed)")
            }
        }
    }

    @Test("an index beyond the palette is black")
    func indexBeyondPalette() throws {
        var png = RawPNG(width: 2, height: 1, colorType: .palette, bitDepth: 8, values: [0, 9])
        png.palette = [1, 2, 3]
        #expect(try Image(parsing: png.bytes).samples == [1, 2, 3, 0, 0, 0])
    }

    @Test func warningsAreCollected() throws {
        let file =
            RawPNG.signature + RawPNG.chunk("IHDR", RawPNG.header(1, 1, .gray))
            + RawPNG.chunk("IDAT", RawPNG.stored([0, 7, 8, 9])) + RawPNG.chunk("IEND", [])
        var warnings: [String] = []
        #expect(try Image(parsing: file) { warnings.append($0) }.samples == [7])
        #expect(warnings.count == 1, "for more data than pixels; \(warnings)")
    }
}

@Suite("PNG metadata")
struct ImageMetadataTests {
    typealias Chunk = ImageMetadata.Chunk

    static let kept = [
        Chunk(type: "iCCP", data: Array("name".utf8) + [0, 0] + RawPNG.stored([1, 2, 3])),
        Chunk(type: "gAMA", data: bigEndian(45455, bytes: 4)),
        Chunk(type: "cHRM", data: (0..<8).flatMap { bigEndian(10000 + $0, bytes: 4) }),
        Chunk(type: "sRGB", data: [1]),
        Chunk(type: "pHYs", data: bigEndian(2835, bytes: 4) + bigEndian(3000, bytes: 4) + [1]),
        Chunk(type: "eXIf", data: Array("MM".utf8) + [0, 42, 0, 0, 0, 8, 0, 0]),
        Chunk(type: "tEXt", data: Array("Author".utf8) + [0, 0xc6]),
        Chunk(type: "zTXt", data: Array("Comment".utf8) + [0, 0] + RawPNG.stored(Array("small".utf8))),
        Chunk(type: "iTXt", data: Array("Title".utf8) + [0, 0, 0] + Array("de".utf8) + [0, 0] + Array("Größe".utf8)),
    ]

    private func file(_ before: [Chunk], _ after: [Chunk] = []) -> [UInt8] {
        var png = RawPNG(width: 2, height: 1, colorType: .gray, bitDepth: 8, values: [3, 4])
        png.chunksBeforeData = before
        png.chunksAfterData = after
        return png.bytes
    }

    @Test func byteForByteAndInOrder() throws {
        let image = try Image(parsing: file(Self.kept, [Self.kept[6]]))
        #expect(image.metadata.chunks == Self.kept + [Self.kept[6]])

        let written = try image.encoded(as: .png)
        #expect(RawPNG.chunks(of: written).map(\.chunk).dropFirst().prefix(10) == Self.kept + [Self.kept[6]])
        #expect(try Image(parsing: written) == image)
    }

    @Test func whatChangesWithThePixelsIsDropped() throws {
        let dropped = [
            Chunk(type: "sBIT", data: [5]), Chunk(type: "bKGD", data: [0, 1]),
            Chunk(type: "tIME", data: [7, 232, 1, 1, 0, 0, 0]),
            Chunk(type: "gAMA", data: [1]),  // of the wrong size
            Chunk(type: "prVt", data: [1]),
        ]
        #expect(try Image(parsing: file(dropped)).metadata == ImageMetadata())
    }

    @Test func ofASecondProfileTheFirstCounts() throws {
        let second = Chunk(type: "gAMA", data: bigEndian(100000, bytes: 4))
        #expect(try Image(parsing: file([Self.kept[1], second])).metadata.chunks == [Self.kept[1]])
    }

    @Test func strips() throws {
        var image = try Image(parsing: file(Self.kept))
        image.metadata = ImageMetadata()
        let encoded = try image.encoded(as: .png)
        #expect(RawPNG.chunks(of: encoded).map(\.chunk.type) == ["IHDR", "IDAT", "IEND"])
    }

    @Test func textsAreRead() throws {
        #expect(
            try Image(parsing: file(Self.kept)).metadata.texts == [
                ImageText(kind: .tEXt, keyword: "Author", text: "Æ"),
                ImageText(kind: .zTXt, keyword: "Comment", text: nil),
                ImageText(kind: .iTXt, keyword: "Title", text: "Größe"),
            ])
    }

    @Test func damagedTextsAreNoTexts() throws {
        let damaged =
            ["tEXt", "zTXt", "iTXt"].map { Chunk(type: $0, data: Array("Keyword".utf8)) }
            + [Chunk(type: "iTXt", data: Array("Title".utf8) + [0]), Chunk(type: "iTXt", data: [0, 0, 0, 0])]
        #expect(try Image(parsing: file(damaged)).metadata.texts.isEmpty)
    }

    @Test(
        "a text is added, in UTF-8 only where Latin-1 does not reach",
        arguments: [
            ("seed 5, 20 steps", ImageText.Kind.tEXt), ("Größe ×4", .tEXt), ("模型", .iTXt), ("", .tEXt),
        ])
    func addsText(text: String, kind: ImageText.Kind) throws {
        var image = try Image(parsing: file(Self.kept))
        image.metadata.addText(keyword: "Software", text)
        let read = try Image(parsing: image.encoded(as: .png))
        #expect(read.metadata.texts.last == ImageText(kind: kind, keyword: "Software", text: text))
        #expect(read == image)
    }

    @Test func aNULDoesNotEndAText() {
        var metadata = ImageMetadata()
        metadata.addText(keyword: "Model", "a\0b")
        #expect(metadata.texts == [ImageText(kind: .tEXt, keyword: "Model", text: "ab")])
    }

    @Test func densityGrowsWithTheImage() throws {
        var image = try Image(parsing: file(Self.kept))
        image = image.resized(by: 4)
        #expect(image.metadata.pixelDensity == PixelDensity(x: 11340, y: 12000, isPerMetre: true))
        #expect(image.metadata.chunks.map(\.type) == Self.kept.map(\.type), "its place stays")

        image = image.resized(width: 4, height: 2)
        #expect(image.metadata.pixelDensity == PixelDensity(x: 5670, y: 6000, isPerMetre: true))

        image.metadata.pixelDensity = PixelDensity(x: 3, y: 2, isPerMetre: false)
        image.metadata.scalePixelDensity(by: 8)
        #expect(image.metadata.pixelDensity == PixelDensity(x: 3, y: 2, isPerMetre: false), "only a ratio")

        image.metadata.pixelDensity = PixelDensity(x: .max, y: 1, isPerMetre: true)
        image.metadata.scalePixelDensity(by: 8)
        #expect(
            image.metadata.pixelDensity == PixelDensity(x: 0x7fff_ffff, y: 8, isPerMetre: true), "as far as PNG goes")

        image.metadata.pixelDensity = nil
        #expect(image.metadata.chunks == Self.kept.filter { $0.type != "pHYs" })
    }
}

func randomImage(width: Int, height: Int, channels: Int, bitDepth: Int, seed: UInt64 = seed) -> Image {
    var random = SeededRandom(seed: seed)
    let samples = (0..<width * height * channels).map { _ in
        UInt16.random(in: 0...(bitDepth == 8 ? 255 : 65535), using: &random)
    }
    return Image(width: width, height: height, channels: channels, bitDepth: bitDepth, samples: samples)
}
