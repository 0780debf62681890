import SRDTensor

/// A trained model: its network, its noise schedule and its layers, each in float or in 8-bit integers.
///
/// A checkpoint gives a model whose layers are all float. The quantizer makes one whose layers are mostly int8.
public struct Model: Sendable {
    public let network: Network
    public let schedule: NoiseSchedule
    /// Every convolution of every graph by node name; the preview's are there only if `hasPreview`.
    public let layers: [String: Layer]
    /// The quantization of each node output that is kept as quantized values, by node name. Empty for a float model.
    public let activations: [String: QuantizedActivation]
    /// The timesteps at which the noise predictor's activations were calibrated, ascending. Empty for a float model.
    public let calibratedTimesteps: [Int]
    /// The float parameters that are no convolution's: the time embedding's and attention's, by checkpoint name.
    public let parameters: [String: FloatTensor]
    /// Whether the model can make the encoder's image. Some checkpoints leave its layers out.
    public let hasPreview: Bool
    /// Timestep schedules searched for this model, by ascending number of steps.
    public var schedules: [SearchedTimestepSchedule] = []

    public var configuration: Configuration { network.configuration }

    /// Whether any layer is int8.
    public var isQuantized: Bool { layers.values.contains(where: \.isInt8) }

    /// Creates a model from parts that have been checked.
    public init(
        network: Network, schedule: NoiseSchedule, layers: [String: Layer],
        activations: [String: QuantizedActivation] = [:],
        calibratedTimesteps: [Int] = [], parameters: [String: FloatTensor], hasPreview: Bool
    ) {
        self.network = network
        self.schedule = schedule
        self.layers = layers
        self.calibratedTimesteps = calibratedTimesteps
        // The condition may be stored once or recomputed in every step. Both give the same bytes only if it is
        // quantized without a float copy.
        let condition = network.conditioner.node(of: network.conditioner.outputs[0]).name
        var activations = activations
        if let kept = activations[condition] {
            activations[condition] = QuantizedActivation(quantizations: kept.quantizations, keepsFloat: false)
        }
        self.activations = activations
        self.parameters = parameters
        self.hasPreview = hasPreview
    }

    /// Creates a float model from a checkpoint's tensors.
    ///
    /// The configuration is read off the shapes. Every tensor that it calls for is checked; all others are dropped.
    public init(tensors: [String: FloatTensor]) throws(ModelError) {
        let network = Network(try Configuration(shapes: tensors.mapValues(\.shape)))
        let hasPreview = network.preview.parameters.contains { tensors[$0.name] != nil }
        var weights: [String: FloatTensor] = [:]
        for parameter in network.samplingParameters + (hasPreview ? network.preview.parameters : []) {
            guard let tensor = tensors[parameter.name] else {
                throw .missing(name: parameter.name, expected: parameter.shape)
            }
            guard tensor.shape == parameter.shape else {
                throw .misshapen(name: parameter.name, found: tensor.shape, expected: parameter.shape)
            }
            guard tensor.values.allSatisfy(\.isFinite) else { throw .notFinite(name: parameter.name) }
            weights[parameter.name] = tensor
        }
        var layers: [String: Layer] = [:]
        for node in network.graphs(withPreview: hasPreview).flatMap(\.nodes) where node.isConvolution {
            let weight = weights.removeValue(forKey: "\(node.name).weight")!
            let bias = weights.removeValue(forKey: "\(node.name).bias")!
            layers[node.name] = Layer(shape: weight.shape, weights: .float(weight.values), bias: bias.values)
        }
        self.init(
            network: network, schedule: try NoiseSchedule(tensors: tensors), layers: layers, parameters: weights,
            hasPreview: hasPreview)
    }

    /// The graphs that an executor can run.
    public var graphs: [Graph] { network.graphs(withPreview: hasPreview) }

    /// The number of weights and biases.
    public var parameterCount: Int {
        layers.values.reduce(0) { $0 + $1.shape.reduce(1, *) + $1.bias.count }
            + parameters.values.reduce(0) { $0 + $1.values.count }
    }

    /// All weights and biases as float tensors, by checkpoint name. The noise schedule's buffers are not among them.
    public var tensors: [String: FloatTensor] {
        var tensors = parameters
        for node in graphs.flatMap(\.nodes) where node.isConvolution {
            let layer = layers[node.name]!
            tensors["\(node.name).weight"] = FloatTensor(shape: layer.shape, values: layer.realWeights(of: node))
            tensors["\(node.name).bias"] = FloatTensor(shape: [layer.bias.count], values: layer.bias)
        }
        return tensors
    }
}

/// A convolution's weights, in PyTorch's layout, and its bias.
public struct Layer: Equatable, Sendable {
    public enum Weights: Equatable, Sendable {
        /// Quantized values in −127…127 and one scale per output channel: weight = quantized value · scale.
        case int8(QuantizedWeights, scales: [Float])
        case float([Float])
    }

    public let shape: [Int]
    public let weights: Weights
    public let bias: [Float]

    public init(shape: [Int], weights: Weights, bias: [Float]) {
        self.shape = shape
        self.weights = weights
        self.bias = bias
    }

    /// The weights as real numbers; `node` is the layer's node.
    public func realWeights(of node: Node) -> [Float] {
        switch weights {
        case .float(let values): return values
        case .int8(let quantized, let scales):
            let inner = shape[(node.outputDimension + 1)...].reduce(1, *), channels = shape[node.outputDimension]
            return quantized.indices.map { Float(quantized[$0]) * scales[$0 / inner % channels] }
        }
    }

    public var isInt8: Bool {
        if case .int8 = weights { return true }
        return false
    }
}

/// How a node's output is kept between the layer that computes it and those that read it.
///
/// A node without a `QuantizedActivation` is kept in float. Int8 layers read quantized values only. Float layers and
/// residuals read the float copy if there is one, else the real values that the quantized ones stand for.
public struct QuantizedActivation: Equatable, Sendable {
    /// One quantization per calibrated timestep, or a single one for all.
    public let quantizations: [Quantization]
    /// Whether a float copy is kept for the layers that can read it, so that a chain of residuals accumulates no
    /// rounding.
    public let keepsFloat: Bool

    public init(quantizations: [Quantization], keepsFloat: Bool) {
        self.quantizations = quantizations
        self.keepsFloat = keepsFloat
    }

    /// Returns the quantization at `timestep`. Between calibrated timesteps both ends of the range are interpolated
    /// linearly.
    public func at(_ timestep: Int, of calibrated: [Int]) -> Quantization {
        guard quantizations.count > 1 else { return quantizations[0] }
        guard let next = calibrated.firstIndex(where: { $0 >= timestep }) else {
            return quantizations[calibrated.count - 1]
        }
        if next == 0 || calibrated[next] == timestep { return quantizations[next] }
        let weight = Float(timestep - calibrated[next - 1]) / Float(calibrated[next] - calibrated[next - 1])
        let a = quantizations[next - 1].range, b = quantizations[next].range
        return Quantization(
            covering:
                a.lowerBound + (b.lowerBound - a.lowerBound) * weight...a.upperBound + (b.upperBound - a.upperBound)
                * weight)
    }
}
