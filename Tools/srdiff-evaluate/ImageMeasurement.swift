import SRDiff
import SRDMetrics

/// Measures images against one original, whose LPIPS features are computed once.
struct ImageMeasurement {
    private let pair: ImageSet.Pair
    private let scale, threads: Int
    private let lpips: LPIPS?
    private let features: LPIPS.Features?
    private let shiftedFeatures: LPIPS.ShiftedFeatures?

    init(_ pair: ImageSet.Pair, scale: Int, threads: Int, lpips: LPIPS?) {
        self.pair = pair
        self.scale = scale
        self.threads = threads
        self.lpips = lpips
        features = lpips?.features(of: pair.original, threads: threads)
        shiftedFeatures = lpips?.shiftedFeatures(of: pair.original, threads: threads)
    }

    /// - Parameter reference: the reference's image of the same noise.
    func metrics(of image: Image, reference: Image?) -> [Metric: Double] {
        let original = pair.original
        var values: [Metric: Double] = [
            .psnr: ImageMetrics.psnr(image, original),
            .lr_psnr: ImageMetrics.lowResolutionPSNR(of: image, from: pair.low),
        ]
        if min(original.width, original.height) > 2 * scale {
            values[.psnr_y] = ImageMetrics.psnrOfLuminance(image, original, border: scale)
        }
        values[.ssim] = StructuralSimilarity.uniform7.mean(image, original, threads: threads)
        values[.ssim_gaussian] = StructuralSimilarity.gaussian11.mean(image, original, threads: threads)
        if let lpips, let features, let own = lpips.features(of: image, threads: threads) {
            values[.lpips] = lpips.distance(features, own)
        }
        if let lpips, let shiftedFeatures, let own = lpips.shiftedFeatures(of: image, threads: threads) {
            values[.lpips_shift] = lpips.distance(shiftedFeatures, own)
        }
        values[.grid] = ImageMetrics.gridEnergy(image, original)
        values[.psnr_to_reference] = reference.map { ImageMetrics.psnr(image, $0) }
        return values
    }
}
