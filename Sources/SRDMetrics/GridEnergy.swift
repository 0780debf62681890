import SRDImage
import SRDTensor

extension ImageMetrics {
    /// The energy of an upsampling grid in dB: the power spectrum at periods of 2 and 4 pixels over that at
    /// neighbouring frequencies, minus the same ratio of the original. 0 for an image with the original's spectrum,
    /// above 0 for one with a grid.
    ///
    /// Networks that upsample by strided layers leave such a grid, and LPIPS hardly sees it. For each axis and period
    /// the spectrum, averaged over the other axis, is compared over three frequencies at the period and up to eight
    /// near it; the result is the mean of the four ratios. The image is gray, without its mean, under a Hann window,
    /// and cropped to multiples of 32 pixels so that both periods fall on a frequency of the discrete Fourier
    /// transform.
    ///
    /// Returns nil if a side is below 32 pixels, or if one of the images has no energy at these frequencies, such as a
    /// flat one.
    public static func gridEnergy(_ found: Image, _ original: Image) -> Double? {
        precondition(found.width == original.width && found.height == original.height, "images of different sizes")
        guard let a = GridSpectrum(found)?.peak, let b = GridSpectrum(original)?.peak, (a - b).isFinite else {
            return nil
        }
        return a - b
    }
}

/// A gray image under a Hann window, and its power at single frequencies.
private struct GridSpectrum {
    let width, height: Int
    /// `[height][width]`
    let values: [Double]

    /// Creates the spectrum, or returns nil if a side is below 32 pixels.
    init?(_ image: Image) {
        let width = image.width / 32 * 32, height = image.height / 32 * 32, colors = image.hasColor ? 3 : 1
        guard width > 0, height > 0 else { return nil }
        var gray: [Double] = []
        gray.reserveCapacity(width * height)
        for y in 0..<height {
            for x in 0..<width {
                let pixel = (y * image.width + x) * image.channels
                let sum = image.samples[pixel..<pixel + colors].reduce(0) { $0 + Int($1) }
                gray.append(Double(sum) / Double(colors))
            }
        }
        let mean = gray.reduce(0, +) / Double(gray.count), columns = Self.hann(width), rows = Self.hann(height)
        for y in 0..<height {
            for x in 0..<width { gray[y * width + x] = (gray[y * width + x] - mean) * rows[y] * columns[x] }
        }
        self.width = width
        self.height = height
        values = gray
    }

    /// The mean ratio, in dB, of the power at both periods along both axes to that of the neighbouring frequencies.
    var peak: Double {
        let ratios = [(count: height, power: verticalPower), (count: width, power: horizontalPower)].flatMap { axis in
            [axis.count / 4, axis.count / 2].map { center in
                let sides =
                    center < axis.count / 2
                    ? [center - 6...center - 3, center + 3...center + 6] : [center - 8...center - 3]
                func mean(_ frequencies: [Int]) -> Double {
                    frequencies.reduce(0) { $0 + axis.power($1) } / Double(frequencies.count)
                }
                return decibels(mean(Array(center - 1...center + 1)) / mean(sides.flatMap { Array($0) }))
            }
        }
        return ratios.reduce(0, +) / Double(ratios.count)
    }

    /// Returns the power at a vertical frequency, averaged over all horizontal ones. By Parseval's theorem that is the
    /// sum over columns of the squared magnitude of the column's Fourier coefficient.
    private func verticalPower(_ frequency: Int) -> Double {
        let waves = Self.waves(height, frequency)
        var real = [Double](repeating: 0, count: width), imaginary = real
        for y in 0..<height {
            for x in 0..<width {
                real[x] += values[y * width + x] * waves[y].cos
                imaginary[x] += values[y * width + x] * waves[y].sin
            }
        }
        return zip(real, imaginary).reduce(0) { $0 + $1.0 * $1.0 + $1.1 * $1.1 }
    }

    /// Returns the power at a horizontal frequency, averaged over all vertical ones.
    private func horizontalPower(_ frequency: Int) -> Double {
        let waves = Self.waves(width, frequency)
        var power = 0.0
        for y in 0..<height {
            var real = 0.0, imaginary = 0.0
            for x in 0..<width {
                real += values[y * width + x] * waves[x].cos
                imaginary += values[y * width + x] * waves[x].sin
            }
            power += real * real + imaginary * imaginary
        }
        return power
    }

    /// Returns sin and cos of 2π · frequency · i / count for every i.
    private static func waves(_ count: Int, _ frequency: Int) -> [(sin: Double, cos: Double)] {
        (0..<count).map { Mathematics.sincos(2 * Double.pi * Double(frequency * $0 % count) / Double(count)) }
    }

    private static func hann(_ count: Int) -> [Double] {
        (0..<count).map { 0.5 - 0.5 * Mathematics.sincos(2 * Double.pi * Double($0) / Double(count - 1)).cos }
    }
}
