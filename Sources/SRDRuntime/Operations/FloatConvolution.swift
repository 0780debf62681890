import CSRDKernels
import SRDModel

/// A convolution in float.
struct FloatConvolution: @unchecked Sendable {  // read only
    let packed: PhaseLayers<PackedFloatConvolution>

    init(_ packed: PhaseLayers<PackedFloatConvolution>) { self.packed = packed }

    func deallocate() { packed.deallocate() }

    func computeRow(_ y: Int, _ part: RowPart, _ context: NodeContext) {
        let indices = context.node.inputs
        withUnsafeTemporaryAllocation(of: RowRing<Float>.self, capacity: indices.count) { inputs in
            for (k, index) in indices.enumerated() {
                inputs.initializeElement(at: k, to: context.buffers[index].floats!)
            }
            for phase in 0..<packed.phases {
                var args = arguments(y, firstPixel: phase, part.columns, context)
                packed.withLayer(y, phase: phase) {
                    $0.run(
                        UnsafeBufferPointer(inputs), stride: packed.stride, inputRow: packed.inputRow(y),
                        columns: part.columns, &args)
                }
            }
        }
    }

    private func arguments(_ y: Int, firstPixel: Int, _ columns: Range<Int>, _ context: NodeContext)
        -> srd_conv_row_f32_args
    {
        let epilogue = context.node.epilogue, output = context.output.floats!, phases = packed.phases
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
