import SRDImage
import SRDiff
import ToolSupport

/// What a picture will cost.
struct Plan {
    /// Pixels of the picture, of what the network sees, and of the result.
    let low, padded, high: (width: Int, height: Int)
    let steps: Int
    /// Multiply-accumulates: encoder and condition, then each step.
    let macsOnce, macsPerStep: Double
    let samples: Int
    /// Bytes.
    let memory: Int

    init(_ picture: Picture, _ model: LoadedModel, _ settings: Settings) {
        self.init(
            width: picture.width, height: picture.height, bytesPerPixel: picture.channels * picture.bitDepth / 8, model, settings
        )
    }

    init(width: Int, height: Int, bytesPerPixel: Int, _ model: LoadedModel, _ settings: Settings) {
        let scale = model.configuration.scale, network = model.network
        low = (width, height)
        padded = model.configuration.paddedSize(width: width, height: height)
        high = (width * scale, height * scale)
        let pixels = Double(padded.width * padded.height) * Double(scale * scale)
        steps = settings.method == .sampled ? settings.sampler.steps : 0
        samples = settings.samples
        macsOnce = switch settings.method {
        case .sampled: pixels * (network.encoder.macsPerPixel + network.conditioner.macsPerPixel)
        case .preview: pixels * (network.encoder.macsPerPixel + network.preview.macsPerPixel)
        case .bicubic: 0
        }
        macsPerStep = pixels * network.noisePredictor.macsPerPixel
        // Beside the executor: x_t, the noise where it is drawn for all pixels at once, earlier x0 and, of a float model, the
        // prediction; the result's samples and its file.
        let noise = settings.generator == .torch ? 3 : 0
        let fields = settings.method != .sampled ? 2 : 1 + noise + settings.sampler.memory + (model.isFloat ? 2 : 0)
        let perPixel = fields * 12 + 3 * 2 + 2 * bytesPerPixel
        let executor = settings.method == .bicubic ? 0 : model.memoryEstimate(
            lowWidth: padded.width, lowHeight: padded.height, preview: settings.method == .preview
        )
        memory = executor + Int(pixels) * perPixel + (12 << 20)
    }

    var macs: Double { macsOnce + macsPerStep * Double(steps * samples) }

    func checkMemory() throws {
        guard let available = Machine.availableMemory, memory > available else { return }
        throw ToolError("""
            \(low.width)×\(low.height) pixels need about \(Text.bytes(memory)) of memory, \(Text.bytes(available)) are free: \
            use a smaller picture, or --force
            """)
    }
}
