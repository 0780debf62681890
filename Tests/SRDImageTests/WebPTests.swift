import SRDImage
import TestSupport
import Testing

@Suite("WebP", .enabled(if: Codec.hasWebP, Codec.noWebP))
struct WebPTests {
    @Test("pixels equal dwebp's", arguments: Fixture.webPs)
    func decodes(name: String) throws {
        let file = try Fixture.bytes("\(name).webp")
        let expected = try Fixture.expected(name)
        let image = try Image(parsing: file)
        #expect(image.samples == expected.samples && image.channels == expected.channels)
        let header = try ImageHeader(parsing: file)
        #expect(header.format == .webP && header.isLossy == name.hasPrefix("lossy") && header.bitDepth == 8)
        #expect(header.width == image.width && header.height == image.height && header.channels == image.channels)
    }

    @Test("lossless files hold the same pixels, gray as RGB", arguments: 1...4)
    func lossless(channels: Int) throws {
        for (width, height) in [(1, 1), (3, 2), (17, 9)] {
            var image = randomImage(width: width, height: height, channels: channels, bitDepth: 8)
            if image.hasAlpha {  // the encoder changes colours of transparent pixels
                for i in stride(from: channels - 1, to: image.samples.count, by: channels) { image.samples[i] |= 1 }
            }
            let read = try Image(parsing: image.encoded(as: .webP, options: EncodingOptions(isLossless: true)))
            #expect(
                read == image.converted(channels: channels <= 2 ? channels + 2 : channels, bitDepth: 8),
                "SRD_TEST_SEED=\(seed)")
        }
    }

    @Test("lossy files are close", arguments: [3, 4])
    func lossy(channels: Int) throws {
        let image = smoothImage(width: 40, height: 33, channels: channels)
        let file = try image.encoded(as: .webP, options: EncodingOptions(quality: 100))
        #expect(greatestDifference(try Image(parsing: file), image) <= 8)
        #expect(try ImageHeader(parsing: file).isLossy)
        #expect(try image.encoded(as: .webP, options: EncodingOptions(quality: 10)).count < file.count)
    }

    @Test func sixteenBitsAreRoundedWithAWarning() throws {
        let image = smoothImage(width: 8, height: 8, channels: 3, bitDepth: 16)
        let warnings = try warnings { report in
            let file = try image.encoded(as: .webP, options: EncodingOptions(isLossless: true), onWarning: report)
            #expect(try Image(parsing: file) == image.converted(channels: 3, bitDepth: 8))
        }
        #expect(warnings.count == 1 && warnings[0].contains("16-bit"))
    }

    @Test("the first frame of an animation, at its place on the canvas")
    func animation() throws {
        let file = try Fixture.bytes("animation.webp")
        let warnings = try warnings { report in
            let image = try Image(parsing: file, onWarning: report)
            #expect(image.width == 18 && image.height == 12 && image.channels == 4)
            #expect(image.cropped(width: 6, height: 12).samples.allSatisfy { $0 == 0 })
            let frame = image.cropped(x: 6, y: 4, width: 12, height: 8)
            #expect(stride(from: 3, to: frame.samples.count, by: 4).allSatisfy { frame.samples[$0] == 255 })
        }
        #expect(warnings == ["animated WebP with 2 frames: only the first one is read"])
        let header = try ImageHeader(parsing: file)
        #expect(header.width == 18 && header.height == 12 && header.channels == 4)
    }

    @Test("EXIF, ICC and XMP pass byte for byte")
    func metadata() throws {
        for channels in [3, 4] {
            var image = smoothImage(width: 5, height: 4, channels: channels)
            image.metadata.exif = Array("II".utf8) + [42, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0]
            image.metadata.colorProfile = (0..<101).map { UInt8($0) }
            image.metadata.xmp = Array("<x:xmpmeta><rdf:RDF></rdf:RDF></x:xmpmeta>".utf8)
            for isLossless in [true, false] {
                let read = try Image(
                    parsing: image.encoded(as: .webP, options: EncodingOptions(isLossless: isLossless)))
                #expect(read.metadata.exif == image.metadata.exif)
                #expect(read.metadata.colorProfile == image.metadata.colorProfile)
                #expect(read.metadata.xmp == image.metadata.xmp)
                #expect(read.channels == channels)
            }
        }
    }

    @Test(
        "texts become XMP properties and are read back",
        arguments: ["model=ab seed=0", "Größe ×4 & <模型> \"'", "a\r\nb", ""])
    func texts(text: String) throws {
        let packet = "<?xpacket?><x:xmpmeta><rdf:RDF><a>&amp;</a></rdf:RDF></x:xmpmeta> <?xpacket end='w'?>"
        for xmp in [nil, packet] {
            var image = smoothImage(width: 5, height: 4, channels: 3)
            image.metadata.xmp = xmp.map { Array($0.utf8) }
            image.metadata.addText(keyword: "srdiff", text)
            image.metadata.addText(keyword: "srdiff-seconds", "1.5")
            image.metadata.addText(keyword: "not a name", "x")
            let read = try Image(parsing: image.encoded(as: .webP))
            #expect(
                read.metadata.texts == [
                    ImageText(kind: .xmp, keyword: "srdiff", text: text),
                    ImageText(kind: .xmp, keyword: "srdiff-seconds", text: "1.5"),
                ])
            if xmp != nil {
                let written = String(decoding: try #require(read.metadata.xmp), as: UTF8.self)
                #expect(written.hasPrefix("<?xpacket?><x:xmpmeta><rdf:RDF><a>&amp;</a><rdf:Description"))
                #expect(written.hasSuffix("</rdf:RDF></x:xmpmeta> <?xpacket end='w'?>"))
            }
        }
    }

    @Test func textsWithoutRDFAreDroppedWithAWarning() throws {
        var image = smoothImage(width: 5, height: 4, channels: 3)
        image.metadata.xmp = Array("no XML".utf8)
        image.metadata.addText(keyword: "srdiff", "x")
        let warnings = try warnings { report in
            let read = try Image(parsing: image.encoded(as: .webP, onWarning: report))
            #expect(read.metadata.xmp == image.metadata.xmp)
        }
        #expect(warnings.count == 1)
    }

    @Test("sizes are checked before memory is allocated")
    func hugeHeader() throws {
        let canvas: [UInt8] = [0x10, 0, 0, 0] + [0xff, 0xff, 0xff] + [0xff, 0xff, 0xff]
        let lossless = try Fixture.bytes("lossless.webp").dropFirst(12)
        let chunks = Array("VP8X".utf8) + [10, 0, 0, 0] + canvas + lossless
        let file = Array("RIFF".utf8) + bigEndian(4 + chunks.count, bytes: 4).reversed() + Array("WEBP".utf8) + chunks
        #expect(throws: ImageError.tooManyPixels(width: 1 << 24, height: 1 << 24, limit: 1 << 28)) {
            try Image(parsing: file)
        }
        #expect { try Image(parsing: file, pixelLimit: .max) } throws: { "\($0)".contains("announces") }
    }

    @Test("the decodable part of a file that ends early", arguments: Fixture.webPs)
    func endsEarly(name: String) throws {
        let file = try Fixture.bytes("\(name).webp")
        let whole = try Image(parsing: file)
        var failed = 0
        for count in 12..<file.count - 1 {
            do throws(ImageError) {
                var messages: [String] = []
                let image = try Image(parsing: Array(file.prefix(count))) { messages.append($0) }
                #expect(image.width == whole.width && image.height == whole.height && image.channels == whole.channels)
                if image.samples != whole.samples { #expect(messages.count == 1, "\(count) bytes") }
            } catch {
                failed += 1
            }
        }
        #expect(failed > 30)
    }
}
