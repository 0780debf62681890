import SRDTensor

extension Model {
    /// The tensors of a model that was never trained, for tests and benchmarks: weights of the size that keeps activations
    /// near 1.
    package static func randomTensors(
        _ configuration: Configuration, using random: inout some RandomNumberGenerator
    ) -> [String: FloatTensor] {
        let network = Network(configuration)
        var tensors: [String: FloatTensor] = [:]
        for parameter in network.samplingParameters + network.preview.parameters {
            let inputs = max(1, parameter.count / parameter.shape[0]), spread = (3 / Float(inputs)).squareRoot()
            tensors[parameter.name] = FloatTensor(
                shape: parameter.shape, values: (0..<parameter.count).map { _ in .random(in: -spread...spread, using: &random) })
        }
        let betas = NoiseSchedule.cosine(timesteps: configuration.timesteps).betas
        tensors["betas"] = FloatTensor(shape: [betas.count], values: betas.map { Float($0) })
        return tensors
    }
}
