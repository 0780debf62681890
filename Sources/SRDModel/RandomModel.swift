import SRDTensor

extension Model {
    /// Returns the tensors of an untrained model for tests and benchmarks. Its weights keep activations near 1.
    package static func randomTensors(
        _ configuration: Configuration, using random: inout some RandomNumberGenerator
    ) -> [String: FloatTensor] {
        let network = Network(configuration)
        var tensors: [String: FloatTensor] = [:]
        for parameter in network.samplingParameters + network.preview.parameters {
            let inputs = max(1, parameter.count / parameter.shape[0]), spread = (3 / Float(inputs)).squareRoot()
            tensors[parameter.name] = FloatTensor(
                shape: parameter.shape,
                values: (0..<parameter.count).map { _ in .random(in: -spread...spread, using: &random) })
        }
        let betas = NoiseSchedule.cosine(timesteps: configuration.timesteps).betas
        tensors["betas"] = FloatTensor(shape: [betas.count], values: betas.map { Float($0) })
        return tensors
    }
}
