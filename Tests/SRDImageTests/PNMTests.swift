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

    @Test("files as others write them", arguments: [
        File(text: "P2\n2 1\n255\n0 255\n", channels: 1, bitDepth: 8, samples: [0, 255]),
        File(text: "P2 2 1 255 7 8", channels: 1, bitDepth: 8, samples: [7, 8]),
        File(text: "P2#a\n# b\r2 # c\n1#d\n255 #e\n1#f\n2", channels: 1, bitDepth: 8, samples: [1, 2]),
        File(text: "P3\n1 2\n65535\n1 2 3\n\t65535 5 6\n", channels: 3, bitDepth: 16, samples: [1, 2, 3, 65535, 5, 6]),
        File(text: "P2 4 1 3 0 1 2 3", channels: 1, bitDepth: 8, samples: [0, 85, 170, 255]),
        File(text: "P2 3 1 1023 0 512 1023", channels: 1, bitDepth: 16, samples: [0, 32800, 65535]),
        File(text: "P5\n2 1\n255\n", raster: [35, 10, 99], channels: 1, bitDepth: 8, samples: [35, 10]),  // # and a line end
        File(text: "P5\n# by hand\n1 1\n65535 ", raster: [1, 2], channels: 1, bitDepth: 16, samples: [258]),
        File(text: "P6 1 1 255\n", raster: [1, 2, 3], channels: 3, bitDepth: 8, samples: [1, 2, 3]),
        File(text: "P6 1 1 255# odd\n", raster: [1, 2, 3], channels: 3, bitDepth: 8, samples: [1, 2, 3])
    ])
    func decodes(_ file: File) throws {
        let image = try Image(parsing: file.bytes)
        #expect(image.samples == file.samples)
        #expect(image.channels == file.channels && image.bitDepth == file.bitDepth)
    }

    @Test("damaged files say what is wrong", arguments: [
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
        ("P6 1000000000 1000000000 255\nabc", .tooManyPixels(width: 1_000_000_000, height: 1_000_000_000, limit: 1 << 28)),
        ("P6 16384 16384 255\nabc", .endsEarly),
        ("P3 16384 16384 255\n1 2 3", .endsEarly),
        ("P6 1 1 255\nab", .endsEarly),
        ("P5 1 1 256\na", .endsEarly),
        ("P5 2 1 100\nae", .badSample(index: 1)),
        ("P2 2 1 100 1 101", .badSample(index: 1)),
        ("P2 2 1 100 1 -1", .badSample(index: 1)),
        ("P2 2 1 100 111  ", .badSample(index: 0)),
        ("P2 2 1 100 11  ", .badSample(index: 1))
    ])
    func refuses(text: String, error: ImageError) {
        #expect(throws: error) { try Image(parsing: Array(text.utf8)) }
    }
}
