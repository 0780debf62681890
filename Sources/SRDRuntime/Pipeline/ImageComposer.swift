import SRDImage

/// A region of the upscaled image while its rows are made. It gets the low-resolution image's bit depth, gray or
/// colour, its alpha (bicubic) and its metadata.
struct ImageComposer {
    private let region: ResultRegion
    private let image: Image
    private let bicubic: BicubicRows
    private let alpha: Image?
    private let scale, threads: Int
    private var samples: [UInt16]

    /// The rows to make.
    var rows: Range<Int> { region.rows }

    /// - Parameters:
    ///   - image: the low-resolution image.
    ///   - bicubic: the bicubic upsample of its padded form.
    ///   - region: the part of its upsample to make.
    init(_ image: Image, _ bicubic: BicubicRows, region: ResultRegion, scale: Int, threads: Int) {
        self.image = image
        self.bicubic = bicubic
        self.region = region
        self.scale = scale
        self.threads = threads
        alpha = image.alphaChannel?.resized(by: scale)
        samples = [UInt16](repeating: 0, count: region.columns.count * region.rows.count * image.channels)
    }

    /// Makes some of `rows` from `row(y, row y of the bicubic upsample)`, both −1…1 and RGB, on several threads.
    mutating func compose(_ wanted: Range<Int>, row: @Sendable (_ y: Int, _ upsampled: [Float]) -> [Float]) {
        let channels = image.channels, hasColor = image.hasColor, rounding = SampleRounding(bitDepth: image.bitDepth)
        let first = region.rows.lowerBound, wanted = wanted.lowerBound - first..<wanted.upperBound - first
        samples.updateRows(wanted, of: region.rows.count, threads: threads) { [bicubic, alpha, region] i, out in
            let y = first + i, values = row(y, Array(bicubic.networkRow(y).prefix(region.columns.upperBound * 3)))
            for x in region.columns {
                let red = values[x * 3], green = values[x * 3 + 1], blue = values[x * 3 + 2]
                let pixel = (x - region.columns.lowerBound) * channels
                if hasColor {
                    out[pixel] = rounding.sample(red)
                    out[pixel + 1] = rounding.sample(green)
                    out[pixel + 2] = rounding.sample(blue)
                } else {
                    out[pixel] = rounding.sample((red + green + blue) / 3)
                }
                if let alpha { out[pixel + channels - 1] = alpha.samples[y * alpha.width + x] }
            }
        }
    }

    /// Returns the image. All its rows must have been made.
    consuming func finished() -> Image {
        var metadata = image.metadata
        metadata.scalePixelDensity(by: Double(scale))
        return Image(
            width: region.columns.count, height: region.rows.count, channels: image.channels, bitDepth: image.bitDepth,
            samples: samples,
            metadata: metadata)
    }
}
