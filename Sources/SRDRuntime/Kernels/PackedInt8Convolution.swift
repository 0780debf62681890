import CSRDKernels
import SRDTensor
import SRDModel

/// An int8 layer's weights in the order that its kernel reads them. Owns its memory.
final class PackedInt8Convolution: @unchecked Sendable {
    // Unchecked: only `init`, and `prepare` while no row is computed, write to it.
    private let kernels: srd_kernels_s8
    private let taps: UnsafeMutableBufferPointer<LayerTap>
    /// The taps of each input.
    private let inputGroups: UnsafeMutableBufferPointer<Range<Int>>
    private let blockStride: Int

    private let weights: UnsafeMutableBufferPointer<Int8>
    /// Σ weights per input and output channel, and the zero-point corrections that accumulators start from.
    private let sums, corrections: UnsafeMutableBufferPointer<UnsafeMutableBufferPointer<Int32>>
    private let scales: UnsafeMutableBufferPointer<Float>
    private let bias: UnsafeMutableBufferPointer<Float>
    /// The largest |Σ (quantized value + offset) · weight| that any input and output channel can reach.
    private let largestAccumulator: Int32
    private(set) var winograd: WinogradWeights?

    /// Per-channel vectors are padded with zeros to a multiple of this, the largest block; weights only to the kernels'
    /// own block.
    private static let vectorStep = 64

    /// - Parameter quantized: in PyTorch's order.
    init(
        _ layout: TapLayout, weights quantized: QuantizedWeights, scales: [Float], bias: [Float],
        kernels: srd_kernels_s8
    ) {
        let block = Int(kernels.block), group = Int(kernels.group), channels = bias.count
        let vector = (channels + Self.vectorStep - 1) / Self.vectorStep * Self.vectorStep
        func paddedCopy(_ values: [Float]) -> UnsafeMutableBufferPointer<Float> {
            .copy(of: values + [Float](repeating: 0, count: vector - values.count))
        }
        var offsets: [Int] = [], offset = 0, inputGroups: [Range<Int>] = []
        for (t, tap) in layout.taps.enumerated() {
            offsets.append(offset)
            offset += paddedChannels(tap.channels) * block
            if tap.input == inputGroups.count {
                inputGroups.append(t..<t + 1)
            } else {
                inputGroups[tap.input] = inputGroups[tap.input].lowerBound..<t + 1
            }
        }
        let weightStep = max(block, Int(kernels.winograd_block))
        weights = .aligned((paddedChannels(channels) + weightStep - 1) / weightStep * weightStep / block * offset)
        weights.initialize(repeating: 0)
        func vectors() -> UnsafeMutableBufferPointer<UnsafeMutableBufferPointer<Int32>> {
            .copy(of: inputGroups.map { _ in .copy(of: [Int32](repeating: 0, count: vector)) })
        }
        sums = vectors()
        corrections = vectors()
        let least = -128 + kernels.offset, most = 127 + kernels.offset
        let packed = weights.baseAddress!, sums = sums
        var largest: Int32 = 0
        quantized.withUnsafeBufferPointer { quantized in
            let tapWeights = zip(layout.taps, offsets).map {
                TapWeights(layout.weightStrides($0), channels: $0.channels, offset: $1)
            }
            for o in 0..<channels {
                let first = packed + o / block * offset + o % block * group
                for (input, range) in inputGroups.enumerated() {
                    var sum = WeightSum()
                    for tap in tapWeights[range] { sum += tap.pack(quantized, output: o, to: first, block, group) }
                    sums[input][o] = sum.total
                    largest = max(
                        largest, sum.positive * most + sum.negative * least,
                        -(sum.positive * least + sum.negative * most))
                }
            }
        }
        largestAccumulator = largest
        taps = .copy(of: zip(layout.taps, offsets).map { LayerTap($0, offset: $1) })
        self.kernels = kernels
        self.inputGroups = .copy(of: inputGroups)
        blockStride = offset
        self.scales = paddedCopy(scales)
        self.bias = paddedCopy(bias)
    }

    deinit {
        weights.deallocate()
        winograd?.deallocate()
        taps.deallocate()
        inputGroups.deallocate()
        for vectors in [sums, corrections] {
            vectors.forEach { $0.deallocate() }
            vectors.deallocate()
        }
        scales.deallocate()
        bias.deallocate()
    }

    /// Sets the zero-point corrections from each input's zero point.
    func prepare(zeroPoints: [Int8]) {
        for (input, zeroPoint) in zeroPoints.enumerated() {
            let offset = Int32(zeroPoint) + kernels.offset
            for o in sums[input].indices { corrections[input][o] = -offset * sums[input][o] }
        }
    }

    /// Makes `runWinograd` possible for a 3×3 layer of stride 1. Returns false if its accumulators could overflow.
    func prepareWinograd() -> Bool {
        guard largestAccumulator <= SRD_WINOGRAD_LARGEST_SUM else { return false }
        if winograd == nil {
            let inputs = inputGroups.map { paddedChannels(taps[$0.lowerBound].channels) }
            winograd = WinogradWeights(
                UnsafePointer(weights.baseAddress!), stride: blockStride, inputs: inputs, kernels: kernels)
        }
        return true
    }

    /// An input's rows and scale.
    struct Input {
        let ring: RowRing<srd_quantized>
        let scale: Float
    }

    /// Computes part of a row. `args` holds the epilogue for channel 0 and where its results go; the layer's own data
    /// is filled in here.
    func run(
        _ inputs: UnsafeBufferPointer<Input>, stride: Int, inputRow: Int, _ part: RowPart,
        _ args: inout srd_conv_row_s8_args
    ) {
        let first = part.channels.lowerBound
        withUnsafeTemporaryAllocation(of: srd_tap_s8.self, capacity: taps.count) { kernelTaps in
            for (t, tap) in taps.enumerated() {
                let ring = inputs[tap.input].ring
                kernelTaps.initializeElement(
                    at: t,
                    to: srd_tap_s8(
                        input: ring.row(inputRow + tap.dy) + (part.columns.lowerBound * stride + tap.dx) * ring.pixel,
                        pixel: stride * ring.pixel, channels: Int32(ring.pixel),
                        weights: weights.baseAddress! + first / Int(kernels.block) * blockStride + tap.offset
                    ))
            }
            withUnsafeTemporaryAllocation(of: srd_input_group_s8.self, capacity: inputGroups.count) { groups in
                for (i, range) in inputGroups.enumerated() {
                    groups.initializeElement(
                        at: i,
                        to: srd_input_group_s8(
                            taps: kernelTaps.baseAddress! + range.lowerBound, tap_count: Int32(range.count),
                            correction: corrections[i].baseAddress! + first, scale: inputs[i].scale
                        ))
                }
                complete(&args, part)
                args.input_groups = UnsafePointer(groups.baseAddress)
                args.input_group_count = Int32(groups.count)
                args.block_stride = blockStride
                kernels.conv_row(&args)
            }
        }
    }

    /// Computes part of up to `SRD_WINOGRAD_ROWS` rows from `firstRow` on, with transformed weights. `rows` holds one
    /// `args` per row, as for `run`.
    func runWinograd(
        _ inputs: UnsafeBufferPointer<Input>, firstRow: Int, _ part: RowPart, _ weights: UnsafePointer<Int16>,
        _ rows: UnsafeMutableBufferPointer<srd_conv_row_s8_args>
    ) {
        for i in rows.indices { complete(&rows[i], part) }
        winograd!.run(inputs, corrections: corrections, firstRow: firstRow, part, weights, UnsafeBufferPointer(rows))
    }

    /// Fills in the layer's own data and advances to the part's first channel.
    private func complete(_ args: inout srd_conv_row_s8_args, _ part: RowPart) {
        let first = part.channels.lowerBound
        args.width = Int32(part.columns.count)
        args.channels = Int32(part.channels.count)
        args.weight_scale = UnsafePointer(scales.baseAddress! + first)
        args.bias = UnsafePointer(bias.baseAddress! + first)
        args.time_bias = args.time_bias.map { $0 + first }
        args.quantized = args.quantized.map { $0 + first }
        args.floats = args.floats.map { $0 + first }
        func advance(_ residual: inout srd_residual_s8) {
            residual.quantized = residual.quantized.map { $0 + first }
            residual.floats = residual.floats.map { $0 + first }
        }
        advance(&args.residual.0)
        advance(&args.residual.1)
    }
}
