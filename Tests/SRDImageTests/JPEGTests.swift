import SRDImage
import TestSupport
import Testing

@Suite("JPEG", .enabled(if: Codec.hasJPEG, Codec.noJPEG))
struct JPEGTests {
    @Test("pixels equal djpeg's", arguments: Fixture.jpegs)
    func decodes(name: String) throws {
        let file = try Fixture.bytes("\(name).jpg")
        let expected = try Fixture.expected(name)
        let image = try Image(parsing: file)
        #expect(image.samples == expected.samples && image.channels == expected.channels)
        let header = try ImageHeader(parsing: file)
        #expect(header.format == .jpeg && header.isLossy && header.bitDepth == 8)
        #expect(header.width == image.width && header.height == image.height && header.channels == image.channels)
    }

    @Test("CMYK is converted with a warning", arguments: ["cmyk", "ycck"])
    func cmyk(name: String) throws {
        let warnings = try warnings { _ = try Image(parsing: Fixture.bytes("\(name).jpg"), onWarning: $0) }
        #expect(warnings.count == 1 && warnings[0].contains("CMYK"))
    }

    @Test("images survive at quality 100", arguments: [1, 3])
    func roundTrip(channels: Int) throws {
        for (width, height) in [(1, 1), (3, 2), (17, 9), (40, 33)] {
            let image = smoothImage(width: width, height: height, channels: channels)
            let read = try Image(parsing: image.encoded(as: .jpeg, options: EncodingOptions(quality: 100)))
            #expect(read.width == width && read.height == height && read.channels == channels)
            #expect(greatestDifference(image, read) <= 3)
        }
    }

    @Test("chroma has full resolution above quality 90", arguments: [(90, 0x22), (91, 0x11), (95, 0x11)])
    func subsampling(quality: Int, expected: UInt8) throws {
        let file = try smoothImage(width: 20, height: 20, channels: 3).encoded(
            as: .jpeg, options: EncodingOptions(quality: quality))
        let frame = try #require(Segments(file).first { $0.marker == 0xc0 })
        #expect(frame.payload[7] == expected)
        #expect(EncodingOptions().quality == 95)
    }

    @Test func sixteenBitsAreRoundedWithAWarning() throws {
        let image = smoothImage(width: 8, height: 8, channels: 3, bitDepth: 16)
        let warnings = try warnings { report in
            let read = try Image(
                parsing: image.encoded(as: .jpeg, options: EncodingOptions(quality: 100), onWarning: report))
            #expect(greatestDifference(read, image.converted(channels: 3, bitDepth: 8)) <= 3)
        }
        #expect(warnings.count == 1 && warnings[0].contains("16-bit"))
    }

    @Test(arguments: [2, 4])
    func alphaIsNotDroppedSilently(channels: Int) throws {
        let image = smoothImage(width: 4, height: 4, channels: channels)
        #expect(throws: ImageError.alphaNotSupported) { try image.encoded(as: .jpeg) }
        #expect(try Image(parsing: image.flattened().encoded(as: .jpeg)).channels == channels - 1)
    }

    @Test func tooLargeForTheFormat() {
        let image = Image(
            width: 65501, height: 1, channels: 1, bitDepth: 8, samples: [UInt16](repeating: 0, count: 65501))
        let error = ImageError.sizeNotSupported(.jpeg, width: 65501, height: 1)
        #expect(throws: error) { try image.encoded(as: .jpeg) }
        #expect(error.description.contains("65500"))
    }

    @Test func pixelLimitIsExact() throws {
        let file = try Fixture.bytes("420.jpg")
        #expect(try Image(parsing: file, pixelLimit: 37 * 27).width == 37)
        #expect(throws: ImageError.tooManyPixels(width: 37, height: 27, limit: 998)) {
            try Image(parsing: file, pixelLimit: 998)
        }
    }

    @Test("a huge header is checked before memory is allocated")
    func hugeHeader() throws {
        var file = try Fixture.bytes("420.jpg")
        let frame = try #require(Segments(file).first { $0.marker == 0xc0 })
        file.replaceSubrange(frame.start + 5..<frame.start + 9, with: [0xff, 0xff, 0xff, 0xff])
        #expect(throws: ImageError.tooManyPixels(width: 65535, height: 65535, limit: 1 << 28)) {
            try Image(parsing: file)
        }
        #expect(throws: ImageError.tooFewBytes(width: 65535, height: 65535, bytes: file.count)) {
            try Image(parsing: file, pixelLimit: .max)
        }
    }

    @Test func tooManyScans() throws {
        let file = try Fixture.bytes("progressive.jpg")
        let scan = try #require(file.indices.dropLast().first { file[$0] == 0xff && file[$0 + 1] == 0xda })
        let header = Array(file[scan..<scan + 2 + Int(file[scan + 3])])
        var bomb: [UInt8] = Array(file.dropLast(2))
        for _ in 0..<2000 { bomb += header }
        bomb += [0xff, 0xd9]
        #expect(throws: ImageError.self) { try Image(parsing: bomb) }
    }

    @Test("twelve bits, two components and no pixels are named")
    func unsupportedFrames() throws {
        let file = try Fixture.bytes("420.jpg")
        let frame = try #require(Segments(file).first { $0.marker == 0xc0 })
        for (offset, value) in [(4, UInt8(12)), (9, 2)] {
            var damaged = file
            damaged[frame.start + offset] = value
            #expect { try Image(parsing: damaged) } throws: { "\($0)".contains("\(value)") }
            #expect { try ImageHeader(parsing: damaged) } throws: { "\($0)".contains("\(value)") }
        }
        var damaged = file
        damaged.replaceSubrange(frame.start + 5..<frame.start + 7, with: [0, 0])
        #expect { try Image(parsing: damaged) } throws: { "\($0)".contains("37×0") }
    }

    @Test(
        "the decodable part of a file that ends early", arguments: ["444", "progressive", "gray", "ycck", "arithmetic"])
    func endsEarly(name: String) throws {
        let file = try Fixture.bytes("\(name).jpg")
        let whole = try Image(parsing: file)
        var damaged = 0
        var failed = 0
        for count in 3..<file.count - 2 {
            do throws(ImageError) {
                var messages: [String] = []
                let image = try Image(parsing: Array(file.prefix(count))) { messages.append($0) }
                #expect(messages.contains { $0.contains("damaged JPEG") }, "\(count) bytes")
                #expect(image.width == whole.width && image.height == whole.height && image.channels == whole.channels)
                damaged += 1
            } catch {
                failed += 1
            }
        }
        #expect(damaged > 100 && failed > 100)
        let half = try Image(parsing: Array(file.prefix(file.count * 3 / 4)))
        if name == "444" { #expect(half.samples.prefix(37 * 3 * 8) == whole.samples.prefix(37 * 3 * 8)) }
    }
}

@Suite("Codec libraries")
struct CodecLibraryTests {
    @Test("without the library the error names the package", arguments: [ImageFormat.jpeg, .webP])
    func absent(format: ImageFormat) throws {
        let file = try Fixture.bytes(format == .jpeg ? "420.jpg" : "lossy.webp")
        let error = ImageError.codecMissing(format)
        #expect(throws: error) { try Image(parsing: file, codecs: Codec.absent) }
        #expect(throws: error) {
            try smoothImage(width: 2, height: 2, channels: 3).encoded(as: format, codecs: Codec.absent)
        }
        let package = try #require(format.package)
        #expect(error.description.contains(format.name) && error.description.contains(package))
        #expect(!Codec.absent.support(format) && Codec.absent.support(.png))
        #expect(try ImageHeader(parsing: file).width == 37, "headers need no library")
    }

    @Test("a library without the functions counts as absent")
    func wrongLibrary() throws {
        let codecs = CodecLibraries(jpegPath: "libc.so.6", webPPath: "libc.so.6")
        #expect(!codecs.support(.jpeg) && !codecs.support(.webP))
    }
}

/// The marker segments of a JPEG file up to the first scan, read independently of the library.
struct Segments: Sequence, IteratorProtocol {
    let file: [UInt8]
    var position = 2

    init(_ file: [UInt8]) { self.file = file }

    mutating func next() -> (start: Int, marker: UInt8, payload: [UInt8])? {
        guard position + 4 <= file.count, file[position] == 0xff, file[position + 1] != 0xda else { return nil }
        let length = Int(file[position + 2]) << 8 | Int(file[position + 3])
        defer { position += 2 + length }
        return (position, file[position + 1], Array(file[position + 4..<position + 2 + length]))
    }
}
