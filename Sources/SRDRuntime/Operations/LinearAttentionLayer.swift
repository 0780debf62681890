import CSRDKernels
import SRDModel
import SRDTensor

/// Linear attention with softmax over pixels (Katharopoulos et al. 2020, arXiv 2006.16236): input + g ·
/// to_out(attention(to_qkv(input))).
struct LinearAttentionLayer: LayerOperation {
    let heads, headChannels: Int

    var needsWholeMap: Bool { true }
    func inputRows(for rows: Range<Int>, of height: Int) -> Range<Int> { 0..<height }

    func macsPerOutputPixel(_ node: Node) -> Double {
        let inner = heads * headChannels
        return Double(node.inputChannels * inner * 3 + 2 * inner * headChannels + inner * node.output.shape.channels)
    }

    func compile(_ node: Node, _ compiler: inout Compiler) -> CompiledOperation {
        .linearAttention(
            LinearAttention(
                toQKV: .passUnretained(compiler.layers.pointwise("\(node.name).fn.to_qkv")),
                toOut: .passUnretained(compiler.layers.pointwise("\(node.name).fn.to_out")),
                gain: compiler.layers.model.parameters["\(node.name).g"]!.values[0], heads: heads,
                headChannels: headChannels))
    }
}

struct LinearAttention: @unchecked Sendable {  // read only
    /// The 1×1 convolutions around the attention; the layer cache owns them.
    let toQKV, toOut: Unmanaged<PackedFloatConvolution>
    let gain: Float
    let heads, headChannels: Int

    private var inner: Int { heads * headChannels }

    /// Computes the whole map.
    func computeMap(_ context: NodeContext) {
        let input = context.input(0).floats!, output = context.output, threads = context.threads
        withTemporaryMap(like: input, channels: 3 * inner) { qkv in
            withTemporaryMap(like: input, channels: inner) { attended in
                pointwise(toQKV, input, qkv, residual: nil, threads: threads)
                var values: [Float] = []
                for y in 0..<qkv.height {
                    for x in 0..<qkv.width {
                        values += UnsafeBufferPointer(start: qkv.interior(y) + x * qkv.pixel, count: 3 * inner)
                    }
                }
                let result = Self.attend(values, heads: heads, headChannels: headChannels)
                result.withUnsafeBufferPointer { result in
                    for y in 0..<qkv.height {
                        copyPixels(
                            0..<qkv.width, inner, result.baseAddress! + y * qkv.width * inner, pixel: inner,
                            to: attended.interior(y),
                            pixel: attended.pixel)
                    }
                }
                pointwise(toOut, attended, output.floats!, residual: input, threads: threads)
            }
        }
        for y in 0..<output.height {
            output.finishRow(y, 0..<output.width, computedInFloat: true, context.kernels.int8)
        }
    }

    private func withTemporaryMap(like map: RowRing<Float>, channels: Int, _ body: (RowRing<Float>) -> Void) {
        let memory = LargeBuffer<Float>(
            count: RowRing<Float>.count(capacity: map.height, width: map.width, channels: channels))
        body(
            RowRing(
                memory.elements.baseAddress!, height: map.height, width: map.width, channels: channels,
                capacity: map.height,
                border: .zero))
        withExtendedLifetime(memory) {}
    }

    private func pointwise(
        _ layer: Unmanaged<PackedFloatConvolution>, _ from: RowRing<Float>, _ to: RowRing<Float>,
        residual: RowRing<Float>?,
        threads: Int
    ) {
        Parallel.ranges(from.height, threads: threads) { rows in
            for y in rows {
                var args = srd_conv_row_f32_args()
                args.gain = 1
                if let residual {
                    args.gain = gain
                    args.residual_count = 1
                    args.residual.0 = residual.row(y)
                    args.residual_gain.0 = 1
                    args.residual_pixel = residual.pixel
                }
                args.output = to.interior(y)
                args.output_pixel = to.pixel
                withUnsafePointer(to: from) { from in
                    layer._withUnsafeGuaranteedRef {
                        $0.run(
                            UnsafeBufferPointer(start: from, count: 1), stride: 1, inputRow: y,
                            columns: 0..<from.pointee.width, &args)
                    }
                }
            }
        }
    }

    /// Returns `[pixels][heads · headChannels]` from queries, keys and values `[pixels][3 · heads · headChannels]`.
    ///
    /// context = softmax(k) · vᵀ over all pixels and out = contextᵀ · q, per head. Sums over pixels run in doubles and
    /// in order, so the bits are the same everywhere.
    static func attend(_ qkv: [Float], heads: Int, headChannels: Int) -> [Float] {
        let inner = heads * headChannels, pixels = qkv.count / (3 * inner)
        var largest = [Float](repeating: -.infinity, count: inner)
        for p in 0..<pixels {
            for c in 0..<inner { largest[c] = max(largest[c], qkv[p * 3 * inner + inner + c]) }
        }
        var sums = [Double](repeating: 0, count: inner), context = [Double](repeating: 0, count: inner * headChannels)
        for p in 0..<pixels {
            for c in 0..<inner {
                let e = Mathematics.exp(Double(qkv[p * 3 * inner + inner + c] - largest[c]))
                let value = p * 3 * inner + 2 * inner + c / headChannels * headChannels
                sums[c] += e
                for j in 0..<headChannels { context[c * headChannels + j] += e * Double(qkv[value + j]) }
            }
        }
        let weighted = context.indices.map { Float(context[$0] / sums[$0 / headChannels]) }
        var out = [Float](repeating: 0, count: pixels * inner)
        for p in 0..<pixels {
            for c in 0..<inner {
                let head = c / headChannels * headChannels, j = c % headChannels
                var sum: Float = 0
                for i in head..<head + headChannels { sum += weighted[i * headChannels + j] * qkv[p * 3 * inner + i] }
                out[p * inner + c] = sum
            }
        }
        return out
    }
}
