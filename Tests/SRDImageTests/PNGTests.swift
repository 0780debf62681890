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
            (RawPNG.ColorType.gray, [1, 2, 4, 8, 16]), (.rgb, [8, 16]), (.palette, [1, 2, 4, 8]), (.grayAlpha, [8, 16]),
            (.rgba, [8, 16])
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
            #expect(try Picture(parsing: png.bytes) == png.picture, "\(width)×\(height), SRD_TEST_SEED=\(seed)")
        }
    }

    @Test("what is written is read back", arguments: [1, 2, 3, 4], [8, 16])
    func roundTrip(channels: Int, bitDepth: Int) throws {
        for (width, height) in Self.sizes {
            let picture = randomPicture(width: width, height: height, channels: channels, bitDepth: bitDepth)
            let file = try picture.encoded(as: .png)
            #expect(try Picture(parsing: file) == picture, "\(width)×\(height), SRD_TEST_SEED=\(seed)")
            #expect(try picture.encoded(as: .png) == file, "the bytes change from run to run")
            #expect(RawPNG.chunks(of: file).map(\.chunk.type) == ["IHDR", "IDAT", "IEND"])
        }
    }

    @Test("an index beyond the palette is black")
    func indexBeyondPalette() throws {
        var png = RawPNG(width: 2, height: 1, colorType: .palette, bitDepth: 8, values: [0, 9])
        png.palette = [1, 2, 3]
        #expect(try Picture(parsing: png.bytes).samples == [1, 2, 3, 0, 0, 0])
    }

    @Test func warningsAreCollected() throws {
        let file = RawPNG.signature + RawPNG.chunk("IHDR", RawPNG.header(1, 1, .gray))
            + RawPNG.chunk("IDAT", RawPNG.stored([0, 7, 8, 9])) + RawPNG.chunk("IEND", [])
        var warnings: [String] = []
        #expect(try Picture(parsing: file) { warnings.append($0) }.samples == [7])
        #expect(warnings.count == 1, "for more data than pixels; \(warnings)")
    }
}

@Suite("What a PNG says about its pixels is kept")
struct PictureMetadataTests {
    typealias Chunk = PictureMetadata.Chunk

    static let kept = [
        Chunk(type: "iCCP", data: Array("name".utf8) + [0, 0] + RawPNG.stored([1, 2, 3])),
        Chunk(type: "gAMA", data: bigEndian(45455, bytes: 4)),
        Chunk(type: "cHRM", data: (0..<8).flatMap { bigEndian(10000 + $0, bytes: 4) }),
        Chunk(type: "sRGB", data: [1]),
        Chunk(type: "pHYs", data: bigEndian(2835, bytes: 4) + bigEndian(3000, bytes: 4) + [1]),
        Chunk(type: "eXIf", data: Array("MM".utf8) + [0, 42, 0, 0, 0, 8, 0, 0]),
        Chunk(type: "tEXt", data: Array("Author".utf8) + [0, 0xc6]),
        Chunk(type: "zTXt", data: Array("Comment".utf8) + [0, 0] + RawPNG.stored(Array("small".utf8))),
        Chunk(type: "iTXt", data: Array("Title".utf8) + [0, 0, 0] + Array("de".utf8) + [0, 0] + Array("Größe".utf8))
    ]

    private func file(_ before: [Chunk], _ after: [Chunk] = []) -> [UInt8] {
        var png = RawPNG(width: 2, height: 1, colorType: .gray, bitDepth: 8, values: [3, 4])
        png.chunksBeforeData = before
        png.chunksAfterData = after
        return png.bytes
    }

    @Test func byteForByteAndInOrder() throws {
        let picture = try Picture(parsing: file(Self.kept, [Self.kept[6]]))
        #expect(picture.metadata.chunks == Self.kept + [Self.kept[6]])

        let written = try picture.encoded(as: .png)
        #expect(RawPNG.chunks(of: written).map(\.chunk).dropFirst().prefix(10) == Self.kept + [Self.kept[6]])
        #expect(try Picture(parsing: written) == picture)
    }

    @Test func whatChangesWithThePixelsIsDropped() throws {
        let dropped = [
            Chunk(type: "sBIT", data: [5]), Chunk(type: "bKGD", data: [0, 1]), Chunk(type: "tIME", data: [7, 232, 1, 1, 0, 0, 0]),
            Chunk(type: "gAMA", data: [1]),  // of the wrong size
            Chunk(type: "prVt", data: [1])
        ]
        #expect(try Picture(parsing: file(dropped)).metadata == PictureMetadata())
    }

    @Test func ofASecondProfileTheFirstCounts() throws {
        let second = Chunk(type: "gAMA", data: bigEndian(100000, bytes: 4))
        #expect(try Picture(parsing: file([Self.kept[1], second])).metadata.chunks == [Self.kept[1]])
    }

    @Test func strips() throws {
        var picture = try Picture(parsing: file(Self.kept))
        picture.metadata = PictureMetadata()
        let encoded = try picture.encoded(as: .png)
        #expect(RawPNG.chunks(of: encoded).map(\.chunk.type) == ["IHDR", "IDAT", "IEND"])
    }

    @Test func textsAreRead() throws {
        #expect(try Picture(parsing: file(Self.kept)).metadata.texts == [
            PictureText(kind: .tEXt, keyword: "Author", text: "Æ"),
            PictureText(kind: .zTXt, keyword: "Comment", text: nil),
            PictureText(kind: .iTXt, keyword: "Title", text: "Größe")
        ])
    }

    @Test func damagedTextsAreNoTexts() throws {
        let damaged = ["tEXt", "zTXt", "iTXt"].map { Chunk(type: $0, data: Array("Keyword".utf8)) }
            + [Chunk(type: "iTXt", data: Array("Title".utf8) + [0]), Chunk(type: "iTXt", data: [0, 0, 0, 0])]
        #expect(try Picture(parsing: file(damaged)).metadata.texts.isEmpty)
    }

    @Test("a text is added, in UTF-8 only where Latin-1 does not reach", arguments: [
        ("seed 5, 20 steps", PictureText.Kind.tEXt), ("Größe ×4", .tEXt), ("模型", .iTXt), ("", .tEXt)
    ])
    func addsText(text: String, kind: PictureText.Kind) throws {
        var picture = try Picture(parsing: file(Self.kept))
        picture.metadata.addText(keyword: "Software", text)
        let read = try Picture(parsing: picture.encoded(as: .png))
        #expect(read.metadata.texts.last == PictureText(kind: kind, keyword: "Software", text: text))
        #expect(read == picture)
    }

    @Test func aNULDoesNotEndAText() {
        var metadata = PictureMetadata()
        metadata.addText(keyword: "Model", "a\0b")
        #expect(metadata.texts == [PictureText(kind: .tEXt, keyword: "Model", text: "ab")])
    }

    @Test func densityGrowsWithThePicture() throws {
        var picture = try Picture(parsing: file(Self.kept))
        picture = picture.resized(by: 4)
        #expect(picture.metadata.pixelDensity == PixelDensity(x: 11340, y: 12000, isPerMetre: true))
        #expect(picture.metadata.chunks.map(\.type) == Self.kept.map(\.type), "its place stays")

        picture = picture.resized(width: 4, height: 2)
        #expect(picture.metadata.pixelDensity == PixelDensity(x: 5670, y: 6000, isPerMetre: true))

        picture.metadata.pixelDensity = PixelDensity(x: 3, y: 2, isPerMetre: false)
        picture.metadata.scalePixelDensity(by: 8)
        #expect(picture.metadata.pixelDensity == PixelDensity(x: 3, y: 2, isPerMetre: false), "only a ratio")

        picture.metadata.pixelDensity = PixelDensity(x: .max, y: 1, isPerMetre: true)
        picture.metadata.scalePixelDensity(by: 8)
        #expect(picture.metadata.pixelDensity == PixelDensity(x: 0x7fff_ffff, y: 8, isPerMetre: true), "as far as PNG goes")

        picture.metadata.pixelDensity = nil
        #expect(picture.metadata.chunks == Self.kept.filter { $0.type != "pHYs" })
    }
}

func randomPicture(width: Int, height: Int, channels: Int, bitDepth: Int, seed: UInt64 = seed) -> Picture {
    var random = SeededRandom(seed: seed)
    let samples = (0..<width * height * channels).map { _ in UInt16.random(in: 0...(bitDepth == 8 ? 255 : 65535), using: &random) }
    return Picture(width: width, height: height, channels: channels, bitDepth: bitDepth, samples: samples)
}
