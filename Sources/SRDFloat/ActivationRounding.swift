import SRDTensor
import SRDModel

/// Which outputs an int8 model keeps in codes, and which layers read those rather than floats kept beside them.
struct ActivationRounding: Sendable {
    let activations: [String: QuantizedActivation]
    let timesteps: [Int]
    let int8Layers: Set<String>

    init(_ model: QuantizedModel) {
        activations = model.activations
        timesteps = model.timesteps
        int8Layers = Set(model.layers.filter(\.value.isInt8).keys)
    }
}

extension QuantizedModel {
    /// The float model whose weights are the codes' real values.
    var dequantized: Model {
        var weights = floatWeights
        for node in network.graphs(withPreview: hasPreview).flatMap(\.nodes) where node.isConvolution {
            let layer = layers[node.name]!
            weights["\(node.name).weight"] = FloatTensor(shape: layer.shape, values: layer.realWeights(of: node))
            weights["\(node.name).bias"] = FloatTensor(shape: [layer.bias.count], values: layer.bias)
        }
        return Model(network: network, schedule: schedule, weights: weights, hasPreview: hasPreview)
    }
}
