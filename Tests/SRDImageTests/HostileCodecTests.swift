import SRDImage
import TestSupport
import Testing

/// Damaged JPEG, WebP and metadata: an error or an image of the announced size, never a trap.
@Suite("Damaged JPEG and WebP files", .enabled(if: Codec.hasJPEG && Codec.hasWebP, Codec.notBoth))
struct HostileCodecTests {
    static let files =
        (Fixture.jpegs + ["phone"]).map { "\($0).jpg" } + (Fixture.webPs + ["animation"]).map { "\($0).webp" }

    /// Also writes the image where that is asked for; it takes ten times as long.
    private func parse(_ file: [UInt8], writes: Bool = true) {
        let header = try? ImageHeader(parsing: file)
        do throws(ImageError) {
            let image = try Image(parsing: file, pixelLimit: 1 << 20)
            #expect(header?.width == image.width && header?.height == image.height)
            _ = image.metadata.texts
            guard writes else { return }
            _ = try? image.resized(by: 2).encoded(as: .jpeg)
            _ = try? image.encoded(as: .webP, options: EncodingOptions(isLossless: true))
            _ = try? image.encoded(as: .png)
        } catch {
            #expect(!error.description.isEmpty)
        }
    }

    @Test("cut off anywhere", arguments: files)
    func prefixes(name: String) throws {
        let file = try Fixture.bytes(name)
        for count in stride(from: 0, to: file.count, by: file.count > 2000 ? 7 : 1) {
            parse(Array(file.prefix(count)), writes: count % 16 == 0)
        }
    }

    @Test("flipped bits", arguments: files)
    func flippedBits(name: String) throws {
        let file = try Fixture.bytes(name)
        var random = SeededRandom(seed: seed)
        for round in 0..<400 {
            var damaged = file
            // Half of the damage goes to the headers.
            let range = Bool.random(using: &random) ? min(file.count, 300) : file.count
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                damaged[Int.random(in: 0..<range, using: &random)] ^= 1 << UInt8.random(in: 0...7, using: &random)
            }
            parse(damaged, writes: round % 16 == 0)
        }
    }

    /// EXIF with any offsets: every operation on it stays inside of its bytes.
    @Test("damaged EXIF")
    func exif() throws {
        let file = try Fixture.bytes("phone.jpg")
        let segment = try #require(Segments(file).first { $0.payload.starts(with: "Exif".utf8) })
        let exif = Array(segment.payload.dropFirst(6))
        var random = SeededRandom(seed: seed)
        var read = 0
        for round in 0..<3000 {
            var damaged = round < exif.count ? Array(exif.prefix(round)) : exif
            if !damaged.isEmpty {
                for _ in 0..<Int.random(in: 1...6, using: &random) {
                    let place = Int.random(in: 0..<min(damaged.count, 600), using: &random)
                    damaged[place] = UInt8.random(in: 0...255, using: &random)
                }
            }
            var image = Image(width: 3, height: 2, channels: 3, bitDepth: 8, samples: [UInt16](repeating: 9, count: 18))
            image.metadata.exif = damaged
            image.metadata.scalePixelDensity(by: 4)
            if image.metadata.orientation != nil { read += 1 }
            let file = try image.withOrientationApplied().encoded(as: .png)
            #expect(try Image(parsing: file).samples.count == 18, "SRD_TEST_SEED=\(seed)")
        }
        #expect(read > 100)
    }

    @Test("random bytes behind every signature")
    func noise() throws {
        let starts: [[UInt8]] = [
            [0xff, 0xd8, 0xff], [0xff, 0xd8, 0xff, 0xe1], [0xff, 0xd8, 0xff, 0xc0, 0, 17, 8, 0, 9, 0, 9, 3],
            Array("RIFF".utf8) + [0xff, 0xff, 0, 0] + Array("WEBPVP8 ".utf8),
            Array("RIFF".utf8) + [0, 9, 0, 0] + Array("WEBPVP8X".utf8),
            Array("RIFF".utf8) + [0, 9, 0, 0] + Array("WEBPVP8L".utf8), [0x89, 0x50, 0x4e, 0x47], Array("P7\n".utf8),
            Array("P4".utf8),
            [0x49, 0x49, 42, 0], [0, 0, 0, 24] + Array("ftyp".utf8), Array("<".utf8), Array("BM".utf8),
        ]
        var random = SeededRandom(seed: seed)
        for start in starts {
            for _ in 0..<300 {
                parse(
                    start
                        + (0..<Int.random(in: 0...200, using: &random)).map { _ in
                            UInt8.random(in: 0...255, using: &random)
                        })
            }
        }
    }
}
