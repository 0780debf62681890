import CSRDKernels
import SRDTensor
import SRDiff

/// A convolution's weights in the order its kernel reads them, and where each part of them looks.
struct PackedConvolution: Sendable {
    /// Reads one input, `dy` rows and `dx` pixels from the output pixel's place.
    struct Tap: Sendable {
        let input, dy, dx, channels: Int
        /// Floats from the start of a block to this tap's weights.
        let offset: Int
    }

    let taps: [Tap]
    private let weights: [Float]       // [block of output channels][tap][channel][channel of the block]
    private let bias: [Float]
    private let blockStride: Int

    /// `weight(tap, i, o)` is the weight of input channel i of a tap for output channel o.
    init(
        taps places: [(input: Int, dy: Int, dx: Int, channels: Int)], bias: [Float], kernels: srd_kernels_f32,
        weight: (_ tap: Int, _ i: Int, _ o: Int) -> Float
    ) {
        let block = Int(kernels.block), blocks = (bias.count + block - 1) / block
        var taps: [Tap] = [], offset = 0
        for place in places {
            taps.append(Tap(input: place.input, dy: place.dy, dx: place.dx, channels: place.channels, offset: offset))
            offset += place.channels * block
        }
        var weights = [Float](repeating: 0, count: blocks * offset)
        for (t, tap) in taps.enumerated() {
            for i in 0..<tap.channels {
                for o in bias.indices {
                    weights[o / block * offset + tap.offset + i * block + o % block] = weight(t, i, o)
                }
            }
        }
        self.taps = taps
        self.weights = weights
        self.bias = bias
        blockStride = offset
    }

    /// A square convolution, PyTorch's weights `[out, Σ in, kernel, kernel]`.
    init(weight: FloatTensor, bias: [Float], inputChannels: [Int], kernels: srd_kernels_f32) {
        let kernel = weight.shape[2], pad = (kernel - 1) / 2, channelsIn = weight.shape[1]
        var places: [(input: Int, dy: Int, dx: Int, channels: Int)] = [], firstChannel: [Int] = []
        for ky in 0..<kernel {
            for kx in 0..<kernel {
                var first = 0
                for (input, channels) in inputChannels.enumerated() {
                    places.append((input, ky - pad, kx - pad, channels))
                    firstChannel.append(first)
                    first += channels
                }
            }
        }
        self.init(taps: places, bias: bias, kernels: kernels) { t, i, o in
            let ky = places[t].dy + pad, kx = places[t].dx + pad
            return weight.values[((o * channelsIn + firstChannel[t] + i) * kernel + ky) * kernel + kx]
        }
    }

    /// One phase of a transposed convolution, PyTorch's weights `[Σ in, out, 2·stride, 2·stride]`: the output pixels
    /// whose row is `py` and column `px` modulo the stride see the same four weights of 2×2 inputs.
    init(
        phase py: Int, _ px: Int, stride: Int, weight: FloatTensor, bias: [Float], inputChannels: [Int],
        kernels: srd_kernels_f32
    ) {
        let size = 2 * stride, channelsOut = weight.shape[1]
        /// Output y = stride · input + k − stride / 2.
        func places(_ phase: Int) -> [(d: Int, k: Int)] {
            let reach = phase + stride / 2
            return [(reach / stride, reach % stride), (reach / stride - 1, reach % stride + stride)]
        }
        var taps: [(input: Int, dy: Int, dx: Int, channels: Int)] = [], origins: [(first: Int, ky: Int, kx: Int)] = []
        for (dy, ky) in places(py) {
            for (dx, kx) in places(px) {
                var first = 0
                for (input, channels) in inputChannels.enumerated() {
                    taps.append((input, dy, dx, channels))
                    origins.append((first, ky, kx))
                    first += channels
                }
            }
        }
        self.init(taps: taps, bias: bias, kernels: kernels) { t, i, o in
            let origin = origins[t]
            return weight.values[(((origin.first + i) * channelsOut + o) * size + origin.ky) * size + origin.kx]
        }
    }

    /// What is added to a row after the activation.
    struct Epilogue {
        var activation = Activation.none
        var gain: Float = 1
        var timeBias: [Float]?
        var residuals: [(map: FeatureMap, gain: Float)] = []
    }

    /// Computes row y of `output`, every `outputStep`-th pixel from `firstPixel` on.
    func run(
        _ inputs: [FeatureMap], stride: Int, row y: Int, inputRow: Int, into output: FeatureMap, firstPixel: Int = 0,
        outputStep: Int = 1, epilogue: Epilogue, kernels: srd_kernels_f32
    ) {
        weights.withUnsafeBufferPointer { weights in
            bias.withUnsafeBufferPointer { bias in
                let taps = self.taps.map { tap in
                    let input = inputs[tap.input]
                    return srd_tap_f32(
                        input: input.row(inputRow + tap.dy) + tap.dx * input.channels, pixel: stride * input.channels,
                        channels: Int32(tap.channels), weights: weights.baseAddress! + tap.offset
                    )
                }
                var args = srd_conv_row_f32_args()
                args.width = Int32(output.width / outputStep)
                args.channels = Int32(output.channels)
                args.block_stride = blockStride
                args.bias = bias.baseAddress
                args.gain = epilogue.gain
                args.activation = epilogue.activation.kernelCode
                args.residual_count = Int32(epilogue.residuals.count)
                if let first = epilogue.residuals.first {
                    args.residual.0 = first.map.row(y)
                    args.residual_gain.0 = first.gain
                }
                if epilogue.residuals.count > 1 {
                    args.residual.1 = epilogue.residuals[1].map.row(y)
                    args.residual_gain.1 = epilogue.residuals[1].gain
                }
                args.output = output.interior(y) + firstPixel * output.channels
                args.output_pixel = outputStep * output.channels
                args.tap_count = Int32(taps.count)
                taps.withUnsafeBufferPointer { taps in
                    args.taps = taps.baseAddress
                    if let timeBias = epilogue.timeBias {
                        timeBias.withUnsafeBufferPointer {
                            args.time_bias = $0.baseAddress
                            kernels.conv_row(&args)
                        }
                    } else {
                        kernels.conv_row(&args)
                    }
                }
            }
        }
    }
}

extension Activation {
    var kernelCode: srd_activation {
        switch self {
        case .none: return SRD_ACTIVATION_NONE
        case .mish: return SRD_ACTIVATION_MISH
        case .leakyReLU: return SRD_ACTIVATION_LEAKY_RELU
        }
    }
}
