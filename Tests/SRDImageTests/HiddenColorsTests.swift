import SRDImage
import TestSupport
import Testing

@Suite("Colors of transparent pixels")
struct HiddenColorsTests {
    /// A disc whose colors are `inside`; where alpha is 0, colors are `outside`.
    private func disc(inside: (Int, Int) -> [UInt16], outside: [UInt16], bitDepth: Int = 8) -> Image {
        var samples: [UInt16] = []
        for y in 0..<40 {
            for x in 0..<40 {
                let isVisible = (x - 20) * (x - 20) + (y - 18) * (y - 18) < 150
                samples += (isVisible ? inside(x, y) : outside) + [isVisible ? bitDepth == 8 ? 255 : 65535 : 0]
            }
        }
        return Image(width: 40, height: 40, channels: 4, bitDepth: bitDepth, samples: samples)
    }

    @Test("a cut-out upscales without a halo", arguments: [8, 16])
    func noHalo(bitDepth: Int) {
        let unit: UInt16 = bitDepth == 8 ? 1 : 257
        let green: [UInt16] = [30 * unit, 140 * unit, 60 * unit]
        let magenta: [UInt16] = [255 * unit, 0, 255 * unit]
        let clean = disc(inside: { _, _ in green }, outside: green, bitDepth: bitDepth).resized(by: 4).flattened()
        let hidden = disc(inside: { _, _ in green }, outside: magenta, bitDepth: bitDepth)
        let halo = greatestDifference(hidden.resized(by: 4).flattened(), clean) / Int(unit)
        let filled = greatestDifference(hidden.withHiddenColorsFilled().resized(by: 4).flattened(), clean) / Int(unit)
        #expect(halo > 20, "the input is worth the test")
        #expect(filled <= 2)
    }

    /// The clean cut-out continues the gradient under the transparent part.
    @Test("a cut-out with a gradient")
    func gradient() {
        func color(_ x: Int, _ y: Int) -> [UInt16] { [UInt16(60 + 3 * x), UInt16(200 - 2 * y), 90] }
        var clean = disc(inside: color, outside: [0, 0, 0])
        for y in 0..<40 {
            for x in 0..<40 {
                clean.samples.replaceSubrange((y * 40 + x) * 4..<(y * 40 + x) * 4 + 3, with: color(x, y))
            }
        }
        let hidden = disc(inside: color, outside: [255, 0, 255])
        let difference = greatestDifference(
            hidden.withHiddenColorsFilled().resized(by: 4).flattened(), clean.resized(by: 4).flattened())
        #expect(difference <= 2)
    }

    @Test func visiblePixelsAndAlphaStay() {
        var random = SeededRandom(seed: seed)
        for channels in [2, 4] {
            var image = randomImage(width: 31, height: 17, channels: channels, bitDepth: 8)
            for pixel in 0..<31 * 17 where Int.random(in: 0..<4, using: &random) > 0 {
                image.samples[pixel * channels + channels - 1] = 0
            }
            let filled = image.withHiddenColorsFilled()
            for pixel in 0..<31 * 17 {
                let range = pixel * channels..<(pixel + 1) * channels
                #expect(filled.samples[range.upperBound - 1] == image.samples[range.upperBound - 1])
                if image.samples[range.upperBound - 1] > 0 { #expect(filled.samples[range] == image.samples[range]) }
            }
            #expect(filled.withHiddenColorsFilled().samples.count == filled.samples.count)
        }
    }

    @Test("one visible pixel anywhere fills all", arguments: [(0, 0), (199, 0), (0, 149), (199, 149), (100, 70)])
    func oneVisiblePixel(x: Int, y: Int) {
        var image = Image(
            width: 200, height: 150, channels: 2, bitDepth: 8, samples: [UInt16](repeating: 0, count: 60000))
        #expect(image.withHiddenColorsFilled() == image, "nothing is visible")
        image.samples[2 * (y * 200 + x)] = 77
        image.samples[2 * (y * 200 + x) + 1] = 1
        let filled = image.withHiddenColorsFilled()
        #expect((0..<30000).allSatisfy { filled.samples[2 * $0] == 77 })
    }

    @Test func othersAreReturnedAsTheyAre() {
        for channels in 1...4 {
            var image = randomImage(width: 4, height: 4, channels: channels, bitDepth: 8)
            if image.hasAlpha {
                for i in stride(from: channels - 1, to: image.samples.count, by: channels) { image.samples[i] |= 1 }
            }
            #expect(image.withHiddenColorsFilled() == image)
        }
    }

    @Test func flattening() {
        let image = Image(width: 3, height: 1, channels: 2, bitDepth: 8, samples: [10, 255, 10, 0, 100, 51])
        #expect(image.flattened().samples == [10, 255, 224])
    }
}

@Suite("EXIF orientation")
struct OrientationTests {
    /// 3×2 pixels as stored, and as they should be seen, for the orientations 1 to 8 (EXIF 2.32, section 4.6.4 A).
    @Test(arguments: [
        (1, 3, [1, 2, 3, 4, 5, 6]), (2, 3, [3, 2, 1, 6, 5, 4]), (3, 3, [6, 5, 4, 3, 2, 1]), (4, 3, [4, 5, 6, 1, 2, 3]),
        (5, 2, [1, 4, 2, 5, 3, 6]), (6, 2, [4, 1, 5, 2, 6, 3]), (7, 2, [6, 3, 5, 2, 4, 1]), (8, 2, [3, 6, 2, 5, 1, 4]),
    ])
    func applied(orientation: Int, width: Int, samples: [Int]) {
        var image = Image(width: 3, height: 2, channels: 1, bitDepth: 8, samples: [1, 2, 3, 4, 5, 6])
        // One SHORT: orientation.
        image.metadata.exif = [
            0x4d, 0x4d, 0, 42, 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, UInt8(orientation), 0, 0, 0, 0, 0, 0,
        ]
        #expect(image.metadata.orientation == orientation)
        let upright = image.withOrientationApplied()
        #expect(upright.width == width && upright.samples == samples.map { UInt16($0) })
        #expect(upright.metadata.orientation == 1)
    }

    @Test func keptInFiles() throws {
        var image = smoothImage(width: 4, height: 3, channels: 3)
        image.metadata.exif = [0x4d, 0x4d, 0, 42, 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0]
        for format in ImageFormat.allCases where format.isAvailable && format.holdsMetadata {
            let read = try Image(parsing: image.encoded(as: format))
            #expect(read.metadata.orientation == 6 && read.width == 4, "\(format)")
        }
        let warnings = try warnings { _ = try image.encoded(as: .pnm, onWarning: $0) }
        #expect(warnings.count == 1 && warnings[0].contains("orientation"))
    }
}
