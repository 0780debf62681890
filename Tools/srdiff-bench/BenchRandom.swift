import SRDQuantizer
import SRDImage
import SRDModel
import ToolSupport

/// SplitMix64: the same numbers in every run.
struct BenchRandom: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }

    mutating func image(width: Int, height: Int) -> Image {
        Image(
            width: width, height: height, channels: 3, bitDepth: 8,
            samples: (0..<width * height * 3).map { _ in .random(in: 0...255, using: &self) })
    }
}

/// Networks that can be measured without a trained model: time does not depend on the weights.
enum RandomModel: String, CaseIterable {
    case paper, edge

    var configuration: Configuration {
        switch self {
        case .paper: Configuration(hiddenSize: 64, multipliers: [1, 2, 2, 4], encoderBlocks: 8, encoderFeatures: 32, scale: 4)
        case .edge: Configuration(hiddenSize: 32, multipliers: [1, 2, 2, 4], encoderBlocks: 8, encoderFeatures: 32, scale: 4)
        }
    }

    func model() throws -> Model {
        var random = BenchRandom(state: 1)
        return try Model(tensors: Model.randomTensors(configuration, using: &random))
    }

    func quantized(threads: Int) throws -> QuantizedModel {
        let model = try model()
        var random = BenchRandom(state: 2), settings = QuantizerSettings()
        settings.steps = 1
        settings.threads = threads
        let images = CalibrationSet(lowResolution: [random.image(width: 8, height: 8)], side: 8, seed: 0, description: "noise")
        let recipe = Recipe(for: model.network, hasPreview: model.hasPreview)
        return try Quantizer(model, settings: settings).quantize(recipe, Statistics(of: model, on: images, settings: settings))
    }
}
