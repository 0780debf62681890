import SRDTensor

/// Weight normalization (Salimans and Kingma 2016): w = g · v / ‖v‖, with the norm over all dimensions but one.
enum WeightNorm {
    /// The name under which `folded` looks for a tensor: `X.weight_g` and `X.weight_v` for the newer
    /// `X.parametrizations.weight.original0` and `….original1`.
    static func pairName(_ name: String) -> String {
        for (ending, suffix) in [(".original0", "_g"), (".original1", "_v")] where name.hasSuffix(ending) {
            let parts = name.dropLast(ending.count).split(separator: ".", omittingEmptySubsequences: false)
            guard parts.count >= 2, parts[parts.count - 2] == "parametrizations" else { continue }
            return (parts.dropLast(2) + [parts.last!]).joined(separator: ".") + suffix
        }
        return name
    }

    /// Replaces `X.weight_g` and `X.weight_v` by `X.weight`. Other tensors stay as they are.
    static func folded(_ tensors: [String: FloatTensor]) throws(CheckpointError) -> [String: FloatTensor] {
        var folded = tensors.filter { !$0.key.hasSuffix(".weight_g") && !$0.key.hasSuffix(".weight_v") }
        if folded.count == tensors.count { return tensors }
        for name in Set(tensors.keys.filter { folded[$0] == nil }.map { String($0.dropLast(2)) }) {
            let g = tensors["\(name)_g"], v = tensors["\(name)_v"]
            guard let g, let v, let weight = weight(g, v) else {
                throw .weightNormPair(name: name, g: g?.shape, v: v?.shape)
            }
            guard folded.updateValue(weight, forKey: name) == nil else { throw .duplicateTensor(name: name) }
        }
        return folded
    }

    /// Returns nil unless g has size 1 in every dimension but the one it scales.
    private static func weight(_ g: FloatTensor, _ v: FloatTensor) -> FloatTensor? {
        guard let kept = g.shape.firstIndex(where: { $0 != 1 }) ?? v.shape.firstIndex(of: 1),
            g.shape == v.shape.indices.map({ $0 == kept ? v.shape[kept] : 1 })
        else { return nil }
        let channels = v.shape[kept]
        let inner = v.shape[(kept + 1)...].reduce(1, *)  // distance of neighbours along the kept dimension
        var squares = [Double](repeating: 0, count: channels)
        for (i, value) in v.values.enumerated() { squares[i / inner % channels] += Double(value) * Double(value) }
        // v = 0 has no direction: its weight is 0.
        let factors = zip(g.values, squares).map { g, square in square == 0 ? 0 : Double(g) / square.squareRoot() }
        let values = v.values.enumerated().map { i, value in Float(Double(value) * factors[i / inner % channels]) }
        return FloatTensor(shape: v.shape, values: values)
    }
}
