import SRDImage
import Testing

@Suite("PPM and PGM")
struct PNMTests {
    @Test("what is written is read back", arguments: [1, 3], [8, 16])
    func roundTrip(channels: Int, bitDepth: Int) throws {
        for (width, height) in PNGTests.sizes {
            let image = randomImage(width: width, height: height, channels: channels, bitDepth: bitDepth)
            #expect(try Image(parsing: image.encoded(as: .pnm)) == image, "SRD_TEST_SEED=\(seed)")
        }
    }

    @Test func alphaIsNotWritten() {
        for channels in [2, 4] {
            let image = randomImage(width: 1, height: 1, channels: channels, bitDepth: 8)
            #expect(throws: ImageError.alphaNotSupported) { try image.encoded(as: .pnm) }
        }
    }

    struct File: Sendable {
        let text: String
        var raster: [UInt8] = []
        let channels: Int
        let bitDepth: Int
        let samples: [UInt16]

        var bytes: [UInt8] { Array(text.utf8) + raster }
    }

    @Test(
        "files as others write them",
        arguments: [
            File(text: "P2\n2 1\n255\n0 255\n", channels: 1, bitDepth: 8, samples: [0, 255]),
            File(text: "P2 2 1 255 7 8", channels: 1, bitDepth: 8, samples: [7, 8]),
            File(text: "P2#a\n# b\r2 # c\n1#d\n255 #e\n1#f\n2", channels: 1, bitDepth: 8, samples: [1, 2]),
            File(
                text: "P3\n1 2\n65535\n1 2 3\n\t65535 5 6\n", channels: 3, bitDepth: 16,
                samples: [1, 2, 3, 65535, 5, 6]),
            File(text: "P2 4 1 3 0 1 2 3", channels: 1, bitDepth: 8, samples: [0, 85, 170, 255]),
            File(text: "P2 3 1 1023 0 512 1023", channels: 1, bitDepth: 16, samples: [0, 32800, 65535]),
            // The raster holds # and a line end.
            File(text: "P5\n2 1\n255\n", raster: [35, 10, 99], channels: 1, bitDepth: 8, samples: [35, 10]),
            File(text: "P5\n# by hand\n1 1\n65535 ", raster: [1, 2], channels: 1, bitDepth: 16, samples: [258]),
            File(text: "P6 1 1 255\n", raster: [1, 2, 3], channels: 3, bitDepth: 8, samples: [1, 2, 3]),
            File(text: "P6 1 1 255# odd\n", raster: [1, 2, 3], channels: 3, bitDepth: 8, samples: [1, 2, 3]),
            File(
                text: "P1\n# a bitmap\n3 2\n101\n0 1 0\n", channels: 1, bitDepth: 8, samples: [0, 255, 0, 255, 0, 255]),
            File(
                text: "P4 10 2\n", raster: [0b1010_0000, 0b0100_0000, 0xff, 0], channels: 1, bitDepth: 8,
                samples: [0, 255, 0, 255, 255, 255, 255, 255, 255, 0] + [0, 0, 0, 0, 0, 0, 0, 0, 255, 255]),
            File(
                text: "P7\nWIDTH 1\nHEIGHT 2\n# note\nDEPTH 4\nMAXVAL 255\nTUPLTYPE RGB_ALPHA\nENDHDR\n",
                raster: [1, 2, 3, 4, 5, 6, 7, 8], channels: 4, bitDepth: 8, samples: [1, 2, 3, 4, 5, 6, 7, 8]),
            File(
                text: "P7\nWIDTH 1\nHEIGHT 1\nDEPTH 2\nMAXVAL 65535\nENDHDR\n", raster: [1, 2, 3, 4], channels: 2,
                bitDepth: 16,
                samples: [258, 772]),
            File(
                text: "P7\nWIDTH 2\nHEIGHT 1\nDEPTH 1\nMAXVAL 1\nTUPLTYPE BLACKANDWHITE\nENDHDR\n", raster: [0, 1],
                channels: 1, bitDepth: 8, samples: [0, 255]),
        ])
    func decodes(_ file: File) throws {
        let image = try Image(parsing: file.bytes)
        #expect(image.samples == file.samples)
        #expect(image.channels == file.channels && image.bitDepth == file.bitDepth)
        let header = try ImageHeader(parsing: file.bytes)
        #expect(header.format == .pnm && header.width == image.width && header.height == image.height)
        #expect(header.channels == image.channels && header.bitDepth == image.bitDepth)
    }

    @Test func imagesInARow() throws {
        let first = randomImage(width: 3, height: 2, channels: 3, bitDepth: 8)
        let second = randomImage(width: 1, height: 4, channels: 1, bitDepth: 16)
        let stream = try first.encoded(as: .pnm) + second.encoded(as: .pnm)
        #expect(try Image.sequence(parsing: stream) == [first, second])
        #expect(throws: ImageError.tooManyPixels(width: 1, height: 4, limit: 3)) {
            try Image.sequence(parsing: stream, pixelLimit: 9)
        }
        #expect(throws: ImageError.endsEarly) { try Image.sequence(parsing: Array(stream.dropLast())) }

        var warnings: [String] = []
        #expect(try Image(parsing: stream) { warnings.append($0) } == first)
        #expect(warnings.count == 1 && warnings[0].contains("follow"))

        warnings = []
        let text = Array("P2 1 1 255 7\n\nP2 1 1 255 8\nrest".utf8)
        #expect(try Image.sequence(parsing: text) { warnings.append($0) }.map(\.samples) == [[7], [8]])
        #expect(warnings == ["4 bytes follow the last image and are not read"])

        let png = try first.encoded(as: .png)
        #expect(try Image.sequence(parsing: png) == [first])
    }

    @Test func whiteSpaceAfterAnImageIsNoWarning() throws {
        var warnings: [String] = []
        _ = try Image(parsing: Array("P2 1 1 255 7 \n\n".utf8)) { warnings.append($0) }
        #expect(warnings.isEmpty)
    }

    @Test(
        "damaged files say what is wrong",
        arguments: [
            ("P6", ImageError.badHeader(field: "width")),
            ("P6 x", .badHeader(field: "width")),
            ("P6 -1 1 255\n", .badHeader(field: "width")),
            ("P6 0 1 255\n", .badHeader(field: "width")),
            ("P6 99999999999999999999 1 255\n", .badHeader(field: "width")),
            ("P6 1", .badHeader(field: "height")),
            ("P6 1 0 255\n", .badHeader(field: "height")),
            ("P6 1 1", .badHeader(field: "maximum")),
            ("P6 1 1 0\n", .badHeader(field: "maximum")),
            ("P6 1 1 65536\n", .badHeader(field: "maximum")),
            ("P6 1 1 # never ends", .badHeader(field: "maximum")),
            (
                "P6 1000000000 1000000000 255\nabc",
                .tooManyPixels(width: 1_000_000_000, height: 1_000_000_000, limit: 1 << 28)
            ),
            ("P6 16384 16384 255\nabc", .endsEarly),
            ("P3 16384 16384 255\n1 2 3", .endsEarly),
            ("P6 1 1 255\nab", .endsEarly),
            ("P5 1 1 256\na", .endsEarly),
            ("P5 2 1 100\nae", .badSample(index: 1)),
            ("P2 2 1 100 1 101", .badSample(index: 1)),
            ("P2 2 1 100 1 -1", .badSample(index: 1)),
            ("P2 2 1 100 111  ", .badSample(index: 0)),
            ("P2 2 1 100 11  ", .badSample(index: 1)),
            ("P1 2 1 12", .badSample(index: 1)),
            ("P4 9 1\nx", .endsEarly),
            ("P7\nWIDTH 1\nHEIGHT 1\nDEPTH 5\nMAXVAL 255\nENDHDR\nxxxxx", .badHeader(field: "depth")),
            (
                "P7\nWIDTH 1\nHEIGHT 1\nDEPTH 4\nMAXVAL 255\nTUPLTYPE CMYK\nENDHDR\nxxxx",
                .badHeader(field: "tuple type")
            ),
            ("P7\nWIDTH 1\nHEIGHT 1\n", .badHeader(field: "end (ENDHDR)")),
        ])
    func refuses(text: String, error: ImageError) {
        #expect(throws: error) { try Image(parsing: Array(text.utf8)) }
    }
}
