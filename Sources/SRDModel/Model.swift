import SRDTensor

/// A trained model in float: its configuration, its noise schedule and its checked weights.
public struct Model: Sendable {
    public let network: Network
    public let schedule: NoiseSchedule
    /// By the checkpoint's own names, in PyTorch's layout.
    public let weights: [String: FloatTensor]
    /// Whether the encoder's own image can be made: some files leave its layers out.
    public let hasPreview: Bool

    public var configuration: Configuration { network.configuration }

    /// Of parts that are checked already.
    public init(network: Network, schedule: NoiseSchedule, weights: [String: FloatTensor], hasPreview: Bool) {
        self.network = network
        self.schedule = schedule
        self.weights = weights
        self.hasPreview = hasPreview
    }

    /// Checks every tensor that the configuration, itself read off the shapes, calls for; drops all others.
    public init(tensors: [String: FloatTensor]) throws(ModelError) {
        network = Network(try Configuration(shapes: tensors.mapValues(\.shape)))
        func take(_ parameters: [Parameter], into weights: inout [String: FloatTensor]) throws(ModelError) {
            for parameter in parameters {
                guard let tensor = tensors[parameter.name] else {
                    throw .missing(name: parameter.name, expected: parameter.shape)
                }
                guard tensor.shape == parameter.shape else {
                    throw .misshapen(name: parameter.name, found: tensor.shape, expected: parameter.shape)
                }
                guard tensor.values.allSatisfy(\.isFinite) else { throw .notFinite(name: parameter.name) }
                weights[parameter.name] = tensor
            }
        }
        var weights: [String: FloatTensor] = [:]
        try take(network.samplingParameters, into: &weights)
        hasPreview = network.preview.parameters.contains { tensors[$0.name] != nil }
        if hasPreview { try take(network.preview.parameters, into: &weights) }
        self.weights = weights
        schedule = try NoiseSchedule(tensors: tensors)
    }
}
