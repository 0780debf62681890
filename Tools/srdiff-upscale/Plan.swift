import SRDiff
import ToolSupport

/// What an image will cost.
struct Plan {
    /// Pixels of the image, of what the network sees, and of the result.
    let low, padded, high: (width: Int, height: Int)
    let steps: Int
    /// Multiply-accumulates: encoder and condition, then each step.
    let macsOnce, macsPerStep: Double
    let samples: Int
    /// Bytes.
    let memory: Int

    init(_ header: ImageHeader, _ model: LoadedModel, _ settings: Settings) {
        self.init(
            width: header.width, height: header.height, bytesPerPixel: header.channels * header.bitDepth / 8, model, settings
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
        // Means and squares of each sample; --consistent needs less than sampling did, which is over then.
        let extra = settings.hasStatistics ? 8 * min(bytesPerPixel, 4) : 0
        let sheet = settings.hasStatistics ? ContactSheet.memory(images: samples + 3, pixels: Int(pixels)) : 0
        switch settings.method {
        case .sampled:
            memory = sheet + MemoryEstimate.sampling(
                model.model, lrWidth: padded.width, lrHeight: padded.height, settings: settings.sampling(seed: settings.seed),
                bytesPerPixel: bytesPerPixel, extra: extra)
        case .preview, .bicubic:
            memory = MemoryEstimate.encoderImage(
                settings.method == .bicubic ? nil : model.model, scale: scale, lrWidth: padded.width, lrHeight: padded.height,
                bytesPerPixel: bytesPerPixel, extra: extra)
        }
    }

    var macs: Double { macsOnce + macsPerStep * Double(steps * samples) }

    /// Throws if the image would exceed the memory that is available now.
    func checkMemory() throws {
        try MemoryEstimate.check(memory, for: "an image of \(low.width)×\(low.height) pixels")
    }
}
