import CSRDKernels
import SRDModel

/// A convolution on quantized values.
struct Int8Convolution: @unchecked Sendable {  // read only
    let packed: PhaseLayers<PackedInt8Convolution>

    init(_ packed: PhaseLayers<PackedInt8Convolution>) { self.packed = packed }

    func deallocate() { packed.deallocate() }

    func computeRow(_ y: Int, _ part: RowPart, _ context: NodeContext) {
        withInputs(context) { inputs in
            for phase in 0..<packed.phases {
                var args = arguments(y, firstPixel: phase, part.columns, context)
                packed.withLayer(y, phase: phase) {
                    $0.run(inputs, stride: packed.stride, inputRow: packed.inputRow(y), part, &args)
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
        let epilogue = context.node.epilogue, output = context.output, phases = packed.phases,
            first = columns.lowerBound * phases + firstPixel
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
