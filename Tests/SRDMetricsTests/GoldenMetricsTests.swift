import Foundation
import SRDFile
import SRDImage
import SRDMetrics
import SRDTensor
import TestSupport
import Testing

/// Compares with the values of an independent implementation on Set5 and its bicubic upsamples.
@Suite("Golden metrics", .enabled(if: SharedFiles.has("golden/metrics/metrics.json"), SharedFiles.absent))
struct GoldenMetricsTests {
    struct Case: Decodable {
        let hr, distorted: String
        let psnr_rgb, psnr_y_border4, ssim_uniform7, ssim_gaussian11, lpips_alex, lr_psnr: Double
    }

    static let names = ["img_001", "img_002", "img_003", "img_004", "img_005"]

    private func load(_ name: String) throws -> (values: Case, original: Image, found: Image) {
        let json = try Data(contentsOf: SharedFiles.url("golden/metrics/metrics.json"))
        let values = try #require(try JSONDecoder().decode([String: Case].self, from: json)[name])
        func image(_ path: String) throws -> Image {
            try Image(parsing: [UInt8](Data(contentsOf: SharedFiles.url(path))))
        }
        let found = try image("golden/metrics/\(values.distorted)")
        let original = try image("data/set5/\(values.hr)").cropped(width: found.width, height: found.height)
        return (values, original, found)
    }

    @Test("PSNR, SSIM and LR-PSNR equal the golden values", arguments: names)
    func images(name: String) throws {
        let (values, original, found) = try load(name)
        #expect(abs(ImageMetrics.psnr(found, original) - values.psnr_rgb) < 1e-6)
        #expect(abs(ImageMetrics.psnrOfLuminance(found, original, border: 4) - values.psnr_y_border4) < 1e-6)
        let uniform = try #require(StructuralSimilarity.uniform7.mean(found, original, threads: 2))
        #expect(abs(uniform - values.ssim_uniform7) < 1e-6)
        let gaussian = try #require(StructuralSimilarity.gaussian11.mean(found, original, threads: 2))
        #expect(abs(gaussian - values.ssim_gaussian11) < 1e-6)
        // The compared pixels are integers, so only the logarithm's last bit may differ.
        let low = original.resized(by: 1, over: 4)
        #expect(abs(ImageMetrics.lowResolutionPSNR(of: found, from: low) - values.lr_psnr) < 1e-12)
    }

    @Test(
        "LPIPS equals the golden values for every number of threads",
        .enabled(if: SharedFiles.has("lpips/lpips_alex.safetensors"), SharedFiles.absent), arguments: names)
    func lpips(name: String) throws {
        let (values, original, found) = try load(name)
        let file = try Safetensors(path: SharedFiles.path("lpips/lpips_alex.safetensors"))
        let tensors = try file.entries.map { ($0.name, try file.tensor($0.name)) }
        let lpips = try LPIPS(tensors: Dictionary(uniqueKeysWithValues: tensors))
        let one = try #require(lpips.distance(found, original, threads: 1))
        #expect(abs(one - values.lpips_alex) < 1e-4)
        let three = try #require(lpips.distance(found, original, threads: 3))
        #expect(one == three)
    }
}
