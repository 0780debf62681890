import SRDiff
import ToolSupport

/// What an image will cost.
struct Plan {
    /// Sizes in pixels of the image, of the padded image, and of the result or the rows of it.
    let low, padded, high: (width: Int, height: Int)
    let steps: Int
    /// Multiply-accumulates: encoder and condition, then each step.
    let macsOnce, macsPerStep: Double
    let samples: Int
    /// Bytes.
    let memory: Int

    /// Throws if the result lacks the rows that are asked for, or cannot be computed in parts.
    init(_ header: ImageHeader, _ model: LoadedModel, _ settings: Settings) throws {
        let width = header.width, height = header.height, bytesPerPixel = header.channels * header.bitDepth / 8
        let scale = model.configuration.scale, network = model.network
        low = (width, height)
        padded = model.configuration.paddedSize(width: width, height: height)
        let rows = try settings.rows?.rows(of: height * scale)
        high = (width * scale, rows?.count ?? height * scale)
        steps = settings.method == .sampled ? settings.sampler.steps : 0
        samples = settings.samples
        // Pixels for which the encoder runs, and the rest.
        var encoded = Double(padded.width * padded.height) * Double(scale * scale), sampled = encoded
        let region = rows.map { ResultRegion(columns: 0..<width * scale, rows: $0) }
        if let region, settings.method != .bicubic {
            guard network.isLocal else { throw SRDiffError.needsWholeImage(path: model.path) }
            let fidelity = settings.method == .sampled ? settings.fidelity : .sample
            let window = Window(region, of: network, width: width, height: height, steps: steps, fidelity: fidelity)
            encoded = Double(window.encoded.count * scale * scale)
            sampled = Double(window.sampled.count * scale * scale)
        }
        macsOnce =
            switch settings.method {
            case .sampled: encoded * network.encoder.macsPerPixel + sampled * network.conditioner.macsPerPixel
            case .preview: encoded * network.encoder.macsPerPixel + sampled * network.preview.macsPerPixel
            case .bicubic: 0
            }
        macsPerStep = sampled * network.noisePredictor.macsPerPixel
        // Means and squares of each sample; --consistent needs less than sampling did, which is over then.
        let extra = settings.hasStatistics ? 8 * min(bytesPerPixel, 4) : 0
        let sheet = settings.hasStatistics ? ContactSheet.memory(images: samples + 3, pixels: Int(sampled)) : 0
        let sampling = settings.method == .sampled ? settings.sampling(seed: settings.seed) : nil
        if let region, settings.method != .bicubic {
            memory = MemoryEstimate.region(
                region, of: model.model, width: width, height: height, settings: sampling, channels: header.channels)
        } else if let sampling {
            memory =
                sheet
                + MemoryEstimate.sampling(
                    model.model, lrWidth: padded.width, lrHeight: padded.height, settings: sampling,
                    bytesPerPixel: bytesPerPixel,
                    extra: extra)
        } else {
            memory = MemoryEstimate.encoderImage(
                settings.method == .bicubic ? nil : model.model, scale: scale, lrWidth: padded.width,
                lrHeight: padded.height,
                bytesPerPixel: bytesPerPixel, extra: extra)
        }
    }

    var macs: Double { macsOnce + macsPerStep * Double(steps * samples) }

    /// Throws if the image would exceed the memory that is available now.
    func checkMemory() throws {
        try MemoryEstimate.check(memory, for: "an image of \(low.width)×\(low.height) pixels")
    }
}
