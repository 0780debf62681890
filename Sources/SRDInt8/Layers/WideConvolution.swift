import CSRDKernels
import SRDTensor
import SRDiff

/// A layer kept in float: the noisy picture's first, the noise's last, and what the converter was told to spare.
final class WideConvolution: @unchecked Sendable {         // written by `init` alone
    private let layout: TapLayout
    private let kernels: srd_kernels_f32
    private let offsets: [Int]
    private let blockStride: Int
    private let weights: UnsafeMutableBufferPointer<Float>
    private let bias: UnsafeMutableBufferPointer<Float>

    init(_ layout: TapLayout, weight: [Float], bias: [Float], kernels: srd_kernels_f32) {
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
                    weights[o / block * offset + tapOffset + i * block + o % block] = weight[layout.weightIndex(tap, i, o)]
                }
            }
        }
        self.bias = .allocate(capacity: bias.count)
        _ = self.bias.initialize(from: bias)
        self.layout = layout
        self.kernels = kernels
        self.offsets = offsets
        blockStride = offset
    }

    deinit {
        weights.deallocate()
        bias.deallocate()
    }

    /// Computes pixels `columns` of a row; `args` already says where the results go and what is added to them.
    func run(
        _ inputs: [RowRing<Float>], stride: Int, inputRow: Int, columns: Range<Int>, _ args: inout srd_conv_row_f32_args
    ) {
        withUnsafeTemporaryAllocation(of: srd_tap_f32.self, capacity: layout.taps.count) { taps in
            for (t, tap) in layout.taps.enumerated() {
                let ring = inputs[tap.input]
                taps.initializeElement(at: t, to: srd_tap_f32(
                    input: ring.row(inputRow + tap.dy) + (columns.lowerBound * stride + tap.dx) * ring.pixel,
                    pixel: stride * ring.pixel, channels: Int32(tap.channels), weights: weights.baseAddress! + offsets[t]
                ))
            }
            args.taps = UnsafePointer(taps.baseAddress)
            args.tap_count = Int32(taps.count)
            args.width = Int32(columns.count)
            args.channels = Int32(bias.count)
            args.block_stride = blockStride
            args.bias = UnsafePointer(bias.baseAddress)
            kernels.conv_row(&args)
        }
    }
}
