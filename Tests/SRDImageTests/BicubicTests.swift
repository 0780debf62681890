import Foundation
import SRDImage
import Testing

@Suite("Bicubic is MATLAB's imresize")
struct BicubicTests {
    @Test(
        "reductions of an 8-bit image, exactly", .enabled(if: Golden.isPresent, "no golden files"),
        arguments: [2, 4, 8])
    func reduction(factor: Int) throws {
        let image = try goldenImage("image_u8")
        let reduced = try goldenImage("u8_down_\(factor)")
        #expect(image.resized(by: 1, over: factor) == reduced)
    }

    /// The golden values are float64; 1e-12 is their rounding over four taps and two axes.
    @Test(
        "upsamples without rounding equal the golden ones", .enabled(if: Golden.isPresent, "no golden files"),
        arguments: [2, 4, 8])
    func enlargement(factor: Int) throws {
        let rows = BicubicRows(try goldenImage("image_u8").cropped(width: 23, height: 16), scaledBy: factor)
        let golden = try Golden.tensor("f64_up_\(factor)", in: Golden.resize)
        #expect([rows.height, rows.width, rows.channels] == golden.shape)
        let expected = golden.bytes.withUnsafeBytes { Array($0.bindMemory(to: Double.self)) }
        #expect(largestDifference(all(rows).map { $0 / 256 }, expected) < 1e-12)
    }

    static let scales = [(1, 1), (2, 1), (3, 2), (4, 3), (7, 3), (2, 3), (3, 7), (1, 3), (1, 50)]

    @Test("any ratio, as its formula says", arguments: scales)
    func anyRatio(numerator: Int, denominator: Int) {
        for (width, height) in [(1, 1), (13, 6), (2, 17)] {
            let image = randomImage(width: width, height: height, channels: 2, bitDepth: 16)
            let rows = BicubicRows(image, scaledBy: numerator, over: denominator)
            let scale = Double(numerator) / Double(denominator)
            #expect(rows.width == Int((Double(width) * scale).rounded(.up)) && rows.channels == 2)
            // 16-bit samples: a double's rounding, 65535 · 2⁻⁵³, times some dozens of operations.
            #expect(largestDifference(all(rows), byFormula(image, rows, scale, scale)) < 1e-8, "SRD_TEST_SEED=\(seed)")
        }
    }

    @Test("to a size, each axis at its own scale")
    func toSize() {
        let image = randomImage(width: 12, height: 5, channels: 1, bitDepth: 8)
        let rows = BicubicRows(image, width: 7, height: 11)
        #expect(rows.width == 7 && rows.height == 11)
        #expect(largestDifference(all(rows), byFormula(image, rows, 7.0 / 12, 11.0 / 5)) < 1e-10)
    }

    @Test("a row does not depend on the rows asked with it")
    func anyRange() {
        let rows = BicubicRows(randomImage(width: 6, height: 7, channels: 3, bitDepth: 8), scaledBy: 4)
        let whole = all(rows), rowCount = rows.width * rows.channels
        var part: [Double] = []
        for start in 0...rows.height {
            for end in start...rows.height {
                rows.rows(start..<end, into: &part)
                #expect(part == Array(whole[start * rowCount..<end * rowCount]), "\(start)..<\(end)")
            }
        }
    }

    @Test("flat stays flat, at the ends of the range too", arguments: [8, 16])
    func flat(bitDepth: Int) {
        let maximum: UInt16 = bitDepth == 8 ? 255 : 65535
        for value in [0, 1, maximum / 2, maximum] {
            let image = Image(
                width: 5, height: 4, channels: 1, bitDepth: bitDepth, samples: [UInt16](repeating: value, count: 20)
            )
            for (numerator, denominator) in Self.scales {
                #expect(image.resized(by: numerator, over: denominator).samples.allSatisfy { $0 == value })
            }
        }
    }

    @Test("an edge overshoots, and is clamped where it is rounded")
    func overshoot() {
        let edge = Image(width: 4, height: 1, channels: 1, bitDepth: 16, samples: [0, 0, 65535, 65535])
        let values = all(BicubicRows(edge, scaledBy: 4))
        #expect(values.contains { $0 < 0 } && values.contains { $0 > 65535 })
        let clamped = values.prefix(16).map { UInt16(min(max($0, 0), 65535).rounded()) }
        #expect(edge.resized(width: 16, height: 1).samples == clamped)
    }

    /// The smaller scale goes first whichever axis it is on, so the axes are alike when the scales differ.
    @Test("turning the image turns the result", arguments: [(3, 5), (20, 5), (3, 20), (13, 8)])
    func turned(width: Int, height: Int) {
        let image = randomImage(width: 9, height: 7, channels: 3, bitDepth: 8)
        #expect(turn(image).resized(width: height, height: width) == turn(image.resized(width: width, height: height)))
    }

    @Test func scaleOneChangesNothing() {
        let image = randomImage(width: 9, height: 7, channels: 4, bitDepth: 16)
        #expect(image.resized(by: 1) == image)
        #expect(image.resized(width: 9, height: 7) == image)
    }

    // MARK: -

    private func goldenImage(_ name: String) throws -> Image {
        let (shape, bytes) = try Golden.tensor(name, in: Golden.resize)
        return Image(
            width: shape[1], height: shape[0], channels: shape[2], bitDepth: 8, samples: bytes.map(UInt16.init))
    }

    private func all(_ rows: BicubicRows) -> [Double] {
        var out: [Double] = []
        rows.rows(0..<rows.height, into: &out)
        return out
    }

    private func largestDifference(_ a: [Double], _ b: [Double]) -> Double {
        a.count == b.count ? zip(a, b).map { abs($0 - $1) }.max() ?? 0 : .infinity
    }

    private func turn(_ image: Image) -> Image {
        let samples = (0..<image.width).flatMap { x in
            (0..<image.height).flatMap { y in
                let start = (y * image.width + x) * image.channels
                return image.samples[start..<start + image.channels]
            }
        }
        return Image(
            width: image.height, height: image.width, channels: image.channels, bitDepth: image.bitDepth,
            samples: samples
        )
    }

    /// The whole sum over both axes, in floating point from the start.
    private func byFormula(_ image: Image, _ rows: BicubicRows, _ scaleX: Double, _ scaleY: Double) -> [Double] {
        func kernel(_ distance: Double) -> Double {
            let x = abs(distance)
            return x <= 1 ? 1.5 * x * x * x - 2.5 * x * x + 1 : x < 2 ? -0.5 * x * x * x + 2.5 * x * x - 4 * x + 2 : 0
        }
        /// `[input]`, with what falls outside added where its mirror image lies.
        func weights(_ place: Int, count: Int, scale: Double) -> [Double] {
            let stretch = min(scale, 1), centre = (Double(place) + 0.5) / scale - 0.5
            var out = [Double](repeating: 0, count: count)
            for i in Int(centre - 3 / stretch)...Int(centre + 3 / stretch) {
                var inside = i
                while !(0..<count).contains(inside) { inside = inside < 0 ? -1 - inside : 2 * count - 1 - inside }
                out[inside] += kernel((Double(i) - centre) * stretch)
            }
            let sum = out.reduce(0, +)
            return out.map { $0 / sum }
        }
        var out: [Double] = []
        for y in 0..<rows.height {
            let down = weights(y, count: image.height, scale: scaleY)
            for x in 0..<rows.width {
                let across = weights(x, count: image.width, scale: scaleX)
                for channel in 0..<image.channels {
                    var sum = 0.0
                    for i in 0..<image.height {
                        for j in 0..<image.width {
                            sum +=
                                down[i] * across[j]
                                * Double(image.samples[(i * image.width + j) * image.channels + channel])
                        }
                    }
                    out.append(sum)
                }
            }
        }
        return out
    }
}
