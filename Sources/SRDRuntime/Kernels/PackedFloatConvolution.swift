import CSRDKernels
import SRDTensor
import SRDModel

/// A float layer's weights in the order that its kernel reads them. Owns its memory.
final class PackedFloatConvolution: @unchecked Sendable {  // written by `init` only
    private let kernels: srd_kernels_f32
    private let taps: UnsafeMutableBufferPointer<LayerTap>
    private let blockStride: Int
    private let weights: UnsafeMutableBufferPointer<Float>
    private let bias: UnsafeMutableBufferPointer<Float>

    /// - Parameter weight: in PyTorch's order.
    init(_ layout: TapLayout, weights weight: [Float], bias: [Float], kernels: srd_kernels_f32) {
        let block = Int(kernels.block), blocks = (bias.count + block - 1) / block
        var offsets: [Int] = [], offset = 0
        for tap in layout.taps {
            offsets.append(offset)
            offset += tap.channels * block
        }
        weights = .allocate(capacity: blocks * offset)
        weights.initialize(repeating: 0)
        for (tap, tapOffset) in zip(layout.taps, offsets) {
            for i in 0..<tap.channels {
                for o in bias.indices {
                    weights[o / block * offset + tapOffset + i * block + o % block] =
                        weight[layout.weightIndex(tap, i, o)]
                }
            }
        }
        self.bias = .copy(of: bias)
        taps = .copy(of: zip(layout.taps, offsets).map { LayerTap($0, offset: $1) })
        self.kernels = kernels
        blockStride = offset
    }

    deinit {
        weights.deallocate()
        taps.deallocate()
        bias.deallocate()
    }

    /// Computes pixels `columns` of a row. `args` holds the epilogue and where the results go; taps and bias are filled
    /// in here.
    func run(
        _ inputs: UnsafeBufferPointer<RowRing<Float>>, stride: Int, inputRow: Int, columns: Range<Int>,
        _ args: inout srd_conv_row_f32_args
    ) {
        withUnsafeTemporaryAllocation(of: srd_tap_f32.self, capacity: taps.count) { kernelTaps in
            for (t, tap) in taps.enumerated() {
                let ring = inputs[tap.input]
                kernelTaps.initializeElement(
                    at: t,
                    to: srd_tap_f32(
                        input: ring.row(inputRow + tap.dy) + (columns.lowerBound * stride + tap.dx) * ring.pixel,
                        pixel: stride * ring.pixel, channels: Int32(tap.channels),
                        weights: weights.baseAddress! + tap.offset
                    ))
            }
            args.taps = UnsafePointer(kernelTaps.baseAddress)
            args.tap_count = Int32(kernelTaps.count)
            args.width = Int32(columns.count)
            args.channels = Int32(bias.count)
            args.block_stride = blockStride
            args.bias = UnsafePointer(bias.baseAddress)
            kernels.conv_row(&args)
        }
    }
}
