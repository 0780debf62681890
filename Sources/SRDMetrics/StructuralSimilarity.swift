import SRDImage
import SRDTensor

/// SSIM (Wang, Bovik, Sheikh, Simoncelli 2004, eq. 13) with K₁ = 0.01 and K₂ = 0.03, averaged over channels and over
/// all positions at which the window is inside the image.
public struct StructuralSimilarity: Sendable {
    /// The window's weights along one axis, which sum to 1.
    private let window: [Double]
    /// The factor from the window's covariance to the estimate: 1, or n/(n − 1).
    private let covarianceGain: Double

    /// The paper's window: Gaussian, 11×11, σ = 1.5.
    public static let gaussian11: StructuralSimilarity = {
        let weights = (-5...5).map { Mathematics.exp(-Double($0 * $0) / (2 * 1.5 * 1.5)) }, sum = weights.reduce(0, +)
        return StructuralSimilarity(window: weights.map { $0 / sum }, covarianceGain: 1)
    }()

    /// A uniform 7×7 window with unbiased covariance: scikit-image's default, which the published results used.
    public static let uniform7 = StructuralSimilarity(
        window: [Double](repeating: 1 / 7, count: 7), covarianceGain: 49.0 / 48)

    /// Returns the mean SSIM, −1…1, or nil if the images are smaller than the window. They must have equal size and
    /// channels, 8 bits and no alpha.
    public func mean(_ a: Image, _ b: Image, threads: Int = 1) -> Double? {
        precondition(
            a.width == b.width && a.height == b.height && a.channels == b.channels, "images of different sizes")
        let rows = a.height - window.count + 1, columns = a.width - window.count + 1
        guard rows > 0, columns > 0 else { return nil }
        var sums = [Double](repeating: 0, count: rows)
        sums.withUnsafeMutableBufferPointer { sums in
            nonisolated(unsafe) let sums = sums  // a row is written once
            Parallel.ranges(rows, threads: threads) { range in
                for y in range { sums[y] = sum(row: y, a, b) }
            }
        }
        return sums.reduce(0, +) / Double(rows * columns * a.channels)
    }

    /// Σ SSIM of the windows whose first row is `y`.
    private func sum(row y: Int, _ a: Image, _ b: Image) -> Double {
        let count = a.width * a.channels, size = window.count, channels = a.channels
        // First the vertical sums of x, y, x², y² and xy of every column.
        var columns = [Double](repeating: 0, count: 5 * count)
        for (tap, weight) in window.enumerated() {
            let start = (y + tap) * count
            for i in 0..<count {
                let p = Double(a.samples[start + i]), q = Double(b.samples[start + i])
                columns[5 * i] += weight * p
                columns[5 * i + 1] += weight * q
                columns[5 * i + 2] += weight * p * p
                columns[5 * i + 3] += weight * q * q
                columns[5 * i + 4] += weight * p * q
            }
        }
        let c1 = 0.01 * 255 * 0.01 * 255, c2 = 0.03 * 255 * 0.03 * 255
        var sum = 0.0
        for i in 0..<count - (size - 1) * channels {
            var x = 0.0, y = 0.0, xx = 0.0, yy = 0.0, xy = 0.0
            for tap in 0..<size {
                let weight = window[tap], column = 5 * (i + tap * channels)
                x += weight * columns[column]
                y += weight * columns[column + 1]
                xx += weight * columns[column + 2]
                yy += weight * columns[column + 3]
                xy += weight * columns[column + 4]
            }
            let variances = covarianceGain * (xx - x * x + (yy - y * y)), covariance = covarianceGain * (xy - x * y)
            sum += (2 * x * y + c1) * (2 * covariance + c2) / ((x * x + y * y + c1) * (variances + c2))
        }
        return sum
    }
}
