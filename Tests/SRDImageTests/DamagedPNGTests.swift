import SRDImage
import TestSupport
import Testing

@Suite("PNG files with damaged metadata, and animated ones")
struct DamagedPNGTests {
    typealias Chunk = ImageMetadata.Chunk

    private func png(_ chunks: [Chunk]) -> RawPNG {
        var png = RawPNG(width: 2, height: 1, colorType: .gray, bitDepth: 8, values: [3, 4])
        png.chunksBeforeData = chunks
        return png
    }

    @Test("a chunk with a wrong CRC is dropped with a warning", arguments: ["iCCP", "eXIf", "tEXt", "pHYs", "tIME"])
    func wrongCRC(type: String) throws {
        let time = Chunk(type: "tIME", data: [7, 232, 1, 1, 0, 0, 0])
        var file = png(ImageMetadataTests.kept + [time]).bytes
        let place = try #require(RawPNG.chunks(of: file).first { $0.chunk.type == type })
        file[place.start + 8 + place.chunk.data.count] ^= 1
        let warnings = try warnings { report in
            let image = try Image(parsing: file, onWarning: report)
            #expect(image.samples == [3, 4])
            #expect(image.metadata.chunks == ImageMetadataTests.kept.filter { $0.type != type })
        }
        #expect(warnings == ["damaged \(type) chunk dropped (wrong CRC)"])
    }

    @Test("transparency with a wrong CRC is dropped with a warning")
    func wrongTransparency() throws {
        var source = png([])
        source.transparency = [3]
        var file = source.bytes
        let place = try #require(RawPNG.chunks(of: file).first { $0.chunk.type == "tRNS" })
        file[place.start + 10] ^= 1
        let warnings = try warnings { report in
            let image = try Image(parsing: file, onWarning: report)
            #expect(image.channels == 1)
        }
        #expect(warnings == ["damaged tRNS chunk dropped (wrong CRC)"])
    }

    @Test(
        "invalid contents are dropped with a warning",
        arguments: [
            Chunk(type: "tEXt", data: Array(" leading\0x".utf8)), Chunk(type: "tEXt", data: Array("trailing \0x".utf8)),
            Chunk(type: "tEXt", data: Array("two  spaces\0x".utf8)), Chunk(type: "tEXt", data: Array("\0x".utf8)),
            Chunk(type: "tEXt", data: Array("no end".utf8)), Chunk(type: "tEXt", data: Array("a\0b\0c".utf8)),
            Chunk(type: "tEXt", data: [UInt8](repeating: 65, count: 80) + [0, 65]),
            Chunk(type: "zTXt", data: Array("Comment\0\0not zlib".utf8)),
            Chunk(type: "zTXt", data: Array("Comment\0\u{1}".utf8)),
            Chunk(type: "iTXt", data: Array("Title\0\0\0".utf8)),
            Chunk(type: "iTXt", data: Array("Title\0\0\0\0\0".utf8) + [0xff]),
            Chunk(type: "iCCP", data: Array("name\0\0not zlib".utf8)), Chunk(type: "iCCP", data: Array("name".utf8)),
            Chunk(type: "eXIf", data: Array("Exif\0\0".utf8)), Chunk(type: "gAMA", data: [1]),
        ])
    func invalid(chunk: Chunk) throws {
        let warnings = try warnings { report in
            let image = try Image(parsing: png([chunk]).bytes, onWarning: report)
            #expect(image.metadata == ImageMetadata())
        }
        #expect(warnings.count == 1 && warnings[0].hasPrefix("invalid \(chunk.type) chunk dropped"))
    }

    @Test("compressed metadata is inflated to a limit")
    func bomb() throws {
        // 32 MB of zeros in stored blocks inflate beyond the limit of 16 MB.
        let chunk = Chunk(
            type: "zTXt", data: Array("Comment\0\0".utf8) + RawPNG.stored([UInt8](repeating: 0, count: 32 << 20)))
        let warnings = try warnings { report in
            let image = try Image(parsing: png([chunk]).bytes, onWarning: report)
            #expect(image.metadata == ImageMetadata())
        }
        #expect(warnings == ["invalid zTXt chunk dropped (damaged or too large)"])
    }

    @Test("the number of chunks is limited")
    func manyChunks() throws {
        let chunks = [Chunk](repeating: Chunk(type: "tEXt", data: Array("a\0b".utf8)), count: 5000)
        let warnings = try warnings { report in
            let image = try Image(parsing: png(chunks).bytes, onWarning: report)
            #expect(image.metadata.chunks.count == 1000)
        }
        #expect(warnings.count == 1)
    }

    @Test("the number of warnings is limited")
    func manyWarnings() throws {
        let chunks = [Chunk](repeating: Chunk(type: "tEXt", data: Array(" a\0b".utf8)), count: 500)
        let warnings = try warnings { _ = try Image(parsing: png(chunks).bytes, onWarning: $0) }
        #expect(warnings.count == 17 && warnings.last == "further warnings are omitted")
    }

    @Test("animations", arguments: [(true, 3), (false, 3), (false, 1)])
    func animation(isFirstFrameDefault: Bool, frames: Int) throws {
        var source = png([Chunk(type: "acTL", data: bigEndian(frames, bytes: 4) + [0, 0, 0, 0])])
        let control = Chunk(type: "fcTL", data: [UInt8](repeating: 0, count: 26))
        if isFirstFrameDefault {
            source.chunksBeforeData.append(control)
        } else {
            source.chunksAfterData.append(control)
        }
        let warnings = try warnings { report in
            let image = try Image(parsing: source.bytes, onWarning: report)
            #expect(image.samples == [3, 4])
        }
        #expect(warnings.count == 1 && warnings[0].contains("\(frames) frame"))
        #expect(warnings[0].contains("not one of them") == !isFirstFrameDefault)
    }

    @Test("headers without decoding", arguments: PNGTests.Kind.all)
    func headers(kind: PNGTests.Kind) throws {
        var random = SeededRandom(seed: seed)
        let file = RawPNG.random(
            width: 19, height: 10, kind.colorType, bitDepth: kind.bitDepth, isInterlaced: kind.isInterlaced,
            isTransparent: kind.isTransparent, using: &random
        ).bytes
        let image = try Image(parsing: file)
        let header = try ImageHeader(parsing: file)
        #expect(header.format == .png && header.width == 19 && header.height == 10 && !header.isLossy)
        #expect(header.channels == image.channels && header.bitDepth == image.bitDepth)
        #expect(header.decodingBytes >= 2 * image.samples.count)
    }
}
