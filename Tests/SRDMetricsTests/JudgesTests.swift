import SRDFile
import SRDImage
import SRDMetrics
import SRDTensor
import TestSupport
import Testing

/// Compares the metrics that detect a grid with values of NumPy and Pillow for the same images.
@Suite("Grid energy and shifted LPIPS")
struct JudgesTests {
    /// Returns a ramp with a little noise from a linear congruential generator and, if `marked`, a grid of periods 4
    /// and 2.
    private func image(_ width: Int, _ height: Int, marked: Bool, seed: UInt32) -> Image {
        var state = seed, samples: [UInt16] = []
        for y in 0..<height {
            for x in 0..<width {
                for c in 0..<3 {
                    state = state &* 1_664_525 &+ 1_013_904_223
                    let grid = marked ? (x % 4 == 0 ? 9 : 0) + 5 * (y % 2) : 0
                    samples.append(UInt16(min(255, 60 + x + y + 20 * c + Int(state >> 27) + grid)))
                }
            }
        }
        return Image(width: width, height: height, channels: 3, bitDepth: 8, samples: samples)
    }

    @Test(
        "grid energy equals numpy.fft's",
        arguments: [
            (width: 100, height: 73, marked: 6.171422622376934, other: 0.8382506972270672),
            (width: 64, height: 96, marked: 5.8388005889415115, other: 0.5794427183562063),
        ])
    func gridEnergy(width: Int, height: Int, marked: Double, other: Double) throws {
        let original = image(width, height, marked: false, seed: 1)
        let grid = image(width, height, marked: true, seed: 1), noise = image(width, height, marked: false, seed: 2)
        #expect(abs(try #require(ImageMetrics.gridEnergy(grid, original)) - marked) < 1e-9)
        #expect(abs(try #require(ImageMetrics.gridEnergy(original, grid)) + marked) < 1e-9)
        #expect(abs(try #require(ImageMetrics.gridEnergy(noise, original)) - other) < 1e-9)
        #expect(ImageMetrics.gridEnergy(grid, grid) == 0)
    }

    @Test("gray equals its RGB; small and flat images have no grid energy")
    func gridEnergyOfOthers() throws {
        let gray = image(40, 33, marked: true, seed: 1).converted(channels: 1, bitDepth: 8)
        let plain = image(40, 33, marked: false, seed: 1).converted(channels: 1, bitDepth: 8)
        let energy = try #require(ImageMetrics.gridEnergy(gray, plain))
        let colors = try #require(
            ImageMetrics.gridEnergy(
                gray.converted(channels: 3, bitDepth: 8), plain.converted(channels: 3, bitDepth: 8)))
        #expect(abs(energy - colors) < 1e-9 && energy > 1)
        let small = image(31, 64, marked: true, seed: 1)
        #expect(ImageMetrics.gridEnergy(small, small) == nil)
        let flat = Image(
            width: 40, height: 33, channels: 1, bitDepth: 8, samples: [UInt16](repeating: 9, count: 40 * 33))
        #expect(ImageMetrics.gridEnergy(gray, flat) == nil && ImageMetrics.gridEnergy(flat, gray) == nil)
    }

    /// Pillow resizes with the same kernel but in fixed point, horizontally first, and treats borders differently:
    /// single pixels differ by a few levels, LPIPS by less than 1 % here.
    @Test(
        "shifted LPIPS equals Pillow and PyTorch within 1 %",
        .enabled(if: SharedFiles.has("lpips/lpips_alex.safetensors"), SharedFiles.absent),
        arguments: [
            (
                width: 100, height: 73, marked: 0.08472801074385643, other: 0.04335595369338989,
                plain: 0.024901848286390305
            ),
            (
                width: 64, height: 96, marked: 0.08261096440255641, other: 0.03451012298464775,
                plain: 0.022037390619516373
            ),
        ])
    func shiftedLPIPS(width: Int, height: Int, marked: Double, other: Double, plain: Double) throws {
        let file = try Safetensors(path: SharedFiles.path("lpips/lpips_alex.safetensors"))
        let tensors = try file.entries.map { ($0.name, try file.tensor($0.name)) }
        let lpips = try LPIPS(tensors: Dictionary(uniqueKeysWithValues: tensors))
        let original = image(width, height, marked: false, seed: 1)
        let seen = try #require(lpips.shiftedFeatures(of: original, threads: 2))
        func shifted(_ image: Image) throws -> Double {
            lpips.distance(seen, try #require(lpips.shiftedFeatures(of: image)))
        }
        #expect(abs(try shifted(image(width, height, marked: true, seed: 1)) / marked - 1) < 0.01)
        #expect(abs(try shifted(image(width, height, marked: false, seed: 2)) / other - 1) < 0.01)
        #expect(try shifted(original) == 0)
        // Plain LPIPS hardly reacts to a grid that is aligned to its stride.
        let distance = try #require(lpips.distance(original, image(width, height, marked: true, seed: 1)))
        #expect(abs(distance - plain) < 1e-4)
        #expect(lpips.shiftedFeatures(of: image(38, 64, marked: false, seed: 1)) == nil)
        #expect(lpips.shiftedFeatures(of: image(39, 39, marked: false, seed: 1)) != nil)
    }
}
