import SRDTensor

/// A model whose convolutions run on 8-bit integers: what the converter makes, the file holds and the int8 executor runs.
public struct QuantizedModel: Sendable {
    public let network: Network
    public let schedule: NoiseSchedule
    /// The timesteps that the noise predictor's activations were calibrated at, ascending.
    public let timesteps: [Int]
    /// By node name, for every convolution of every graph (the preview's only if `hasPreview`).
    public let layers: [String: QuantizedLayer]
    /// By node name, for every value that is kept in codes.
    public let activations: [String: QuantizedActivation]
    /// Weights and biases of the time embedding and of each `….mlp.1`, and of linear attention, in float.
    public let floatWeights: [String: FloatTensor]
    public let hasPreview: Bool
    /// By number of steps, ascending; none where nobody searched.
    public var schedules: [SearchedSchedule] = []

    public var configuration: Configuration { network.configuration }

    public init(
        network: Network, schedule: NoiseSchedule, timesteps: [Int], layers: [String: QuantizedLayer],
        activations: [String: QuantizedActivation], floatWeights: [String: FloatTensor], hasPreview: Bool
    ) {
        self.network = network
        self.schedule = schedule
        self.timesteps = timesteps
        self.layers = layers
        // The condition may be stored or made anew in every step; both must give the same bytes, so it is codes alone.
        let condition = network.conditioner.node(of: network.conditioner.outputs[0]).name
        var activations = activations
        if let kept = activations[condition] {
            activations[condition] = QuantizedActivation(quantizations: kept.quantizations, keepsFloat: false)
        }
        self.activations = activations
        self.floatWeights = floatWeights
        self.hasPreview = hasPreview
    }
}

/// A convolution's weights, in PyTorch's layout, and its bias.
public struct QuantizedLayer: Equatable, Sendable {
    public enum Weights: Equatable, Sendable {
        /// Codes −127…127, and a scale per output channel: weight = code · scale.
        case int8(codes: WeightCodes, scales: [Float])
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

    /// The weights as the layer sees them.
    public func realWeights(of node: Node) -> [Float] {
        switch weights {
        case .float(let values): return values
        case .int8(let codes, let scales):
            let inner = shape[(node.outputDimension + 1)...].reduce(1, *), channels = shape[node.outputDimension]
            return codes.indices.map { Float(codes[$0]) * scales[$0 / inner % channels] }
        }
    }

    public var isInt8: Bool {
        if case .int8 = weights { return true }
        return false
    }
}

/// How a value is kept between the layer that makes it and those that read it.
///
/// A value with no `QuantizedActivation` is kept in float. Int8 layers read codes only; float layers read floats
/// where they are kept, else the codes' real values; residuals likewise.
public struct QuantizedActivation: Equatable, Sendable {
    /// One for each calibrated timestep, or a single one for all.
    public let quantizations: [Quantization]
    /// Kept in float beside the codes, for those who can read it: a residual path that gathers no rounding.
    public let keepsFloat: Bool

    public init(quantizations: [Quantization], keepsFloat: Bool) {
        self.quantizations = quantizations
        self.keepsFloat = keepsFloat
    }

    /// At `timestep`, interpolated between the calibrated ones: the ends of the range move linearly with t.
    public func at(_ timestep: Int, of calibrated: [Int]) -> Quantization {
        guard quantizations.count > 1 else { return quantizations[0] }
        guard let next = calibrated.firstIndex(where: { $0 >= timestep }) else { return quantizations[calibrated.count - 1] }
        if next == 0 || calibrated[next] == timestep { return quantizations[next] }
        let share = Float(timestep - calibrated[next - 1]) / Float(calibrated[next] - calibrated[next - 1])
        let a = quantizations[next - 1].range, b = quantizations[next].range
        return Quantization(covering:
            a.lowerBound + (b.lowerBound - a.lowerBound) * share...a.upperBound + (b.upperBound - a.upperBound) * share)
    }
}

extension Network {
    /// The graphs an executor runs, the preview's only where its layers are there.
    public func graphs(withPreview: Bool) -> [Graph] {
        [encoder, conditioner, noisePredictor] + (withPreview ? [preview] : [])
    }
}
