import CSRDKernels
import SRDModel

/// A convolution with a kernel of 1 or 3, in int8 (directly or by Winograd's products) or float.
struct ConvolutionLayer: LayerOperation {
    let convolution: Convolution

    init(_ convolution: Convolution) { self.convolution = convolution }

    var needsWholeMap: Bool { false }

    func inputRows(for rows: Range<Int>, of height: Int) -> Range<Int> {
        let padding = (convolution.kernel - 1) / 2
        // Rows that reflection reads outside the map, row 1 or the last but one, are always among these.
        return max(0, rows.lowerBound * convolution.stride - padding)
            ..< min(height, (rows.upperBound - 1) * convolution.stride + padding + 1)
    }

    func macsPerOutputPixel(_ node: Node) -> Double {
        Double(node.inputChannels * node.output.shape.channels * convolution.kernel * convolution.kernel)
    }

    func compile(_ node: Node, _ compiler: inout Compiler) -> CompiledOperation {
        let layers = compiler.layers
        guard layers.isInt8(node) else {
            return .floatConvolution(FloatConvolution(layers.float(node), phases: 1, stride: convolution.stride))
        }
        let direct = Int8Convolution(layers.int8(node), phases: 1, stride: convolution.stride)
        guard let channels = compiler.winogradChannels(node, convolution), layers.int8(node)[0].prepareWinograd() else {
            return .int8Convolution(direct)
        }
        return .winogradConvolution(WinogradConvolution(direct: direct, channelsPerTransform: channels))
    }
}

/// A transposed convolution with a kernel of 2·stride and a padding of stride/2. Each of its stride² phases is a convolution of 2×2 taps.
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
            ? .int8Convolution(Int8Convolution(layers.int8(node), phases: stride, stride: 1))
            : .floatConvolution(FloatConvolution(layers.float(node), phases: stride, stride: 1))
    }
}

/// A convolution on quantized values.
struct Int8Convolution: @unchecked Sendable {       // read only
    /// One convolution, or stride² of a transposed one; the layer cache owns them.
    let layers: UnsafeMutableBufferPointer<Unmanaged<PackedInt8Convolution>>
    /// Phases per row: the stride of a transposed convolution, else 1.
    let phases: Int
    let stride: Int

    init(_ layers: [PackedInt8Convolution], phases: Int, stride: Int) {
        self.layers = .copy(of: layers.map { .passUnretained($0) })
        self.phases = phases
        self.stride = stride
    }

    func deallocate() { layers.deallocate() }

    func computeRow(_ y: Int, _ part: RowPart, _ context: NodeContext) {
        withInputs(context) { inputs in
            for phase in 0..<phases {
                var args = arguments(y, firstPixel: phase, part.columns, context)
                layers[y % phases * phases + phase]._withUnsafeGuaranteedRef {
                    $0.run(inputs, stride: stride, inputRow: y / phases * stride, part, &args)
                }
            }
        }
    }

    func withInputs(_ context: NodeContext, _ body: (UnsafeBufferPointer<PackedInt8Convolution.Input>) -> Void) {
        let indices = context.node.inputs
        withUnsafeTemporaryAllocation(of: PackedInt8Convolution.Input.self, capacity: indices.count) { inputs in
            for (k, index) in indices.enumerated() {
                let buffer = context.buffers[index]
                inputs.initializeElement(at: k, to: .init(ring: buffer.quantized!, scale: buffer.quantization.scale))
            }
            body(UnsafeBufferPointer(inputs))
        }
    }

    /// The epilogue of channel 0 and where the results of row y go.
    func arguments(_ y: Int, firstPixel: Int, _ columns: Range<Int>, _ context: NodeContext) -> srd_conv_row_s8_args {
        let epilogue = context.node.epilogue, output = context.output, first = columns.lowerBound * phases + firstPixel
        var args = srd_conv_row_s8_args()
        args.gain = epilogue.gain
        args.activation = epilogue.activation
        args.time_bias = UnsafePointer(epilogue.timeBias?.baseAddress)
        args.residual_count = Int32(epilogue.residuals.count)
        if epilogue.residuals.count > 0 { args.residual.0 = residual(epilogue.residuals[0], y, columns, context) }
        if epilogue.residuals.count > 1 { args.residual.1 = residual(epilogue.residuals[1], y, columns, context) }
        if let quantized = output.quantized {
            args.quantized = quantized.interior(y) + first * quantized.pixel
            args.quantized_pixel = phases * quantized.pixel
            args.inverse_scale = 1 / output.quantization.scale
            args.zero_point = Int32(output.quantization.zeroPoint)
        }
        if let floats = output.exactFloats {
            args.floats = floats.interior(y) + first * floats.pixel
            args.floats_pixel = phases * floats.pixel
        }
        return args
    }

    private func residual(
        _ residual: Epilogue.Residual, _ y: Int, _ columns: Range<Int>, _ context: NodeContext
    ) -> srd_residual_s8 {
        let buffer = context.buffers[residual.node]
        var args = srd_residual_s8()
        if let floats = buffer.exactFloats {
            args.floats = UnsafePointer(floats.interior(y)) + columns.lowerBound * floats.pixel
            args.pixel = floats.pixel
            args.scale = residual.gain
        } else {
            let quantized = buffer.quantized!
            args.quantized = UnsafePointer(quantized.interior(y)) + columns.lowerBound * quantized.pixel
            args.pixel = quantized.pixel
            args.zero_point = Int32(buffer.quantization.zeroPoint)
            args.scale = buffer.quantization.scale * residual.gain
        }
        return args
    }
}

/// A convolution in float.
struct FloatConvolution: @unchecked Sendable {       // read only
    /// One convolution, or stride² of a transposed one; the layer cache owns them.
    let layers: UnsafeMutableBufferPointer<Unmanaged<PackedFloatConvolution>>
    let phases: Int
    let stride: Int

    init(_ layers: [PackedFloatConvolution], phases: Int, stride: Int) {
        self.layers = .copy(of: layers.map { .passUnretained($0) })
        self.phases = phases
        self.stride = stride
    }

    func deallocate() { layers.deallocate() }

    func computeRow(_ y: Int, _ part: RowPart, _ context: NodeContext) {
        let indices = context.node.inputs
        withUnsafeTemporaryAllocation(of: RowRing<Float>.self, capacity: indices.count) { inputs in
            for (k, index) in indices.enumerated() { inputs.initializeElement(at: k, to: context.buffers[index].floats!) }
            for phase in 0..<phases {
                var args = arguments(y, firstPixel: phase, part.columns, context)
                layers[y % phases * phases + phase]._withUnsafeGuaranteedRef {
                    $0.run(
                        UnsafeBufferPointer(inputs), stride: stride, inputRow: y / phases * stride, columns: part.columns, &args)
                }
            }
        }
    }

    private func arguments(_ y: Int, firstPixel: Int, _ columns: Range<Int>, _ context: NodeContext) -> srd_conv_row_f32_args {
        let epilogue = context.node.epilogue, output = context.output.floats!
        var args = srd_conv_row_f32_args()
        args.gain = epilogue.gain
        args.activation = epilogue.activation
        args.time_bias = UnsafePointer(epilogue.timeBias?.baseAddress)
        args.residual_count = Int32(epilogue.residuals.count)
        args.residual_pixel = output.pixel
        func row(_ k: Int) -> UnsafePointer<Float> {
            context.buffers[epilogue.residuals[k].node].floats!.row(y) + columns.lowerBound * output.pixel
        }
        if epilogue.residuals.count > 0 {
            args.residual.0 = row(0)
            args.residual_gain.0 = epilogue.residuals[0].gain
        }
        if epilogue.residuals.count > 1 {
            args.residual.1 = row(1)
            args.residual_gain.1 = epilogue.residuals[1].gain
        }
        args.output = output.interior(y) + (columns.lowerBound * phases + firstPixel) * output.pixel
        args.output_pixel = phases * output.pixel
        return args
    }
}
