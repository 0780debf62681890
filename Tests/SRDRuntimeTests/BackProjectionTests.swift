import SRDImage
import SRDModel
import TestSupport
import Testing

@Suite("Back-projection")
struct BackProjectionTests {
    /// Slow waves between 20 and 80 % of the range, and noise of ±`noise` of it: something like a photograph.
    func image(_ width: Int, _ height: Int, channels: Int, bitDepth: Int, noise: Double, seed: UInt64) -> Image {
        var random = SeededRandom(seed: seed), samples: [UInt16] = []
        let most = bitDepth == 8 ? 255.0 : 65535
        for y in 0..<height {
            for x in 0..<width {
                for c in 0..<channels {
                    let one = Double((x * (c + 1) + 2 * y) % 41 - 20) / 20, other = Double((3 * x + y) % 29 - 14) / 14
                    let value = 0.5 + 0.3 * one * other + Double.random(in: -noise...noise, using: &random)
                    samples.append(UInt16(max(0, min(1, value)) * most))
                }
            }
        }
        return Image(width: width, height: height, channels: channels, bitDepth: bitDepth, samples: samples)
    }

    func worst(_ a: Image, _ b: Image) -> Int { zip(a.samples, b.samples).map { abs(Int($0) - Int($1)) }.max()! }

    static let kinds = [(1, 8), (2, 8), (3, 8), (4, 8), (3, 16), (4, 16)]

    @Test("the result, downscaled again, is the small image; alpha stays", arguments: [2, 4, 8], kinds)
    func agrees(scale: Int, kind: (channels: Int, bitDepth: Int)) {
        let original = image(
            11 * scale, 9 * scale, channels: kind.channels, bitDepth: kind.bitDepth, noise: 0.1, seed: 3)
        let low = original.resized(by: 1, over: scale)
        var guess = low.resized(by: scale)
        guess.samples = zip(guess.samples, original.samples).map { UInt16((Int($0) + Int($1)) / 2) }
        let result = guess.backProjected(onto: low, threads: 2), reduced = result.resized(by: 1, over: scale)
        let colors = low.hasAlpha ? kind.channels - 1 : kind.channels
        let differences = low.samples.indices.filter { $0 % kind.channels < colors }.map { i in
            abs(Int(low.samples[i]) - Int(reduced.samples[i]))
        }
        let before = guess.resized(by: 1, over: scale)
        // Rounding on the way may leave a level here and there.
        let wrong = differences.count { $0 != 0 }
        #expect(differences.max()! <= 1 && wrong * 50 <= differences.count, "\(wrong)")
        #expect(
            zip(low.samples, before.samples).count { $0 != $1 } * 2 > low.samples.count,
            "the guess was right to begin with")
        for i in result.samples.indices where i % kind.channels >= colors {
            #expect(result.samples[i] == guess.samples[i])
        }
    }

    @Test("what agrees already is left as it is")
    func unchanged() {
        let high = image(24, 16, channels: 3, bitDepth: 8, noise: 0.2, seed: 5)
        #expect(high.backProjected(onto: high.resized(by: 1, over: 4), threads: 1) == high)
    }

    @Test("noise that would need more than white comes nearer all the same, for every number of threads")
    func clipped() {
        let low = image(13, 9, channels: 3, bitDepth: 8, noise: 1, seed: 7), guess = low.resized(by: 4)
        let result = guess.backProjected(onto: low, threads: 1)
        #expect(worst(result.resized(by: 1, over: 4), low) < worst(guess.resized(by: 1, over: 4), low))
        #expect(result == guess.backProjected(onto: low, threads: 5))
    }
}
