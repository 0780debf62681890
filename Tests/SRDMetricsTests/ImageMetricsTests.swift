import SRDImage
import SRDMetrics
import SRDTensor
import TestSupport
import Testing

@Suite("Image metrics")
struct ImageMetricsTests {
    private func noise(_ width: Int, _ height: Int, channels: Int = 3, seed: UInt64 = SeededRandom.seed) -> Image {
        var random = SeededRandom(seed: seed)
        return Image(
            width: width, height: height, channels: channels, bitDepth: 8,
            samples: (0..<width * height * channels).map { _ in .random(in: 0...255, using: &random) })
    }

    private func flat(_ value: UInt16, _ width: Int = 12, _ height: Int = 12) -> Image {
        Image(
            width: width, height: height, channels: 3, bitDepth: 8,
            samples: [UInt16](repeating: value, count: width * height * 3))
    }

    @Test("an image has no distance from itself")
    func identity() {
        let image = noise(19, 13), small = image.resized(by: 1, over: 1)
        #expect(ImageMetrics.psnr(image, image) == .infinity)
        #expect(ImageMetrics.psnrOfLuminance(image, image, border: 2) == .infinity)
        #expect(ImageMetrics.lowResolutionPSNR(of: image, from: small) == .infinity)
        #expect(abs(StructuralSimilarity.gaussian11.mean(image, image)! - 1) < 1e-12)
        #expect(abs(StructuralSimilarity.uniform7.mean(image, image)! - 1) < 1e-12)
    }

    @Test(
        "a difference of one level everywhere is 20 · lg 255 dB, and 219 / 255 of a level in luminance"
    )
    func oneCode() {
        let psnr = 48.1308036086791
        #expect(abs(ImageMetrics.psnr(flat(100), flat(101)) - psnr) < 1e-9)
        #expect(abs(ImageMetrics.psnrOfLuminance(flat(100), flat(101), border: 4) - (psnr + 1.3219)) < 1e-3)
    }

    @Test("pixels of the border are ignored")
    func border() {
        var other = noise(20, 20)
        let image = other
        other.samples[0] ^= 255
        #expect(ImageMetrics.psnrOfLuminance(image, other, border: 1) == .infinity)
        #expect(ImageMetrics.psnrOfLuminance(image, other, border: 0) < 60)
    }

    /// Flat images have no variance, so only (2xy + c₁) / (x² + y² + c₁) remains.
    @Test("the SSIM of flat images is its luminance term")
    func flatSSIM() {
        let product: Double = 5000, squares: Double = 12500, expected = (2 * product + 6.5025) / (squares + 6.5025)
        #expect(abs(StructuralSimilarity.gaussian11.mean(flat(100), flat(50))! - expected) < 1e-9)
        #expect(abs(StructuralSimilarity.uniform7.mean(flat(100), flat(50), threads: 3)! - expected) < 1e-9)
    }

    @Test("SSIM is symmetric, does not depend on threads, and is below 1 for different images")
    func symmetry() {
        let a = noise(23, 17), b = noise(23, 17, seed: SeededRandom.seed &+ 1)
        let one = StructuralSimilarity.gaussian11.mean(a, b)!
        #expect(abs(one - StructuralSimilarity.gaussian11.mean(b, a)!) < 1e-12)
        #expect(one == StructuralSimilarity.gaussian11.mean(a, b, threads: 4)!)
        #expect(one < 0.5)
    }

    @Test("an image smaller than the window has no SSIM")
    func small() {
        #expect(StructuralSimilarity.gaussian11.mean(noise(10, 40), noise(10, 40)) == nil)
        #expect(StructuralSimilarity.gaussian11.mean(noise(11, 11), noise(11, 11)) != nil)
        #expect(StructuralSimilarity.uniform7.mean(noise(40, 6), noise(40, 6)) == nil)
    }

    @Test("samples of 0 and 10 have a diversity of 5; one sample has none")
    func diversity() {
        #expect(abs(ImageMetrics.diversity([flat(0), flat(10)])! - 5) < 1e-12)
        #expect(ImageMetrics.diversity([flat(7), flat(7), flat(7)])! == 0)
        #expect(ImageMetrics.diversity([flat(7)]) == nil)
    }
}

@Suite("LPIPS")
struct LPIPSTests {
    private static let shapes: [(name: String, shape: [Int])] = [
        ("features.0", [64, 3, 11, 11]), ("features.3", [192, 64, 5, 5]), ("features.6", [384, 192, 3, 3]),
        ("features.8", [256, 384, 3, 3]), ("features.10", [256, 256, 3, 3]),
    ]

    private func tensors() -> [String: FloatTensor] {
        var random = SeededRandom(seed: SeededRandom.seed), tensors: [String: FloatTensor] = [:]
        for (i, (name, shape)) in Self.shapes.enumerated() {
            let spread = (6 / Float(shape[1] * shape[2] * shape[3])).squareRoot()
            tensors["\(name).weight"] = FloatTensor(
                shape: shape,
                values: (0..<shape.reduce(1, *)).map { _ in .random(in: -spread...spread, using: &random) })
            tensors["\(name).bias"] = FloatTensor(shape: [shape[0]])
            tensors["lin\(i).weight"] = FloatTensor(shape: [1, shape[0], 1, 1], repeating: 1)
        }
        return tensors
    }

    private func noise(_ width: Int, _ height: Int, seed: UInt64) -> Image {
        var random = SeededRandom(seed: seed)
        return Image(
            width: width, height: height, channels: 1, bitDepth: 8,
            samples: (0..<width * height).map { _ in .random(in: 0...255, using: &random) })
    }

    @Test(
        "LPIPS is 0 for equal images, else positive, symmetric, equal for gray and its RGB, and nil for small images"
    )
    func laws() throws {
        let lpips = try LPIPS(tensors: tensors())
        let a = noise(35, 41, seed: 1), b = noise(35, 41, seed: 2)
        let color = Image(width: 35, height: 41, channels: 3, bitDepth: 8, samples: a.samples.flatMap { [$0, $0, $0] })
        #expect(lpips.distance(a, a) == 0 && lpips.distance(a, color) == 0)
        #expect(lpips.distance(a, b)! > 0.01)
        #expect(lpips.distance(a, b) == lpips.distance(b, a, threads: 2))
        #expect(lpips.distance(noise(30, 64, seed: 1), noise(30, 64, seed: 2)) == nil)
        #expect(lpips.distance(noise(31, 31, seed: 1), noise(31, 31, seed: 2)) != nil)
    }

    @Test("errors name the tensor that is missing, misshapen or not finite")
    func refused() {
        var tensors = tensors()
        tensors["lin3.weight"] = nil
        #expect(throws: LPIPSError.missing(name: "lin3.weight", expected: [1, 256, 1, 1])) {
            try LPIPS(tensors: tensors)
        }
        tensors["lin3.weight"] = FloatTensor(shape: [1, 255, 1, 1])
        #expect(throws: LPIPSError.misshapen(name: "lin3.weight", found: [1, 255, 1, 1], expected: [1, 256, 1, 1])) {
            try LPIPS(tensors: tensors)
        }
        tensors["lin3.weight"] = FloatTensor(shape: [1, 256, 1, 1], repeating: .nan)
        #expect(throws: LPIPSError.notFinite(name: "lin3.weight")) { try LPIPS(tensors: tensors) }
    }
}
