import CSRDKernels

/// A 3×3 layer's weights as Winograd's F(2×4, 3×3) multiplies them, for `conv_pair`. They are five times as large as the packed
/// ones: those of a small layer are kept, those of a large one made anew for each band by the threads that use them.
struct PairWeights {
    /// Output channels, from the first of a block on, whose transformed weights begin at `base`.
    struct Part {
        let firstChannel: Int
        let base: UnsafePointer<Int16>
    }

    private let packed: UnsafePointer<Int8>
    private let packedStride: Int
    private let inputs: UnsafeMutableBufferPointer<Int>
    private let kernels: srd_kernels_s8
    private let kept: UnsafeMutableBufferPointer<Int16>?
    /// Weights from the start of a block to the next.
    private let blockStride: Int

    static func blockCount(inputs: [Int], _ kernels: srd_kernels_s8) -> Int {
        inputs.reduce(0) { $0 + pointStride($1, kernels) * Int(SRD_PAIR_POINTS) }
    }

    private static func pointStride(_ channels: Int, _ kernels: srd_kernels_s8) -> Int {
        channels * Int(kernels.pair_block) + Int(SRD_PAIR_PADDING)
    }

    /// - Parameters:
    ///   - packed: as for `conv_row`; must live as long.
    ///   - packedStride: from a block of that to the next.
    ///   - inputs: channels of each, filled up.
    ///   - outputs: channels whose weights are kept, filled up; nil keeps none.
    init(_ packed: UnsafePointer<Int8>, stride packedStride: Int, inputs: [Int], keeping outputs: Int?, kernels: srd_kernels_s8) {
        self.packed = packed
        self.packedStride = packedStride
        self.inputs = .copy(of: inputs)
        self.kernels = kernels
        blockStride = Self.blockCount(inputs: inputs, kernels)
        let block = Int(kernels.pair_block), blocks = ((outputs ?? 0) + block - 1) / block
        kept = outputs == nil ? nil : .aligned(blocks * blockStride)
        if let kept { transform(blocks: 0..<blocks, to: kept.baseAddress!) }
    }

    func deallocate() {
        kept?.deallocate()
        inputs.deallocate()
    }

    private func transform(blocks: Range<Int>, to place: UnsafeMutablePointer<Int16>) {
        var place = place
        let perBlock = Int(kernels.pair_block / kernels.block)
        for block in blocks {
            var from = packed + block * perBlock * packedStride
            for input in inputs {
                kernels.pair_weights(from, packedStride, Int32(input), place)
                from += 9 * input * Int(kernels.block)
                place += Int(SRD_PAIR_POINTS) * Self.pointStride(input, kernels)
            }
        }
    }

    /// The weights of some output channels, which begin with a block: kept, or made in this thread's own room, where they last
    /// until it makes others.
    func part(_ outputs: Range<Int>) -> Part {
        let block = Int(kernels.pair_block), blocks = outputs.lowerBound / block..<(outputs.upperBound + block - 1) / block
        if let kept {
            precondition(blocks.upperBound * blockStride <= kept.count, "of \(outputs) not all weights are kept")
            return Part(firstChannel: 0, base: UnsafePointer(kept.baseAddress!))
        }
        let room = srd_pair_scratch_s8()!
        precondition(2 * blocks.count * blockStride <= Int(SRD_PAIR_SCRATCH), "weights of \(outputs) have no room")
        transform(blocks: blocks, to: room)
        return Part(firstChannel: outputs.lowerBound, base: UnsafePointer(room))
    }

    /// Computes part of two rows, the upper of which is `row`. `rows` say the rest, biases and scales included.
    func run(
        _ inputs: UnsafeBufferPointer<PackedConvolution.Input>, starts: UnsafeMutableBufferPointer<UnsafeMutableBufferPointer<Int32>>,
        row: Int, _ part: RowPart,
        _ weights: Part, _ rows: (UnsafePointer<srd_conv_row_s8_args>, UnsafePointer<srd_conv_row_s8_args>)
    ) {
        let first = part.channels.lowerBound
        withUnsafeTemporaryAllocation(of: srd_pair_segment_s8.self, capacity: inputs.count) { segments in
            var place = weights.base + (first - weights.firstChannel) / Int(kernels.pair_block) * blockStride
            for (i, input) in inputs.enumerated() {
                func source(_ dy: Int) -> UnsafePointer<srd_code> { input.ring.row(row + dy) + (part.columns.lowerBound - 1) * input.ring.pixel }
                segments.initializeElement(at: i, to: srd_pair_segment_s8(
                    rows: (source(-1), source(0), source(1), source(2)), pixel: input.ring.pixel, channels: Int32(input.ring.pixel),
                    weights: place, start: starts[i].baseAddress! + first, scale: input.scale
                ))
                place += Int(SRD_PAIR_POINTS) * Self.pointStride(input.ring.pixel, kernels)
            }
            var args = srd_conv_pair_s8_args(
                segments: segments.baseAddress, segment_count: Int32(inputs.count), block_stride: blockStride, rows: rows)
            kernels.conv_pair(&args)
        }
    }
}
