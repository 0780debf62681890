import SRDImage
import TestSupport
import Testing

@Suite("JPEG metadata", .enabled(if: Codec.hasJPEG, Codec.noJPEG))
struct JPEGMetadataTests {
    private func payloads(_ file: [UInt8], _ prefix: String) -> [[UInt8]] {
        Segments(file).filter { $0.payload.starts(with: prefix.utf8) }.map {
            Array($0.payload.dropFirst(prefix.utf8.count))
        }
    }

    @Test("ICC, XMP, IPTC and comments pass byte for byte")
    func passes() throws {
        let file = try Fixture.bytes("phone.jpg")
        let image = try Image(parsing: file)
        let written = try image.resized(by: 2).encoded(as: .jpeg)
        for prefix in ["ICC_PROFILE\0", "http://ns.adobe.com/xap/1.0/\0", "Photoshop 3.0\0", "Made by make.sh"] {
            let before = payloads(file, prefix)
            #expect(before.count == 1 && payloads(written, prefix) == before, "\(prefix)")
        }
        #expect(image.metadata.colorProfile == Array(payloads(file, "ICC_PROFILE\0")[0].dropFirst(2)))
        #expect(image.metadata.xmp == payloads(file, "http://ns.adobe.com/xap/1.0/\0")[0])
    }

    @Test("they pass through PNG and WebP too")
    func passesThroughOthers() throws {
        let image = try Image(parsing: Fixture.bytes("phone.jpg"))
        for format in Codec.hasWebP ? [ImageFormat.png, .webP] : [.png] {
            let read = try Image(parsing: image.encoded(as: format))
            #expect(read.metadata.colorProfile == image.metadata.colorProfile)
            #expect(read.metadata.xmp == image.metadata.xmp)
            let again = try Image(parsing: read.encoded(as: .jpeg))
            #expect(
                again.metadata.xmp == image.metadata.xmp && again.metadata.colorProfile == image.metadata.colorProfile)
            #expect(again.metadata.exif == read.metadata.exif && again.metadata.orientation == 6)
        }
    }

    @Test("EXIF says the new size and resolution, and has no thumbnail")
    func exif() throws {
        let image = try Image(parsing: Fixture.bytes("phone.jpg"))
        let before = try #require(image.metadata.exif)
        for factor in [1, 4] {
            let upscaled = image.resized(by: factor)
            for format in [ImageFormat.jpeg, .png] {
                let read = try Image(parsing: upscaled.encoded(as: format))
                let after = try #require(read.metadata.exif)
                #expect(after.count < before.count, "the thumbnail is cut off")
                let start = String(latin1: after.prefix(200))
                #expect(start.contains("Acme"))
                let tags = try #require(TIFFTags(after))
                #expect(tags[0x010f] == .text("Acme"))
                #expect(tags[0x0112] == .numbers([6]))
                #expect(tags[0x011a] == .numbers([72 * factor, 1]))
                #expect(tags[0xa002] == .numbers([37 * factor]) && tags[0xa003] == .numbers([27 * factor]))
                #expect(tags[0xa20e] == .numbers([2001 * factor, 2]))
                #expect(!tags.hasThumbnail)
                // JFIF holds whole dots per inch, pHYs whole pixels per metre.
                let density = try #require(read.metadata.pixelDensity)
                #expect(density.isPerMetre && density.x == density.y && abs(Int(density.x) - 2835 * factor) <= 1)
            }
        }
        #expect(try #require(TIFFTags(before)).hasThumbnail)
    }

    @Test("large profiles take several segments", arguments: [1, 65519, 65520, 200_000])
    func largeProfile(count: Int) throws {
        var random = SeededRandom(seed: seed)
        var profile = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
        if count > 128 { profile.replaceSubrange(16..<20, with: Array("RGB ".utf8)) }
        var image = smoothImage(width: 4, height: 4, channels: 3)
        image.metadata.colorProfile = profile
        let file = try image.encoded(as: .jpeg)
        #expect(payloads(file, "ICC_PROFILE\0").count == (count + 65518) / 65519)
        #expect(try Image(parsing: file).metadata.colorProfile == profile)

        // Without its last segment the profile is incomplete.
        guard count > 65519, let last = Segments(file).filter({ $0.marker == 0xe2 }).last else { return }
        var damaged = file
        damaged.removeSubrange(last.start..<last.start + 4 + last.payload.count)
        let warnings = try warnings { report in
            let image = try Image(parsing: damaged, onWarning: report)
            #expect(image.metadata.colorProfile == nil)
        }
        #expect(warnings == ["incomplete colour profile dropped"])
    }

    @Test("a profile for other channels is dropped with a warning")
    func unsuitableProfile() throws {
        var profile = [UInt8](repeating: 0, count: 200)
        profile.replaceSubrange(16..<20, with: Array("RGB ".utf8))
        var image = smoothImage(width: 4, height: 4, channels: 1)
        image.metadata.colorProfile = profile
        let warnings = try warnings { report in
            let read = try Image(parsing: image.encoded(as: .jpeg, onWarning: report))
            #expect(read.metadata.colorProfile == nil)
        }
        #expect(warnings.count == 1)
    }

    @Test("texts become comments and are read back", arguments: ["model=ab seed=0", "Größe ×4", "模型: a: b", ""])
    func texts(text: String) throws {
        var image = try Image(parsing: Fixture.bytes("phone.jpg"))
        image.metadata.addText(keyword: "srdiff", text)
        let read = try Image(parsing: image.encoded(as: .jpeg))
        #expect(
            read.metadata.texts == [
                ImageText(kind: .comment, keyword: "Comment", text: "Made by make.sh"),
                ImageText(kind: .comment, keyword: "srdiff", text: text),
            ])
        let png = try Image(parsing: read.encoded(as: .png))
        #expect(png.metadata.texts.contains { $0.keyword == "srdiff" && $0.text == text })
        #expect(png.metadata.texts.contains { $0.keyword == "Comment" && $0.text == "Made by make.sh" })
    }

    @Test("resolutions pass", arguments: [72, 96, 300, 600, 2400])
    func resolution(dotsPerInch: Int) throws {
        var image = smoothImage(width: 4, height: 4, channels: 3)
        let perMetre = UInt32((Double(dotsPerInch) / 0.0254).rounded())
        image.metadata.pixelDensity = PixelDensity(x: perMetre, y: perMetre, isPerMetre: true)
        let file = try image.encoded(as: .jpeg)
        let jfif = try #require(payloads(file, "JFIF\0").first)
        #expect(jfif[2] == 1 && Int(jfif[3]) << 8 | Int(jfif[4]) == dotsPerInch)
        #expect(try Image(parsing: file).metadata.pixelDensity == image.metadata.pixelDensity)
    }

    @Test func resolutionsInOtherUnits() throws {
        var image = smoothImage(width: 4, height: 4, channels: 3)
        for density in [PixelDensity(x: 4700, y: 2300, isPerMetre: true), PixelDensity(x: 2, y: 3, isPerMetre: false)] {
            image.metadata.pixelDensity = density
            #expect(try Image(parsing: image.encoded(as: .jpeg)).metadata.pixelDensity == density)
        }
    }

    @Test func whatASegmentCannotHoldIsDroppedWithAWarning() throws {
        var image = smoothImage(width: 4, height: 4, channels: 3)
        image.metadata.exif = Array("MM".utf8) + [0, 42, 0, 0, 0, 8] + [UInt8](repeating: 0, count: 70_000)
        image.metadata.xmp = [UInt8](repeating: 32, count: 70_000)
        let warnings = try warnings { report in
            let read = try Image(parsing: image.encoded(as: .jpeg, onWarning: report))
            #expect(read.metadata.exif == nil && read.metadata.xmp == nil)
        }
        #expect(warnings.count == 2)
    }

    @Test func emptyMetadataIsStripped() throws {
        var image = try Image(parsing: Fixture.bytes("phone.jpg"))
        image.metadata = ImageMetadata()
        let file = try image.encoded(as: .jpeg)
        #expect(!Segments(file).contains { [0xe1, 0xe2, 0xed, 0xfe].contains($0.marker) })
    }
}

extension String {
    init(latin1 bytes: some Sequence<UInt8>) { self.init(String.UnicodeScalarView(bytes.map { Unicode.Scalar($0) })) }
}
