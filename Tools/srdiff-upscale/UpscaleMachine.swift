import SRDFile
import SRDiff
import SRDTensor
import ToolSupport

/// Runs the model on images, one after another.
final class UpscaleMachine {
    let loaded: LoadedModel
    let settings: Settings
    let instructionSet: InstructionSet
    /// The executor's workspace fits images of one size; the next image of the same size reuses it.
    private var last: (width: Int, height: Int, upscaler: Upscaler)?
    private var measured: Double?

    init(loaded: LoadedModel, settings: Settings, instructionSet: InstructionSet) {
        self.loaded = loaded
        self.settings = settings
        self.instructionSet = instructionSet
    }

    /// Whether the model has been named to the user.
    var isAnnounced = false

    /// Releases the memory of the last image size.
    func releaseWorkspace() { last = nil }

    private func upscaler() throws -> Upscaler {
        try Upscaler(loaded, options: .init(threads: settings.threads, instructionSet: instructionSet))
    }

    func plan(_ header: ImageHeader) throws -> Plan { try Plan(header, loaded, settings) }

    /// Samples an image with each seed in turn.
    func run(
        _ image: Image, seeds: [UInt64], progress: ProgressLine, label: String,
        each: (_ index: Int, _ result: Image, _ seconds: Double) throws -> Void
    ) throws {
        let clock = ContinuousClock(), start = clock.now
        if settings.method == .bicubic {
            let result = finished(image.resized(by: loaded.configuration.scale), image)
            return try each(0, result, (clock.now - start).seconds)
        }
        let size = loaded.configuration.paddedSize(width: image.width, height: image.height)
        if last?.width != size.width || last?.height != size.height {
            last = nil  // released before the next one is allocated
            last = (size.width, size.height, try upscaler())
        }
        let upscaler = last!.upscaler
        if settings.method == .preview {
            let result = finished(try upscaler.encoderImage(image), image)
            return try each(0, result, (clock.now - start).seconds)
        }
        let prepared = upscaler.pipeline.prepare(image, fidelity: settings.fidelity)
        let steps = progress.restarted()
        var done = 0
        let total = settings.sampler.steps * seeds.count
        steps.show("\(label)  step 0/\(total)")
        for (i, seed) in seeds.enumerated() {
            let sampleStart = i == 0 ? start : clock.now
            let result = try upscaler.upscale(prepared, settings: settings.sampling(seed: seed)) { _, _ in
                done += 1
                steps.show(label, done: done, of: total)
            }
            try each(i, finished(result, image), (clock.now - sampleStart).seconds)
        }
    }

    /// Computes some rows of the result and passes them to `band` from top to bottom.
    ///
    /// - Parameter memory: bytes that may be used; nil for what is available.
    func run(
        _ image: Image, rows: Range<Int>, seed: UInt64, memory: Int?, progress: ProgressLine, label: String,
        band: (Image) throws -> Void
    ) throws {
        if settings.method == .bicubic {
            for first in stride(from: rows.lowerBound, to: rows.upperBound, by: 256) {
                try band(image.resized(by: loaded.configuration.scale, rows: first..<min(first + 256, rows.upperBound)))
            }
            return
        }
        last = nil  // tiles are of several sizes
        let upscaler = try upscaler()
        if settings.method == .preview { return try upscaler.encoderImage(image, rows: rows, memory: memory, band) }
        let steps = progress.restarted()
        steps.show("\(label)  step 0")
        try upscaler.upscale(image, rows: rows, settings: settings.sampling(seed: seed), memory: memory) {
            done, total in
            steps.show(label, done: done, of: total)
        } _: {
            try band($0)
        }
    }

    private func finished(_ result: Image, _ low: Image) -> Image {
        settings.isConsistent ? result.backProjected(onto: low, threads: settings.threads) : result
    }

    /// Measured once, on a small image.
    func secondsPerMAC() throws -> Double {
        if let measured { return measured }
        let executor = try upscaler().pipeline.executor
        let side = 24, scale = loaded.configuration.scale
        let size = loaded.configuration.paddedSize(width: side, height: side)
        let clock = ContinuousClock()
        let low = FloatTensor(height: size.height, width: size.width, channels: 3)
        let high = FloatTensor(height: size.height * scale, width: size.width * scale, channels: 3)
        let condition = executor.encode(low, upsampled: high)
        var best = Double.infinity
        for _ in 0..<3 {  // the first packs the weights
            let start = clock.now
            _ = executor.predictNoise(in: high, at: 0, given: condition)
            best = min(best, (clock.now - start).seconds)
        }
        let seconds = best / (Double(high.height * high.width) * loaded.network.noisePredictor.macsPerPixel)
        measured = seconds
        return seconds
    }
}
