import CSRDKernels
import SRDTensor
import SRDModel

/// A convolution's weights in the order its kernel reads them, and where each part of them looks.
struct PackedConvolution: Sendable {
    private let layout: TapLayout
    /// Floats from the start of a block to each tap's weights.
    private let offsets: [Int]
    private let weights: [Float]       // [block of output channels][tap][channel][channel of the block]
    private let bias: [Float]
    private let blockStride: Int

    /// `weight` in PyTorch's order.
    init(_ layout: TapLayout, weight: [Float], bias: [Float], kernels: srd_kernels_f32) {
        let block = Int(kernels.block), blocks = (bias.count + block - 1) / block
        var offsets: [Int] = [], offset = 0
        for tap in layout.taps {
            offsets.append(offset)
            offset += tap.channels * block
        }
        var packed = [Float](repeating: 0, count: blocks * offset)
        for (tap, start) in zip(layout.taps, offsets) {
            for i in 0..<tap.channels {
                for o in bias.indices {
                    packed[o / block * offset + start + i * block + o % block] = weight[layout.weightIndex(tap, i, o)]
                }
            }
        }
        self.layout = layout
        self.offsets = offsets
        self.weights = packed
        self.bias = bias
        blockStride = offset
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
                let taps = zip(layout.taps, offsets).map { tap, offset in
                    let input = inputs[tap.input]
                    return srd_tap_f32(
                        input: input.row(inputRow + tap.dy) + tap.dx * input.channels, pixel: stride * input.channels,
                        channels: Int32(tap.channels), weights: weights.baseAddress! + offset
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
                args.residual_pixel = output.channels
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
