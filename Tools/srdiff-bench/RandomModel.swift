import SRDQuantizer
import SRDTensor
import SRDiff
import ToolSupport

extension SplitMix64 {
    /// Returns an image of noise.
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
        case .paper:
            Configuration(hiddenSize: 64, multipliers: [1, 2, 2, 4], encoderBlocks: 8, encoderFeatures: 32, scale: 4)
        case .edge:
            Configuration(hiddenSize: 32, multipliers: [1, 2, 2, 4], encoderBlocks: 8, encoderFeatures: 32, scale: 4)
        }
    }

    func model() throws -> Model {
        var random = SplitMix64(seed: 1)
        return try Model(tensors: Model.randomTensors(configuration, using: &random))
    }

    func quantized(threads: Int) throws -> Model {
        let model = try model()
        var random = SplitMix64(seed: 2), settings = QuantizerSettings()
        settings.steps = 1
        settings.threads = threads
        let images = CalibrationSet(
            lowResolution: [random.image(width: 8, height: 8)], side: 8, seed: 0, description: "noise")
        let recipe = Recipe(for: model.network, hasPreview: model.hasPreview)
        return try Quantizer(model, settings: settings).quantize(
            recipe, Statistics(of: model, on: images, settings: settings))
    }
}
