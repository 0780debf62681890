import SRDImage

/// The upscaled image while its rows are made. It gets the low-resolution image's bit depth, gray or colour, its alpha (bicubic) and its
/// metadata.
struct ImageComposer {
    let width, height: Int
    private let image: Image
    private let rows: BicubicRows
    private let alpha: Image?
    private let scale, threads: Int
    private var samples: [UInt16]

    /// - Parameters:
    ///   - image: the low-resolution image.
    ///   - rows: the bicubic upsample of its padded form.
    init(_ image: Image, _ rows: BicubicRows, scale: Int, threads: Int) {
        self.image = image
        self.rows = rows
        self.scale = scale
        self.threads = threads
        width = image.width * scale
        height = image.height * scale
        alpha = image.alphaChannel?.resized(by: scale)
        samples = [UInt16](repeating: 0, count: width * height * image.channels)
    }

    /// Makes rows from `row(y, row y of the bicubic upsample)`, both −1…1 and RGB, on several threads.
    mutating func compose(_ wanted: Range<Int>, row: @Sendable (_ y: Int, _ upsampled: [Float]) -> [Float]) {
        let width = width, channels = image.channels, hasColor = image.hasColor, rounding = SampleRounding(bitDepth: image.bitDepth)
        samples.updateRows(wanted, of: height, threads: threads) { [rows, alpha] y, out in
            let values = row(y, Array(rows.networkRow(y).prefix(width * 3)))
            for x in 0..<width {
                let red = values[x * 3], green = values[x * 3 + 1], blue = values[x * 3 + 2], pixel = x * channels
                if hasColor {
                    out[pixel] = rounding.sample(red)
                    out[pixel + 1] = rounding.sample(green)
                    out[pixel + 2] = rounding.sample(blue)
                } else {
                    out[pixel] = rounding.sample((red + green + blue) / 3)
                }
                if let alpha { out[pixel + channels - 1] = alpha.samples[y * width + x] }
            }
        }
    }

    /// Returns the image. All its rows must have been made.
    consuming func finished() -> Image {
        var metadata = image.metadata
        metadata.scalePixelDensity(by: Double(scale))
        return Image(
            width: width, height: height, channels: image.channels, bitDepth: image.bitDepth, samples: samples, metadata: metadata)
    }
}
