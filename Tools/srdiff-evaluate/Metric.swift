import ToolSupport

/// A metric of an image. The raw value is its name in conditions, CSV and JSON.
enum Metric: String, CaseIterable {
    case psnr, psnr_y, ssim, ssim_gaussian, lpips, lpips_shift, grid, lr_psnr, psnr_to_reference, sigma, seconds

    var title: String {
        switch self {
        case .psnr: "PSNR"
        case .psnr_y: "PSNR-Y"
        case .ssim: "SSIM 7×7"
        case .ssim_gaussian: "SSIM 11×11"
        case .lpips: "LPIPS"
        case .lpips_shift: "LPIPS shifted"
        case .grid: "grid"
        case .lr_psnr: "LR-PSNR"
        case .psnr_to_reference: "to reference"
        case .sigma: "diversity σ"
        case .seconds: "seconds"
        }
    }

    var explanation: String {
        switch self {
        case .psnr: "dB against the original, RGB, nothing cut off"
        case .psnr_y: "dB of the luminance (BT.601), `scale` pixels cut off each side"
        case .ssim: "RGB, uniform 7×7 window, as the published results"
        case .ssim_gaussian: "RGB, Gaussian 11×11 window (Wang et al. 2004)"
        case .lpips: "perceptual distance (AlexNet 0.1): lower is better"
        case .lpips_shift: "mean LPIPS of four shifts and a resize by 1.5: lower is better"
        case .grid: "dB of energy at periods 2 and 4 px beyond the original's: 0 is best"
        case .lr_psnr: "dB of the result, downscaled again, against what it was made from"
        case .psnr_to_reference: "dB against the reference's image, same noise"
        case .sigma: "standard deviation of a pixel over --samples, in 1/255"
        case .seconds: "to make an image, on this machine"
        }
    }

    static let help =
        "METRICS\n"
        + allCases.map { metric in
            let pad = String(repeating: " ", count: 19 - metric.rawValue.count)
            return "  \(metric.rawValue)\(pad)\(metric.explanation)"
        }.joined(separator: "\n")

    var decimals: Int {
        switch self {
        case .ssim, .ssim_gaussian, .lpips, .lpips_shift: 4
        default: 2
        }
    }

    /// Whether a higher value is better; nil if neither direction is.
    var higherIsBetter: Bool? {
        switch self {
        case .psnr, .psnr_y, .ssim, .ssim_gaussian, .lr_psnr, .psnr_to_reference: true
        case .lpips, .lpips_shift, .grid, .seconds: false
        case .sigma: nil
        }
    }

    func text(_ value: Double, signed: Bool = false) -> String {
        guard value.isFinite else { return value.isNaN ? "–" : value > 0 ? "∞" : "-∞" }
        let text = Text.fixed(value, decimals + (signed ? 1 : 0))
        return signed && value > 0 && text.contains(where: { "123456789".contains($0) }) ? "+" + text : text
    }
}
