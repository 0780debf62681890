import CSRDKernels
import SRDTensor
import SRDModel

/// An int8 layer's weights in the order its kernel reads them, and where each part of them looks. Owns its memory.
final class PackedConvolution: @unchecked Sendable {       // written before any row runs and by `start`, which none runs beside
    private let kernels: srd_kernels_s8
    private let taps: UnsafeMutableBufferPointer<LayerTap>
    /// The taps of each input.
    private let segments: UnsafeMutableBufferPointer<Range<Int>>
    private let blockStride: Int

    private let weights: UnsafeMutableBufferPointer<Int8>
    /// Σ weights per input and output channel, and what the sums start from at the present zero points.
    private let sums, starts: UnsafeMutableBufferPointer<UnsafeMutableBufferPointer<Int32>>
    private let scales: UnsafeMutableBufferPointer<Float>
    private let bias: UnsafeMutableBufferPointer<Float>
    /// How large, of any input and output channel, Σ (code + offset) · weight may be.
    private let largestSum: Int32
    private(set) var winograd: WinogradWeights?

    /// The vectors are filled up with zeros to a multiple of this, the largest block; weights only to the kernels' own.
    private static let vectorStep = 64

    /// - Parameter codes: in PyTorch's order.
    init(_ layout: TapLayout, codes: WeightCodes, scales: [Float], bias: [Float], kernels: srd_kernels_s8) {
        let block = Int(kernels.block), group = Int(kernels.group), channels = bias.count
        let vector = (channels + Self.vectorStep - 1) / Self.vectorStep * Self.vectorStep
        func filled(_ values: [Float]) -> UnsafeMutableBufferPointer<Float> {
            .copy(of: values + [Float](repeating: 0, count: vector - values.count))
        }
        var offsets: [Int] = [], offset = 0, segments: [Range<Int>] = []
        for (t, tap) in layout.taps.enumerated() {
            offsets.append(offset)
            offset += RowRing<srd_code>.filledUp(tap.channels) * block
            if tap.input == segments.count { segments.append(t..<t + 1) } else { segments[tap.input] = segments[tap.input].lowerBound..<t + 1 }
        }
        let weightStep = max(block, Int(kernels.winograd_block))
        weights = .aligned((RowRing<srd_code>.filledUp(channels) + weightStep - 1) / weightStep * weightStep / block * offset)
        weights.initialize(repeating: 0)
        func vectors() -> UnsafeMutableBufferPointer<UnsafeMutableBufferPointer<Int32>> {
            .copy(of: segments.map { _ in .copy(of: [Int32](repeating: 0, count: vector)) })
        }
        sums = vectors()
        starts = vectors()
        let codeRange = (least: -128 + kernels.offset, most: 127 + kernels.offset)
        var bounds = [[(least: Int32, most: Int32)]](repeating: .init(repeating: (0, 0), count: channels), count: segments.count)
        for (tap, tapOffset) in zip(layout.taps, offsets) {
            for o in 0..<channels {
                let place = o / block * offset + tapOffset + o % block * group
                var sum: Int32 = 0, least: Int32 = 0, most: Int32 = 0
                for i in 0..<tap.channels {
                    let code = codes[layout.weightIndex(tap, i, o)]
                    weights[place + i / group * block * group + i % group] = code
                    sum += Int32(code)
                    least += min(Int32(code) * codeRange.least, Int32(code) * codeRange.most)
                    most += max(Int32(code) * codeRange.least, Int32(code) * codeRange.most)
                }
                sums[tap.input][o] += sum
                bounds[tap.input][o].least += least
                bounds[tap.input][o].most += most
            }
        }
        largestSum = bounds.joined().reduce(0) { max($0, $1.most, -$1.least) }
        taps = .copy(of: zip(layout.taps, offsets).map { LayerTap($0, offset: $1) })
        self.kernels = kernels
        self.segments = .copy(of: segments)
        blockStride = offset
        self.scales = filled(scales)
        self.bias = filled(bias)
    }

    deinit {
        weights.deallocate()
        winograd?.deallocate()
        taps.deallocate()
        segments.deallocate()
        for vectors in [sums, starts] {
            vectors.forEach { $0.deallocate() }
            vectors.deallocate()
        }
        scales.deallocate()
        bias.deallocate()
    }

    /// Called before a sweep with each input's zero point.
    func start(zeroPoints: [Int8]) {
        for (input, zeroPoint) in zeroPoints.enumerated() {
            let offset = Int32(zeroPoint) + kernels.offset
            for o in sums[input].indices { starts[input][o] = -offset * sums[input][o] }
        }
    }

    /// Makes `runWinograd` possible for a 3×3 layer of stride 1. Says whether it is: its sums must fit.
    func prepareWinograd() -> Bool {
        guard largestSum <= SRD_WINOGRAD_LARGEST_SUM else { return false }
        if winograd == nil {
            let inputs = segments.map { RowRing<srd_code>.filledUp(taps[$0.lowerBound].channels) }
            winograd = WinogradWeights(UnsafePointer(weights.baseAddress!), stride: blockStride, inputs: inputs, kernels: kernels)
        }
        return true
    }

    /// An input's rows and their scale.
    struct Input {
        let ring: RowRing<srd_code>
        let scale: Float
    }

    /// Computes part of a row; `args` already says where the results of channel 0 go and what is added to them.
    func run(
        _ inputs: UnsafeBufferPointer<Input>, stride: Int, inputRow: Int, _ part: RowPart, _ args: inout srd_conv_row_s8_args
    ) {
        let first = part.channels.lowerBound
        withUnsafeTemporaryAllocation(of: srd_tap_s8.self, capacity: taps.count) { places in
            for (t, tap) in taps.enumerated() {
                let ring = inputs[tap.input].ring
                places.initializeElement(at: t, to: srd_tap_s8(
                    input: ring.row(inputRow + tap.dy) + (part.columns.lowerBound * stride + tap.dx) * ring.pixel,
                    pixel: stride * ring.pixel, channels: Int32(ring.pixel),
                    weights: weights.baseAddress! + first / Int(kernels.block) * blockStride + tap.offset
                ))
            }
            withUnsafeTemporaryAllocation(of: srd_segment_s8.self, capacity: segments.count) { parts in
                for (i, range) in segments.enumerated() {
                    parts.initializeElement(at: i, to: srd_segment_s8(
                        taps: places.baseAddress! + range.lowerBound, tap_count: Int32(range.count),
                        start: starts[i].baseAddress! + first, scale: inputs[i].scale
                    ))
                }
                complete(&args, part)
                args.segments = UnsafePointer(parts.baseAddress)
                args.segment_count = Int32(parts.count)
                args.block_stride = blockStride
                kernels.conv_row(&args)
            }
        }
    }

    /// The same of some rows from `firstRow` on, which `rows` are about.
    func runWinograd(
        _ inputs: UnsafeBufferPointer<Input>, firstRow: Int, _ part: RowPart, _ weights: UnsafePointer<Int16>,
        _ rows: UnsafeMutableBufferPointer<srd_conv_row_s8_args>
    ) {
        for i in rows.indices { complete(&rows[i], part) }
        winograd!.run(inputs, starts: starts, firstRow: firstRow, part, weights, UnsafeBufferPointer(rows))
    }

    /// Adds what is the layer's own, and goes on to the part's first channel.
    private func complete(_ args: inout srd_conv_row_s8_args, _ part: RowPart) {
        let first = part.channels.lowerBound
        args.width = Int32(part.columns.count)
        args.channels = Int32(part.channels.count)
        args.weight_scale = UnsafePointer(scales.baseAddress! + first)
        args.bias = UnsafePointer(bias.baseAddress! + first)
        args.time_bias = args.time_bias.map { $0 + first }
        args.codes = args.codes.map { $0 + first }
        args.floats = args.floats.map { $0 + first }
        func advance(_ residual: inout srd_residual_s8) {
            residual.codes = residual.codes.map { $0 + first }
            residual.floats = residual.floats.map { $0 + first }
        }
        advance(&args.residual.0)
        advance(&args.residual.1)
    }
}

/// What one thread computes of a row.
struct RowPart {
    /// Pixels; of a transposed convolution, of its input.
    let columns: Range<Int>
    /// Output channels, filled up.
    let channels: Range<Int>

    /// Parts of a layer's channels begin at multiples of this, as all kernels' blocks do.
    static let channelStep = 32
}
