import CSRDKernels
import SRDModel

/// A graph's input: rows of a stored map are copied into the ring that the other nodes read.
struct InputLayer: LayerOperation {
    var needsWholeMap: Bool { false }
    func inputRows(for rows: Range<Int>, of height: Int) -> Range<Int> { 0..<0 }
    func macsPerOutputPixel(_ node: Node) -> Double { 0 }

    func compile(_ node: Node, _ compiler: inout Compiler) -> CompiledOperation {
        .input(source: compiler.graph.inputs.firstIndex(of: node.output)!)
    }
}

/// Copies pixels `columns` of row y from a stored map, in each form that the node keeps. A quantized map was made with
/// the quantization of the node, since both are the same entry of the model.
func readInput(
    _ source: FeatureMap, _ y: Int, _ columns: Range<Int>, into output: NodeBuffer, _ kernels: srd_kernels_s8
) {
    switch source.storage {
    case .quantized(let values, _):
        let ring = output.quantized!, first = columns.lowerBound * ring.pixel
        (ring.interior(y) + first).update(
            from: values.baseAddress! + y * source.width * ring.pixel + first, count: columns.count * ring.pixel)
        if case .quantizedFromFloat = output.storage { output.dequantize(y, columns, kernels) }
    case .float(let values): copy(UnsafePointer(values.baseAddress!))
    case .borrowed(let values): copy(values)
    }

    func copy(_ values: UnsafePointer<Float>) {
        let ring = output.floats!
        copyPixels(
            columns, source.channels, values + y * source.width * source.channels, pixel: source.channels,
            to: ring.interior(y),
            pixel: ring.pixel)
    }
}
