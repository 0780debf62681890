import CSRDKernels
import SRDModel
import SRDTensor

/// A 3×3 int8 convolution of stride 1 by Winograd's F(4×4, 3×3) in exact integers: the same bytes as the direct
/// convolution.
struct WinogradConvolution: Sendable {
    let direct: Int8Convolution
    /// Output channels whose transformed weights fit a thread's scratch memory.
    let channelsPerTransform: Int

    /// Below this number of rows the direct convolution is faster.
    static let minimumRows = 3

    /// Computes a band of rows. A thread transforms the weights of some output channels, then computes those channels
    /// of all rows.
    func computeRows(_ rows: Range<Int>, _ context: NodeContext) {
        let node = context.node, output = context.output, kernels = context.kernels.int8, width = output.width
        let split = ThreadSplit.winograd(
            rows: rows.count, width: width, channels: node.channels, channelsPerTransform: channelsPerTransform,
            minimumWidth: Int(kernels.winograd_width), threads: context.threads)
        Parallel.ranges(split.count, threads: context.threads) { items in
            for item in items {
                let part = split.part(item)
                let weights = direct.packed.layers[0]._withUnsafeGuaranteedRef { $0.winograd!.transform(part.channels) }
                for y in stride(from: rows.lowerBound, to: rows.upperBound, by: Int(SRD_WINOGRAD_ROWS)) {
                    computeTile(y..<min(y + Int(SRD_WINOGRAD_ROWS), rows.upperBound), part, weights, context)
                }
                if split.coversChannels {
                    for y in rows { output.finishRow(y, part.columns, computedInFloat: false, kernels) }
                }
            }
        }
        if !split.coversChannels {
            for y in rows { output.finishRow(y, 0..<width, computedInFloat: false, kernels) }
        }
    }

    /// Computes up to `SRD_WINOGRAD_ROWS` rows.
    private func computeTile(
        _ rows: Range<Int>, _ part: RowPart, _ weights: UnsafePointer<Int16>, _ context: NodeContext
    ) {
        guard rows.count >= Self.minimumRows else {
            for y in rows { direct.computeRow(y, part, context) }
            return
        }
        direct.withInputs(context) { inputs in
            withUnsafeTemporaryAllocation(of: srd_conv_row_s8_args.self, capacity: rows.count) { args in
                for (k, y) in rows.enumerated() {
                    args.initializeElement(at: k, to: direct.arguments(y, firstPixel: 0, part.columns, context))
                }
                direct.packed.layers[0]._withUnsafeGuaranteedRef {
                    $0.runWinograd(inputs, firstRow: rows.lowerBound, part, weights, args)
                }
            }
        }
    }
}

extension Compiler {
    /// The output channels whose weights are transformed together, or nil if Winograd's products are not used.
    ///
    /// They are used for 3×3 convolutions of stride 1 if bands are large enough to make up for transforming the
    /// weights.
    func winogradChannels(_ node: Node, _ convolution: Convolution) -> Int? {
        let kernels = layers.kernels.int8, rows = plan.mostRows[node.output.index],
            width = width / node.output.shape.reduction
        guard kernels.conv_winograd != nil, convolution.kernel == 3, convolution.stride == 1,
            rows >= WinogradConvolution.minimumRows, width >= Int(kernels.winograd_width),
            rows * width >= Int(kernels.winograd_pixels)
        else { return nil }
        let inputs = node.inputs.map { paddedChannels($0.shape.channels) }
        guard inputs.reduce(0, +) <= Int(SRD_WINOGRAD_CHANNELS) else { return nil }
        return WinogradWeights.channelsPerTransform(inputs: inputs, kernels)
    }
}
