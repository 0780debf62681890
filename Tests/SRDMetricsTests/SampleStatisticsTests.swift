import SRDImage
import SRDMetrics
import Testing

@Suite("Statistics over samples")
struct SampleStatisticsTests {
    /// Distinct numbers from a small generator.
    func images(_ count: Int, channels: Int, bitDepth: Int) -> [Image] {
        var state: UInt32 = 1
        return (0..<count).map { _ in
            Image(
                width: 7, height: 5, channels: channels, bitDepth: bitDepth,
                samples: (0..<35 * channels).map { _ in
                    state = state &* 1_664_525 &+ 1_013_904_223
                    return UInt16(state >> (bitDepth == 8 ? 24 : 16))
                })
        }
    }

    func statistics(_ images: [Image]) -> SampleStatistics {
        var statistics = SampleStatistics(images[0])
        for image in images.dropFirst() { statistics.add(image) }
        return statistics
    }

    @Test("mean, σ and its map equal those computed by definition in two passes", arguments: [1, 2, 3, 4], [8, 16])
    func definition(channels: Int, bitDepth: Int) {
        let images = images(9, channels: channels, bitDepth: bitDepth), found = statistics(images)
        let colors = channels >= 3 ? 3 : 1, unit = bitDepth == 8 ? 1.0 : 257
        var perPixel: [Double] = []
        for pixel in 0..<35 {
            var sum = 0.0
            for c in 0..<channels {
                let values = images.map { Double($0.samples[pixel * channels + c]) }, mean = values.reduce(0, +) / 9
                #expect(abs(Double(found.mean.samples[pixel * channels + c]) - mean) <= 0.5 + 1e-2)
                let variance = values.reduce(0.0) { $0 + ($1 - mean) * ($1 - mean) } / 9
                if c < colors { sum += variance.squareRoot() / unit }
            }
            perPixel.append(sum / Double(colors))
        }
        let sigma = perPixel.reduce(0, +) / 35, map = found.map
        #expect(abs(found.sigma - sigma) < 1e-5 * sigma && found.count == 9)
        #expect(abs(map.white - perPixel.max()!) < 1e-5 * map.white && map.image.channels == 1)
        for (code, own) in zip(map.image.samples, perPixel) {
            #expect(abs(Double(code) - own / map.white * 255) <= 0.5 + 1e-3)
        }
    }

    @Test("one image, once or repeatedly, is its own mean and has σ = 0", arguments: [1, 2, 7])
    func identical(count: Int) {
        let image = images(1, channels: 3, bitDepth: 16)[0], found = statistics([Image](repeating: image, count: count))
        #expect(found.mean == image && found.sigma == 0 && found.map.white == 0)
        #expect(found.map.image.samples.allSatisfy { $0 == 0 })
    }
}
