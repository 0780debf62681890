import Foundation
import Testing
import SRDModel

@Suite("Noise")
struct NoiseTests {
    @Test("Philox gives its authors' known answers")
    func philox() {
        // Random123's kat_vectors, philox4x32-10.
        #expect(
            PixelNoise.philox(SIMD4(0, 0, 0, 0), key: (0, 0)) == SIMD4(0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8))
        let ones = UInt32.max
        #expect(
            PixelNoise.philox(SIMD4(ones, ones, ones, ones), key: (ones, ones))
                == SIMD4(0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd))
    }

    @Test("normal(word) is the quantile (word + ½) / 2³² of the normal distribution")
    func inverseNormal() {
        var words = (0..<5000).map { UInt32($0) &* 858_993 }
        words += [0, 1, 1 << 31, (1 << 31) - 1, .max]
        for word in words {
            let share = 0.5 * erfc(-Double(PixelNoise.normal(word)) / 2.0.squareRoot())
            let expected = (Double(word) + 0.5) * 0x1p-32
            // Float rounding of a value up to 6.2, and Acklam's 1.2e-9.
            #expect(abs(share - expected) < 1e-7 * max(expected, 1e-3) + 1e-7, "word \(word)")
        }
    }

    @Test("draws are standard normal and differ")
    func moments() {
        let values = (0..<200).flatMap { PixelNoise(seed: 3, draw: 1).row($0, width: 500) }
        let mean = values.reduce(0.0) { $0 + Double($1) } / Double(values.count)
        let variance = values.reduce(0.0) { $0 + Double($1) * Double($1) } / Double(values.count)
        // Six standard errors of 300,000 draws.
        #expect(abs(mean) < 0.011 && abs(variance - 1) < 0.016)
        #expect(PixelNoise(seed: 3, draw: 1).row(0, width: 50) != PixelNoise(seed: 3, draw: 2).row(0, width: 50))
        #expect(PixelNoise(seed: 3, draw: 1).row(0, width: 50) != PixelNoise(seed: 4, draw: 1).row(0, width: 50))
        #expect(
            PixelNoise(seed: 3, draw: 1).row(0, width: 50) != PixelNoise(seed: 3 + 1 << 32, draw: 1).row(0, width: 50))
    }

    @Test("a sampler's noise is the pixel noise, clamped to ±2.5")
    func limited() {
        let noise = PixelNoise(seed: 5, draw: 2), field = NoiseField.pixel(noise)
        let pairs = (0..<40).flatMap { y in zip(noise.row(y, width: 300), field.row(y, width: 300)) }
        #expect(pairs.allSatisfy { $1 == max(-2.5, min(2.5, $0)) })
        let limited = pairs.filter { abs($0.0) > 2.5 }.count
        // 1.24 % of 36,000 values: 447, with a standard deviation of 21.
        #expect((340...560).contains(limited), "\(limited)")
    }

    @Test("a pixel's noise does not depend on the image's width")
    func ofThePixel() {
        let narrow = PixelNoise(seed: 9, draw: 0).row(7, width: 10),
            wide = PixelNoise(seed: 9, draw: 0).row(7, width: 40)
        #expect(narrow == Array(wide.prefix(30)))
    }

    @Test("TorchRandom gives PyTorch's randn for long, short and consecutive draws")
    func torch() {
        // torch 2.13, torch.manual_seed(7): randn(5), randn(20), randn(3).
        var random = TorchRandom(seed: 7)
        expect(random.normal(count: 5), [-0.1467950940, 0.7861412764, 0.9468216300, -1.1143440008, 1.6907901764])
        expect(
            Array(random.normal(count: 20).prefix(6)),
            [0.6094734669, -0.5811337829, 0.0490438677, -0.3204769194, -0.0835282281, -0.0234779324])
        expect(random.normal(count: 3), [-0.8948279023, 1.2798781395, -0.9940662384])
    }

    private func expect(_ found: [Float], _ expected: [Float]) {
        #expect(zip(found, expected).allSatisfy { abs($0 - $1) < 1e-6 }, "\(found)")
    }

    @Test("a row computed in vectors equals the noise of its single words")
    func rowEqualsWords() {
        for y in 0..<200 {
            let width = 100 + y % 9, row = PixelNoise(seed: 0x1234_5678_9abc, draw: 3).row(y, width: width)
            for x in 0..<width {
                let words = PixelNoise.philox(SIMD4(UInt32(x), UInt32(y), 3, 0), key: (0x5678_9abc, 0x1234))
                for c in 0..<3 where row[x * 3 + c] != PixelNoise.normal(words[c]) {
                    Issue.record("pixel \(x), \(y), channel \(c)")
                }
            }
        }
    }
}
