import ArgumentParser
import SRDiff

/// What low-resolution images go through before they are upscaled, such as `noise:5+jpeg:60`, or `none`. The same image
/// always gives the same result with the same version of the JPEG library.
public struct Degradation: Equatable, ExpressibleByArgument, CustomStringConvertible {
    private enum Step: Equatable {
        /// Gaussian noise with this standard deviation, in 8-bit levels.
        case noise(sigma: Double)
        /// Encoding and decoding as JPEG with this quality; chroma is subsampled up to quality 90.
        case jpeg(quality: Int)
    }

    private let steps: [Step]
    public let description: String

    public init?(argument: String) {
        var steps: [Step] = []
        for part in argument == "none" ? [] : argument.split(separator: "+", omittingEmptySubsequences: false) {
            let pair = part.split(separator: ":", omittingEmptySubsequences: false)
            guard pair.count == 2 else { return nil }
            switch pair[0] {
            case "noise":
                guard let sigma = Double(pair[1]), sigma > 0, sigma <= 255 else { return nil }
                steps.append(.noise(sigma: sigma))
            case "jpeg":
                guard let quality = Int(pair[1]), (1...100).contains(quality) else { return nil }
                steps.append(.jpeg(quality: quality))
            default:
                return nil
            }
        }
        self.steps = steps
        description = argument
    }

    /// Returns the degraded image. Throws if the JPEG library is absent.
    ///
    /// Traps unless the image has 8 bits and no alpha.
    public func applied(to image: Image) throws(ImageError) -> Image {
        precondition(image.bitDepth == 8 && !image.hasAlpha)
        var image = image
        for (i, step) in steps.enumerated() {
            switch step {
            case .noise(let sigma): image = Self.noisy(image, sigma: sigma, draw: UInt32(i))
            case .jpeg(let quality): image = try Self.compressed(image, quality: quality)
            }
        }
        return image
    }

    /// Not a seed that samplers are likely to use: their noise comes from the same generator.
    private static let seed: UInt64 = 0x6465_6772_6164_6531

    private static func noisy(_ image: Image, sigma: Double, draw: UInt32) -> Image {
        var image = image
        let noise = PixelNoise(seed: seed, draw: draw), colors = image.channels
        for y in 0..<image.height {
            let row = noise.row(y, width: image.width)
            for x in 0..<image.width {
                for c in 0..<colors {
                    let i = (y * image.width + x) * colors + c
                    let value = Double(image.samples[i]) + sigma * Double(row[x * 3 + c])
                    image.samples[i] = UInt16(min(max(value, 0), 255).rounded(.toNearestOrEven))
                }
            }
        }
        return image
    }

    private static func compressed(_ image: Image, quality: Int) throws(ImageError) -> Image {
        let file = try image.encoded(as: .jpeg, options: EncodingOptions(quality: quality))
        var result = try Image(parsing: file)
        result.metadata = image.metadata
        return result
    }
}
