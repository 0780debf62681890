import SRDModel

/// A convolution with a kernel of 1 or 3, in int8 (directly or by Winograd's products) or float.
struct ConvolutionLayer: LayerOperation {
    let convolution: Convolution

    init(_ convolution: Convolution) { self.convolution = convolution }

    var needsWholeMap: Bool { false }

    func inputRows(for rows: Range<Int>, of height: Int) -> Range<Int> {
        let padding = (convolution.kernel - 1) / 2
        // Rows that reflection reads outside the map, row 1 or the last but one, are always among these.
        return max(
            0, rows.lowerBound * convolution.stride - padding)..<min(
                height, (rows.upperBound - 1) * convolution.stride + padding + 1)
    }

    func macsPerOutputPixel(_ node: Node) -> Double {
        Double(node.inputChannels * node.output.shape.channels * convolution.kernel * convolution.kernel)
    }

    func compile(_ node: Node, _ compiler: inout Compiler) -> CompiledOperation {
        let layers = compiler.layers
        guard layers.isInt8(node) else {
            return .floatConvolution(
                FloatConvolution(PhaseLayers(layers.float(node), phases: 1, stride: convolution.stride)))
        }
        let direct = Int8Convolution(PhaseLayers(layers.int8(node), phases: 1, stride: convolution.stride))
        guard let channels = compiler.winogradChannels(node, convolution), layers.int8(node)[0].prepareWinograd() else {
            return .int8Convolution(direct)
        }
        return .winogradConvolution(WinogradConvolution(direct: direct, channelsPerTransform: channels))
    }
}

/// A transposed convolution with a kernel of 2·stride and a padding of stride/2. Each of its stride² phases is a
/// convolution of 2×2 taps.
struct TransposedConvolutionLayer: LayerOperation {
    let stride: Int

    var needsWholeMap: Bool { false }

    func inputRows(for rows: Range<Int>, of height: Int) -> Range<Int> {
        let half = stride / 2
        return max(0, (rows.lowerBound + half) / stride - 1)..<min(height, (rows.upperBound - 1 + half) / stride + 1)
    }

    func macsPerOutputPixel(_ node: Node) -> Double { Double(node.inputChannels * node.output.shape.channels * 4) }

    func compile(_ node: Node, _ compiler: inout Compiler) -> CompiledOperation {
        let layers = compiler.layers
        return layers.isInt8(node)
            ? .int8Convolution(Int8Convolution(PhaseLayers(layers.int8(node), phases: stride, stride: 1)))
            : .floatConvolution(FloatConvolution(PhaseLayers(layers.float(node), phases: stride, stride: 1)))
    }
}

/// The packed layers of a convolution: one, or stride² of a transposed one, which the layer cache owns.
struct PhaseLayers<Layer: AnyObject>: @unchecked Sendable {  // read only
    let layers: UnsafeMutableBufferPointer<Unmanaged<Layer>>
    /// Phases per row: the stride of a transposed convolution, else 1.
    let phases: Int
    let stride: Int

    init(_ layers: [Layer], phases: Int, stride: Int) {
        self.layers = .copy(of: layers.map { .passUnretained($0) })
        self.phases = phases
        self.stride = stride
    }

    func deallocate() { layers.deallocate() }

    /// The input row that the first tap's middle reads for output row y.
    func inputRow(_ y: Int) -> Int { y / phases * stride }

    /// Calls `body` with the layer of a phase of output row y.
    func withLayer(_ y: Int, phase: Int, _ body: (Layer) -> Void) {
        layers[y % phases * phases + phase]._withUnsafeGuaranteedRef(body)
    }
}
