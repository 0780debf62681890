import CSRDKernels

/// A 3×3 layer's weights, transformed for Winograd's F(4×4, 3×3), for `conv_winograd`.
///
/// Transformed weights are eight times as large as packed ones. The threads that use them compute them again for each
/// band, which is faster than reading them from memory.
struct WinogradWeights {
    private let packed: UnsafePointer<Int8>
    private let packedStride: Int
    private let inputs: UnsafeMutableBufferPointer<Int>
    private let kernels: srd_kernels_s8
    /// Weights per block.
    private let blockStride: Int

    private static func blockCount(inputs: [Int], _ kernels: srd_kernels_s8) -> Int {
        inputs.reduce(0) { $0 + pointStride($1, kernels) * Int(SRD_WINOGRAD_POINTS) }
    }

    /// The output channels whose transformed weights fit a thread's scratch memory.
    static func channelsPerTransform(inputs: [Int], _ kernels: srd_kernels_s8) -> Int {
        Int(SRD_WINOGRAD_SCRATCH) / (2 * blockCount(inputs: inputs, kernels)) * Int(kernels.winograd_block)
            / RowPart.channelStep * RowPart.channelStep
    }

    private static func pointStride(_ channels: Int, _ kernels: srd_kernels_s8) -> Int {
        channels * Int(kernels.winograd_block) + Int(SRD_WINOGRAD_PADDING)
    }

    /// - Parameters:
    ///   - packed: as for `conv_row`; must live as long.
    ///   - packedStride: from a block of that to the next.
    ///   - inputs: the padded channels of each input.
    init(_ packed: UnsafePointer<Int8>, stride packedStride: Int, inputs: [Int], kernels: srd_kernels_s8) {
        self.packed = packed
        self.packedStride = packedStride
        self.inputs = .copy(of: inputs)
        self.kernels = kernels
        blockStride = Self.blockCount(inputs: inputs, kernels)
    }

    func deallocate() { inputs.deallocate() }

    /// Transforms the weights of some output channels, which start with a block, into this thread's scratch memory.
    /// They are valid until the thread transforms others.
    func transform(_ outputs: Range<Int>) -> UnsafePointer<Int16> {
        let block = Int(kernels.winograd_block), perBlock = block / Int(kernels.block)
        let blocks = outputs.lowerBound / block..<(outputs.upperBound + block - 1) / block
        precondition(
            2 * blocks.count * blockStride <= Int(SRD_WINOGRAD_SCRATCH),
            "the weights of channels \(outputs) exceed the scratch memory")
        let scratch = srd_winograd_scratch_s8()!
        var next = scratch
        for block in blocks {
            var from = packed + block * perBlock * packedStride
            for input in inputs {
                kernels.winograd_weights(from, packedStride, Int32(input), next)
                from += 9 * input * Int(kernels.block)
                next += Int(SRD_WINOGRAD_POINTS) * Self.pointStride(input, kernels)
            }
        }
        return UnsafePointer(scratch)
    }

    /// Computes part of up to `SRD_WINOGRAD_ROWS` rows from `firstRow` on. `rows` holds the complete arguments of each
    /// row.
    func run(
        _ inputs: UnsafeBufferPointer<PackedInt8Convolution.Input>,
        corrections: UnsafeMutableBufferPointer<UnsafeMutableBufferPointer<Int32>>,
        firstRow: Int, _ part: RowPart, _ weights: UnsafePointer<Int16>,
        _ rows: UnsafeBufferPointer<srd_conv_row_s8_args>
    ) {
        let first = part.channels.lowerBound
        withUnsafeTemporaryAllocation(of: srd_winograd_input_s8.self, capacity: inputs.count) { groups in
            var weights = weights
            for (i, input) in inputs.enumerated() {
                // Rows below the last one that is computed do not affect it.
                func source(_ dy: Int) -> UnsafePointer<srd_quantized> {
                    input.ring.row(firstRow + min(dy, rows.count)) + (part.columns.lowerBound - 1) * input.ring.pixel
                }
                groups.initializeElement(
                    at: i,
                    to: srd_winograd_input_s8(
                        rows: (source(-1), source(0), source(1), source(2), source(3), source(4)),
                        pixel: input.ring.pixel,
                        channels: Int32(input.ring.pixel), weights: weights,
                        correction: corrections[i].baseAddress! + first, scale: input.scale
                    ))
                weights += Int(SRD_WINOGRAD_POINTS) * Self.pointStride(input.ring.pixel, kernels)
            }
            func row(_ i: Int) -> UnsafePointer<srd_conv_row_s8_args>? { i < rows.count ? rows.baseAddress! + i : nil }
            var args = srd_conv_winograd_s8_args(
                inputs: groups.baseAddress, input_count: Int32(inputs.count), block_stride: blockStride,
                rows: (row(0), row(1), row(2), row(3)))
            kernels.conv_winograd(&args)
        }
    }
}
