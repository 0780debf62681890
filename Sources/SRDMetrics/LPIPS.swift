import SRDImage
import SRDTensor

/// Why tensors are not the weights of LPIPS.
public enum LPIPSError: Error, Equatable, CustomStringConvertible, Sendable {
    case missing(name: String, expected: [Int])
    case misshapen(name: String, found: [Int], expected: [Int])
    case notFinite(name: String)

    public var description: String {
        switch self {
        case .missing(let name, let expected): "not LPIPS weights: tensor `\(name)` of shape \(expected) is missing"
        case .misshapen(let name, let found, let expected):
            "tensor `\(name)` has shape \(found), LPIPS needs \(expected)"
        case .notFinite(let name): "tensor `\(name)` has numbers that are not finite"
        }
    }
}

/// The learned perceptual distance LPIPS, version 0.1 with AlexNet (Zhang et al. 2018, arXiv 1801.03924, eq. 1): 0 for
/// equal images, about 0.7 for unrelated ones.
public struct LPIPS: Sendable {
    /// The smallest side of an image. The last feature map of a smaller one is empty.
    public static let leastSide = 31

    private let stages: [LPIPSStage]

    /// Creates a metric from torchvision's `features.{0,3,6,8,10}.{weight,bias}` and the linear layers `lin0…4.weight`.
    /// Other tensors are ignored.
    public init(tensors: [String: FloatTensor]) throws(LPIPSError) {
        func values(_ name: String, _ shape: [Int]) throws(LPIPSError) -> [Float] {
            guard let tensor = tensors[name] else { throw .missing(name: name, expected: shape) }
            guard tensor.shape == shape else { throw .misshapen(name: name, found: tensor.shape, expected: shape) }
            guard tensor.values.allSatisfy(\.isFinite) else { throw .notFinite(name: name) }
            return tensor.values
        }
        let shapes = [(0, 64, 3, 11), (3, 192, 64, 5), (6, 384, 192, 3), (8, 256, 384, 3), (10, 256, 256, 3)]
        var stages: [LPIPSStage] = []
        for (i, (layer, out, channels, kernel)) in shapes.enumerated() {
            stages.append(
                LPIPSStage(
                    channels: channels, out: out, kernel: kernel, stride: i == 0 ? 4 : 1, padding: i < 2 ? 2 : 1,
                    poolsFirst: i == 1 || i == 2,
                    weights: try values("features.\(layer).weight", [out, channels, kernel, kernel]),
                    bias: try values("features.\(layer).bias", [out]),
                    importance: try values("lin\(i).weight", [1, out, 1, 1])))
        }
        self.stages = stages
    }

    /// AlexNet's features of an image: five maps, in which each pixel's channels are a vector of length 1.
    public struct Features: Sendable {
        fileprivate let maps: [FloatTensor]
    }

    /// Returns an image's features, or nil if a side is below `leastSide`. The image has 8 bits, gray or RGB.
    public func features(of image: Image, threads: Int = 1) -> Features? {
        guard min(image.width, image.height) >= Self.leastSide else { return nil }
        var map = Self.input(image), maps: [FloatTensor] = []
        for stage in stages {
            map = stage.run(stage.poolsFirst ? map.pooled(threads: threads) : map, threads: threads)
            maps.append(map.normalized(threads: threads))
        }
        return Features(maps: maps)
    }

    /// Returns the distance of two images of equal size, given their features.
    public func distance(_ a: Features, _ b: Features) -> Double {
        var sum = 0.0
        for (i, stage) in stages.enumerated() {
            let a = a.maps[i], b = b.maps[i]
            precondition(a.shape == b.shape, "features of \(a.shape) and \(b.shape)")
            var weighted = 0.0
            for pixel in 0..<a.height * a.width {
                var distance: Float = 0
                for channel in 0..<stage.out {
                    let difference = a.values[pixel * stage.out + channel] - b.values[pixel * stage.out + channel]
                    distance += difference * difference * stage.importance[channel]
                }
                weighted += Double(distance)
            }
            sum += weighted / Double(a.height * a.width)
        }
        return sum
    }

    /// Returns the distance of two images of equal size, or nil if a side is below `leastSide`.
    public func distance(_ a: Image, _ b: Image, threads: Int = 1) -> Double? {
        guard let a = features(of: a, threads: threads), let b = features(of: b, threads: threads) else { return nil }
        return distance(a, b)
    }

    /// Returns the network's input: −1…1, then shifted and scaled as in its training.
    private static func input(_ image: Image) -> FloatTensor {
        let shift: [Float] = [-0.030, -0.088, -0.188], scale: [Float] = [0.458, 0.448, 0.450]
        var values: [Float] = []
        values.reserveCapacity(image.width * image.height * 3)
        for pixel in stride(from: 0, to: image.samples.count, by: image.channels) {
            for c in 0..<3 {
                let sample = image.samples[pixel + (image.hasColor ? c : 0)]
                values.append((Float(sample) / 127.5 - 1 - shift[c]) / scale[c])
            }
        }
        return FloatTensor(shape: [image.height, image.width, 3], values: values)
    }
}
