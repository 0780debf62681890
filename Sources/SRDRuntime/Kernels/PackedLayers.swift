import SRDModel
import SRDTensor

/// A model's weights in the order that the kernels read them. Layers are packed at first use and shared by programs of
/// every size.
final class PackedLayers {
    let model: Model
    let kernels: Kernels
    private var int8: [String: [PackedInt8Convolution]] = [:]
    private var float: [String: [PackedFloatConvolution]] = [:]

    init(_ model: Model, kernels: Kernels) {
        self.model = model
        self.kernels = kernels
    }

    func isInt8(_ node: Node) -> Bool { model.layers[node.name]?.isInt8 ?? false }

    /// Packs the int8 layers of a graph that are not packed yet, on several threads.
    func pack(_ graph: Graph, threads: Int) {
        let nodes = graph.nodes.filter { isInt8($0) && int8[$0.name] == nil }
        let model = model, kernels = kernels
        let packed = UnsafeMutableBufferPointer<[PackedInt8Convolution]>.allocate(capacity: nodes.count)
        nonisolated(unsafe) let places = packed  // one for each node
        Parallel.ranges(nodes.count, threads: threads) { range in
            for i in range { places.initializeElement(at: i, to: Self.packed(nodes[i], of: model, kernels)) }
        }
        for (node, packed) in zip(nodes, packed) { int8[node.name] = packed }
        packed.deinitialize()
        packed.deallocate()
    }

    /// Returns one convolution, or one for each phase of a transposed convolution. The layer must be int8.
    func int8(_ node: Node) -> [PackedInt8Convolution] {
        if let packed = int8[node.name] { return packed }
        let packed = Self.packed(node, of: model, kernels)
        int8[node.name] = packed
        return packed
    }

    private static func packed(_ node: Node, of model: Model, _ kernels: Kernels) -> [PackedInt8Convolution] {
        let layer = model.layers[node.name]!
        guard case .int8(let weights, let scales) = layer.weights else {
            preconditionFailure("\(node.name) is a float layer")
        }
        let packed = TapLayout.layouts(of: node)!.map {
            PackedInt8Convolution($0, weights: weights, scales: scales, bias: layer.bias, kernels: kernels.int8)
        }
        weights.evict()
        return packed
    }

    /// Returns one convolution, or one for each phase of a transposed convolution. The layer must be float.
    func float(_ node: Node) -> [PackedFloatConvolution] {
        if let packed = float[node.name] { return packed }
        let layer = model.layers[node.name]!
        guard case .float(let weights) = layer.weights else { preconditionFailure("\(node.name) is an int8 layer") }
        let packed = TapLayout.layouts(of: node)!.map {
            PackedFloatConvolution($0, weights: weights, bias: layer.bias, kernels: kernels.float)
        }
        float[node.name] = packed
        return packed
    }

    /// Returns a 1×1 convolution that is no node of its own, by its checkpoint name. A missing bias is 0.
    func pointwise(_ name: String) -> PackedFloatConvolution {
        if let packed = float[name]?.first { return packed }
        let weight = model.parameters["\(name).weight"]!, channels = weight.shape[0]
        let packed = PackedFloatConvolution(
            TapLayout(kernel: 1, inputChannels: [weight.shape[1]], outputChannels: channels), weights: weight.values,
            bias: model.parameters["\(name).bias"]?.values ?? [Float](repeating: 0, count: channels),
            kernels: kernels.float)
        float[name] = [packed]
        return packed
    }
}
