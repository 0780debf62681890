import SRDImage
import SRDTensor

/// A convolution with ReLU, and the weight of each of its channels in the distance.
struct LPIPSStage: Sendable {
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

    /// Computes eight channels of four pixels, or fewer at the end of a row. Missing pixels are computed from the last
    /// one and dropped.
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
    /// Creates a feature map whose rows `body` fills in, split over threads.
    init(
        height: Int, width: Int, channels: Int, threads: Int,
        _ body: @Sendable (_ y: Int, _ row: UnsafeMutablePointer<Float>) -> Void
    ) {
        self.init(height: height, width: width, channels: channels)
        values.withUnsafeMutableBufferPointer { values in
            nonisolated(unsafe) let start = values.baseAddress!  // rows do not overlap
            Parallel.ranges(height, threads: threads) { range in
                for y in range { body(y, start + y * width * channels) }
            }
        }
    }

    /// Returns the map with a border of zeros.
    func padded(by border: Int) -> FloatTensor {
        var out = FloatTensor(height: height + 2 * border, width: width + 2 * border, channels: channels)
        for y in 0..<height {
            let start = ((y + border) * out.width + border) * channels, count = width * channels
            out.values.replaceSubrange(start..<start + count, with: values[y * count..<(y + 1) * count])
        }
        return out
    }

    /// Returns the 3×3 max pooling with stride 2.
    func pooled(threads: Int) -> FloatTensor {
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

    /// Returns the map with each pixel's channels divided by their length.
    func normalized(threads: Int) -> FloatTensor {
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
