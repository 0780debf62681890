import SRDFile
import SRDTensor
import SRDModel

/// A model of random weights, small enough to run in a blink: it tests arithmetic, not images.
public enum TinyModel {
    public static let configuration = Configuration(
        hiddenSize: 8, multipliers: [1, 2], encoderBlocks: 2, encoderFeatures: 8, scale: 4, timesteps: 20
    )

    public static func tensors(_ configuration: Configuration = configuration, seed: UInt64 = 1) -> [String:
        FloatTensor]
    {
        var random = SeededRandom(seed: seed)
        return Model.randomTensors(configuration, using: &random)
    }

    public static func model(_ configuration: Configuration = configuration, seed: UInt64 = 1) throws -> Model {
        try Model(tensors: tensors(configuration, seed: seed))
    }

    public static func write(to path: String, _ tensors: [String: FloatTensor] = tensors()) throws {
        try Safetensors.write(tensors.map { SafetensorsTensor($0.key, $0.value) }, to: path)
    }
}
