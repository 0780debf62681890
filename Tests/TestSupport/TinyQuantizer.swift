import SRDFile
import SRDImage
import SRDQuantizer
import SRDModel

/// Int8 models of tiny float ones, calibrated on noise.
public enum TinyQuantizer {
    public static func images(_ count: Int = 2, side: Int = 12, seed: UInt64 = 7) -> CalibrationSet {
        var random = SeededRandom(seed: seed)
        let images = (0..<count).map { _ in
            Image(
                width: side, height: side - 2, channels: 3, bitDepth: 8,
                samples: (0..<side * (side - 2) * 3).map { _ in UInt16.random(in: 0...255, using: &random) })
        }
        return CalibrationSet(lowResolution: images, side: side, seed: seed, description: "noise")
    }

    public static func settings(steps: Int = 3) -> QuantizerSettings {
        var settings = QuantizerSettings()
        settings.steps = steps
        return settings
    }

    /// - Parameter edit: what to change of the ordinary recipe.
    public static func quantize(
        _ model: Model, settings: QuantizerSettings = settings(), edit: (inout Recipe) -> Void = { _ in }
    ) throws -> Model {
        var recipe = Recipe(for: model.network, hasPreview: model.hasPreview)
        edit(&recipe)
        return try Quantizer(model, settings: settings).quantize(
            recipe, Statistics(of: model, on: images(), settings: settings))
    }
}

extension TinyQuantizer {
    /// The tiny model's file.
    public static func write(to path: String) throws {
        let hash = String(repeating: "0", count: 64)
        try QuantizedModelFile(
            model: try quantize(try TinyModel.model()),
            provenance: .init(
                sourceSHA256: hash, calibration: "noise", calibrationSHA256: hash, settings: "", tool: "a test"
            )
        ).write(to: path)
    }
}
