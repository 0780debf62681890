import SRDImage

/// The mean and the standard deviation of images of one size and kind, value by value. Images are added one at a time
/// (Welford 1962), so the memory is 8 bytes per value for any number of images. Alpha contributes to the mean only.
public struct SampleStatistics: Sendable {
    public private(set) var count = 1
    private let width, height, channels, bitDepth: Int
    private let metadata: ImageMetadata
    private var means: [Float]
    /// Σ (v − mean)²
    private var squares: [Float]

    public init(_ image: Image) {
        width = image.width
        height = image.height
        channels = image.channels
        bitDepth = image.bitDepth
        metadata = image.metadata
        means = image.samples.map { Float($0) }
        squares = [Float](repeating: 0, count: means.count)
    }

    /// Adds an image. Traps unless it has the size and kind of the first one.
    public mutating func add(_ image: Image) {
        precondition(image.width == width && image.height == height)
        precondition(image.channels == channels && image.bitDepth == bitDepth)
        count += 1
        let share = Float(count)
        for i in means.indices {
            let value = Float(image.samples[i]), difference = value - means[i]
            means[i] += difference / share
            squares[i] += difference * (value - means[i])
        }
    }

    /// The mean image, with the metadata of the first one.
    public var mean: Image {
        Image(
            width: width, height: height, channels: channels, bitDepth: bitDepth,
            samples: means.map { UInt16($0.rounded(.toNearestOrEven)) }, metadata: metadata)
    }

    /// The standard deviation of each value over the images, averaged over all values, in 8-bit levels (Lugmayr et al.
    /// 2020, SRFlow, sec. 4; Li et al. 2021, SRDiff, sec. 4). 0 for one image.
    public var sigma: Double { perPixel.reduce(0.0) { $0 + Double($1) } / Double(width * height) }

    /// A gray image of σ per pixel, averaged over its colours. Black is 0 and white the largest σ, which `white` gives
    /// in 8-bit levels.
    public var map: (image: Image, white: Double) {
        let perPixel = perPixel, most = perPixel.max() ?? 0
        let samples = perPixel.map { most > 0 ? UInt16(($0 / most * 255).rounded(.toNearestOrEven)) : 0 }
        return (Image(width: width, height: height, channels: 1, bitDepth: 8, samples: samples), Double(most))
    }

    private var perPixel: [Float] {
        let colors = channels >= 3 ? 3 : 1, unit: Float = bitDepth == 8 ? 1 : 257
        return stride(from: 0, to: squares.count, by: channels).map { pixel in
            var sum: Float = 0
            for c in 0..<colors { sum += (squares[pixel + c] / Float(count)).squareRoot() }
            return sum / Float(colors) / unit
        }
    }
}
