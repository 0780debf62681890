import SRDImage
import SRDTensor

/// Measures of the similarity of two images of equal size, with 8 bits and without alpha.
public enum ImageMetrics {
    /// Returns the peak signal-to-noise ratio over all samples in dB, ∞ for equal images.
    public static func psnr(_ a: Image, _ b: Image) -> Double {
        psnr(a.samples.map(Double.init), b.samples.map(Double.init))
    }

    /// Returns the PSNR of the luminance, as super-resolution papers define it: MATLAB's `rgb2ycbcr` (16…235, not
    /// rounded), without `border` pixels on each side.
    public static func psnrOfLuminance(_ a: Image, _ b: Image, border: Int) -> Double {
        func inner(_ image: Image) -> [Double] {
            precondition(image.width > 2 * border && image.height > 2 * border, "a border of \(border) leaves nothing")
            return (border..<image.height - border).flatMap { y in
                (border..<image.width - border).map { x in image.luminance(x, y) }
            }
        }
        return psnr(inner(a), inner(b))
    }

    /// Returns the PSNR of `image`, downscaled again (MATLAB's bicubic, rounded to 8 bits), against the low-resolution
    /// image that it was made from.
    public static func lowResolutionPSNR(of image: Image, from low: Image) -> Double {
        psnr(image.resized(width: low.width, height: low.height), low)
    }

    /// Returns how much the samples of one input differ (`SampleStatistics.sigma`), or nil for fewer than two.
    public static func diversity(_ samples: [Image]) -> Double? {
        guard samples.count > 1 else { return nil }
        var statistics = SampleStatistics(samples[0])
        for image in samples.dropFirst() { statistics.add(image) }
        return statistics.sigma
    }

    /// Returns the mean squared difference over all samples.
    public static func meanSquare(_ a: Image, _ b: Image) -> Double {
        precondition(a.samples.count == b.samples.count)
        return zip(a.samples, b.samples).reduce(0.0) {
            $0 + (Double($1.0) - Double($1.1)) * (Double($1.0) - Double($1.1))
        } / Double(a.samples.count)
    }

    /// Returns 10 · lg(255² / mean squared difference).
    static func psnr(_ a: [Double], _ b: [Double]) -> Double {
        precondition(a.count == b.count && !a.isEmpty, "images of \(a.count) and \(b.count) samples")
        var sum = 0.0
        for i in a.indices { sum += (a[i] - b[i]) * (a[i] - b[i]) }
        return decibels(255 * 255 * Double(a.count) / sum)
    }
}

/// Returns 10 · lg(ratio), which is ∞ for ∞ and −∞ for 0.
public func decibels(_ ratio: Double) -> Double {
    guard ratio.isFinite, ratio > 0 else { return ratio > 0 ? .infinity : -.infinity }
    return 10 * Mathematics.log(ratio) / Mathematics.log(10)
}

/// The ratio of a signal's power to that of its error, accumulated piece by piece.
public struct SignalToNoise: Equatable, Sendable {
    public private(set) var signal = 0.0
    public private(set) var noise = 0.0

    public init() {}

    public mutating func add(_ found: [Float], expected: [Float]) {
        precondition(found.count == expected.count)
        for i in found.indices {
            let e = Double(expected[i]), d = Double(found[i]) - e
            signal += e * e
            noise += d * d
        }
    }

    public mutating func add(_ other: SignalToNoise) {
        signal += other.signal
        noise += other.noise
    }

    /// The ratio in dB, ∞ if there is no error.
    public var decibels: Double { noise == 0 ? .infinity : SRDMetrics.decibels(signal / noise) }
}

extension Image {
    /// Returns the luminance of ITU-R BT.601 as `rgb2ycbcr` scales it: 16…235.
    fileprivate func luminance(_ x: Int, _ y: Int) -> Double {
        let pixel = (y * width + x) * channels
        let red = Double(samples[pixel])
        guard hasColor else { return 16 + red * (65.481 + 128.553 + 24.966) / 255 }
        return 16 + (65.481 * red + 128.553 * Double(samples[pixel + 1]) + 24.966 * Double(samples[pixel + 2])) / 255
    }
}
