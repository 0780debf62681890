import SRDImage
import SRDTensor

/// Weights that are not LPIPS's.
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

/// Learned perceptual distance, version 0.1 with AlexNet (Zhang et al. 2018, arXiv 1801.03924, eq. 1): 0 for equal
/// images, about 0.7 for unlike ones.
public struct LPIPS: Sendable {
    /// Below this AlexNet has nothing left to look at.
    public static let leastSide = 31

    private let stages: [Stage]

    /// From torchvision's `features.{0,3,6,8,10}.{weight,bias}` and the linear layers `lin0…4.weight`; ignores others.
    public init(tensors: [String: FloatTensor]) throws(LPIPSError) {
        func values(_ name: String, _ shape: [Int]) throws(LPIPSError) -> [Float] {
            guard let tensor = tensors[name] else { throw .missing(name: name, expected: shape) }
            guard tensor.shape == shape else { throw .misshapen(name: name, found: tensor.shape, expected: shape) }
            guard tensor.values.allSatisfy(\.isFinite) else { throw .notFinite(name: name) }
            return tensor.values
        }
        let shapes = [(0, 64, 3, 11), (3, 192, 64, 5), (6, 384, 192, 3), (8, 256, 384, 3), (10, 256, 256, 3)]
        var stages: [Stage] = []
        for (i, (layer, out, channels, kernel)) in shapes.enumerated() {
            stages.append(Stage(
                channels: channels, out: out, kernel: kernel, stride: i == 0 ? 4 : 1, padding: i < 2 ? 2 : 1,
                poolsFirst: i == 1 || i == 2,
                weights: try values("features.\(layer).weight", [out, channels, kernel, kernel]),
                bias: try values("features.\(layer).bias", [out]),
                importance: try values("lin\(i).weight", [1, out, 1, 1])))
        }
        self.stages = stages
    }

    /// What AlexNet sees in an image: five maps, each pixel's channels of length 1.
    public struct Features: Sendable {
        fileprivate let maps: [FloatTensor]
    }

    /// nil where a side is below `leastSide`. The image has 8 bits, gray or RGB.
    public func features(of image: Image, threads: Int = 1) -> Features? {
        guard min(image.width, image.height) >= Self.leastSide else { return nil }
        var map = Self.input(image), maps: [FloatTensor] = []
        for stage in stages {
            map = stage.run(stage.poolsFirst ? map.pooled(threads: threads) : map, threads: threads)
            maps.append(map.normalized(threads: threads))
        }
        return Features(maps: maps)
    }

    /// Between images of one size.
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

    /// nil where a side is below `leastSide`.
    public func distance(_ a: Image, _ b: Image, threads: Int = 1) -> Double? {
        guard let a = features(of: a, threads: threads), let b = features(of: b, threads: threads) else { return nil }
        return distance(a, b)
    }

    /// −1…1, then shifted and scaled as the network was trained.
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

/// A convolution with ReLU, and how much each of its channels counts.
private struct Stage: Sendable {
    typealias Block = SIMD8<Float>

    let out: Int
    let importance: [Float]
    let poolsFirst: Bool
    private let kernel, stride, padding: Int
    /// `[block of 8 output channels][ky][kx][in]`
    private let weights: [Block]
    private let bias: [Block]

    init(
        channels: Int, out: Int, kernel: Int, stride: Int, padding: Int, poolsFirst: Bool, weights: [Float],
        bias: [Float], importance: [Float]
    ) {
        let taps = kernel * kernel * channels
        var packed = [Block](repeating: .zero, count: out / 8 * taps)
        var packedBias = [Block](repeating: .zero, count: out / 8)
        for o in 0..<out {
            for i in 0..<channels {
                for tap in 0..<kernel * kernel {
                    let weight = weights[(o * channels + i) * kernel * kernel + tap]
                    packed[o / 8 * taps + tap * channels + i][o % 8] = weight
                }
            }
            packedBias[o / 8][o % 8] = bias[o]
        }
        self.weights = packed
        self.bias = packedBias
        self.out = out
        self.kernel = kernel
        self.stride = stride
        self.padding = padding
        self.poolsFirst = poolsFirst
        self.importance = importance
    }

    func run(_ input: FloatTensor, threads: Int) -> FloatTensor {
        let input = input.padded(by: padding), channels = input.channels
        let height = (input.height - kernel) / stride + 1, width = (input.width - kernel) / stride + 1
        return FloatTensor(height: height, width: width, channels: out, threads: threads) { y, row in
            input.values.withUnsafeBufferPointer { values in
                weights.withUnsafeBufferPointer { weights in
                    let start = values.baseAddress! + y * stride * input.width * channels
                    for block in 0..<out / 8 {
                        let blockWeights = weights.baseAddress! + block * kernel * kernel * channels
                        for x in Swift.stride(from: 0, to: width, by: 4) {
                            tile(
                                start, min(4, width - x), from: x, input.width, channels, blockWeights, bias[block],
                                into: row + block * 8)
                        }
                    }
                }
            }
        }
    }

    /// Eight channels of four pixels, or of the row's last ones; those beyond are computed from the last and dropped.
    @inline(__always)
    private func tile(
        _ rows: UnsafePointer<Float>, _ pixels: Int, from x: Int, _ inputWidth: Int, _ channels: Int,
        _ weights: UnsafePointer<Block>, _ bias: Block, into out: UnsafeMutablePointer<Float>
    ) {
        let step = stride * channels, count = kernel * channels, last = pixels - 1
        let first = rows + x * step
        var sum0 = bias, sum1 = bias, sum2 = bias, sum3 = bias
        for ky in 0..<kernel {
            let p0 = first + ky * inputWidth * channels, w = weights + ky * count
            let p1 = p0 + min(1, last) * step, p2 = p0 + min(2, last) * step, p3 = p0 + last * step
            for j in 0..<count {
                sum0 += w[j] * p0[j]
                sum1 += w[j] * p1[j]
                sum2 += w[j] * p2[j]
                sum3 += w[j] * p3[j]
            }
        }
        for (p, sum) in [sum0, sum1, sum2, sum3].prefix(pixels).enumerated() {
            let positive = sum.replacing(with: 0, where: sum .< 0)
            for lane in 0..<8 { out[(x + p) * self.out + lane] = positive[lane] }
        }
    }
}

extension FloatTensor {
    /// A feature map whose rows `body` fills in, over the threads.
    fileprivate init(
        height: Int, width: Int, channels: Int, threads: Int,
        _ body: @Sendable (_ y: Int, _ row: UnsafeMutablePointer<Float>) -> Void
    ) {
        self.init(height: height, width: width, channels: channels)
        values.withUnsafeMutableBufferPointer { values in
            nonisolated(unsafe) let start = values.baseAddress!      // rows do not overlap
            Parallel.ranges(height, threads: threads) { range in
                for y in range { body(y, start + y * width * channels) }
            }
        }
    }

    /// With a border of zeros.
    fileprivate func padded(by border: Int) -> FloatTensor {
        var out = FloatTensor(height: height + 2 * border, width: width + 2 * border, channels: channels)
        for y in 0..<height {
            let start = ((y + border) * out.width + border) * channels, count = width * channels
            out.values.replaceSubrange(start..<start + count, with: values[y * count..<(y + 1) * count])
        }
        return out
    }

    /// The greatest of 3×3, every second pixel.
    fileprivate func pooled(threads: Int) -> FloatTensor {
        let outWidth = (width - 3) / 2 + 1, outHeight = (height - 3) / 2 + 1
        return FloatTensor(height: outHeight, width: outWidth, channels: channels, threads: threads) { y, row in
            for x in 0..<outWidth {
                for c in 0..<channels {
                    var greatest = -Float.infinity
                    for dy in 0..<3 {
                        for dx in 0..<3 {
                            greatest = max(greatest, values[((2 * y + dy) * width + 2 * x + dx) * channels + c])
                        }
                    }
                    row[x * channels + c] = greatest
                }
            }
        }
    }

    /// Each pixel's channels divided by their length.
    fileprivate func normalized(threads: Int) -> FloatTensor {
        FloatTensor(height: height, width: width, channels: channels, threads: threads) { y, row in
            for x in 0..<width {
                let pixel = (y * width + x) * channels
                var square: Float = 0
                for c in 0..<channels { square += values[pixel + c] * values[pixel + c] }
                let length = square.squareRoot() + 1e-10
                for c in 0..<channels { row[x * channels + c] = values[pixel + c] / length }
            }
        }
    }
}
