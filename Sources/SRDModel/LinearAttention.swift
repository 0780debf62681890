import SRDTensor

/// The heart of linear attention, between its two 1×1 convolutions (Katharopoulos et al. 2020, with softmax over pixels):
/// context = softmax(k) · vᵀ over all pixels, out = contextᵀ · q, head by head.
public enum LinearAttention {
    /// `qkv` is `[pixels][3 · heads · headChannels]`: queries, keys, values. Returns `[pixels][heads · headChannels]`.
    /// Sums over pixels run in doubles and in order: the same bits everywhere.
    public static func attend(_ qkv: [Float], heads: Int, headChannels: Int) -> [Float] {
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
