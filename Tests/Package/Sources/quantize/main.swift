import SRDFile
import SRDQuantizer
import SRDiff

let arguments = CommandLine.arguments
let loaded = try LoadedModel.read(arguments[1])
let model = try loaded.float()

// Images as the model will see them: low resolution. A few dozen of varied content are enough.
let images = try arguments[3...].map { try Image(contentsOf: $0).cropped(x: 0, y: 0, width: 32, height: 32) }
let set = CalibrationSet(lowResolution: images, side: 32, seed: 0, description: "my images")

let settings = QuantizerSettings()
let statistics = try Statistics(of: model, on: set, settings: settings)
let recipe = Recipe(for: model.network, hasPreview: model.hasPreview)
let quantized = Quantizer(model, settings: settings).quantize(recipe, statistics)
try QuantizedModelFile(
    model: quantized,
    provenance: .init(
        sourceSHA256: loaded.sha256, calibration: set.description, calibrationSHA256: set.sha256,
        settings: settings.description, tool: "my tool"
    )
).write(to: arguments[2])
