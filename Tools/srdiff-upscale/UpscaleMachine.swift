import SRDFile
import SRDImage
import SRDTensor
import SRDiff
import ToolSupport

/// Reads pictures and runs the model on them, one after another.
struct UpscaleMachine {
    let loaded: LoadedModel
    let settings: Settings
    let instructionSet: String?
    /// An executor keeps the memory of one size of picture: the next of the same size may use it.
    private var last: (width: Int, height: Int, executor: any Executor)?
    private var measured: Double?

    init(loaded: LoadedModel, settings: Settings, instructionSet: String?) {
        self.loaded = loaded
        self.settings = settings
        self.instructionSet = instructionSet
    }

    private func executor() -> any Executor { loaded.executor(threads: settings.threads, instructionSet: instructionSet) }

    /// - Parameter evenIfTooLarge: otherwise a picture that memory will not do for is refused by its header alone.
    func read(_ input: PictureInput, evenIfTooLarge: Bool, onWarning: (String) -> Void) throws -> Picture {
        try input.read(
            pixelLimit: evenIfTooLarge ? Picture.defaultPixelLimit : pixelLimit,
            ifTooLarge: { try Plan(width: $0, height: $1, bytesPerPixel: 3, loaded, settings).checkMemory() },
            onWarning: onWarning)
    }

    /// Pixels beyond which memory cannot do, whatever the picture's shape.
    private var pixelLimit: Int {
        guard let available = AvailableMemory.now()?.bytes else { return Picture.defaultPixelLimit }
        let side = 1024
        let perPixel = Plan(width: side, height: side, bytesPerPixel: 1, loaded, settings).memory / (side * side)
        return max(64 * 64, min(Picture.defaultPixelLimit, available / max(1, perPixel / 2)))
    }

    func plan(_ picture: Picture) -> Plan { Plan(picture, loaded, settings) }

    /// Samples a picture with each seed in turn.
    mutating func run(
        _ picture: Picture, seeds: [UInt64], progress: ProgressLine, label: String,
        each: (_ index: Int, _ result: Picture, _ seconds: Double) throws -> Void
    ) throws {
        let clock = ContinuousClock(), start = clock.now
        if settings.method == .bicubic {
            let result = finished(picture.resized(by: loaded.configuration.scale), picture)
            return try each(0, result, (clock.now - start).seconds)
        }
        let size = loaded.configuration.paddedSize(width: picture.width, height: picture.height)
        if last?.width != size.width || last?.height != size.height {
            last = nil                                    // its memory goes before the next takes any
            last = (size.width, size.height, executor())
        }
        try run(picture, on: last!.executor, since: start, seeds: seeds, progress: progress, label: label, each: each)
    }

    private func run(
        _ picture: Picture, on executor: some Executor, since start: ContinuousClock.Instant, seeds: [UInt64],
        progress: ProgressLine, label: String, each: (_ index: Int, _ result: Picture, _ seconds: Double) throws -> Void
    ) throws {
        let clock = ContinuousClock()
        let upscaler = Upscaler(executor: executor, schedule: loaded.schedule, threads: settings.threads)
        if settings.method == .preview {
            let result = finished(upscaler.preview(picture), picture)
            return try each(0, result, (clock.now - start).seconds)
        }
        let prepared = upscaler.prepare(picture)
        let steps = progress.restarted()
        var done = 0
        let total = settings.sampler.steps * seeds.count
        steps.show("\(label)  step 0/\(total)")
        for (i, seed) in seeds.enumerated() {
            let sampleStart = i == 0 ? start : clock.now
            let result = upscaler.upscale(prepared, settings: settings.sampling(seed: seed)) { _ in
                done += 1
                steps.show(label, done: done, of: total)
            }
            try each(i, finished(result, picture), (clock.now - sampleStart).seconds)
        }
    }

    private func finished(_ result: Picture, _ low: Picture) -> Picture {
        settings.isConsistent ? result.backProjected(onto: low, threads: settings.threads) : result
    }

    /// Measured once, on a small picture.
    mutating func secondsPerMAC() -> Double {
        if let measured { return measured }
        let seconds = secondsPerMAC(on: executor())
        measured = seconds
        return seconds
    }

    private func secondsPerMAC(on executor: some Executor) -> Double {
        let side = 24, scale = loaded.configuration.scale
        let size = loaded.configuration.paddedSize(width: side, height: side)
        let clock = ContinuousClock()
        let low = FloatTensor(height: size.height, width: size.width, channels: 3)
        let high = FloatTensor(height: size.height * scale, width: size.width * scale, channels: 3)
        let condition = executor.encode(low, enlarged: high)
        var best = Double.infinity
        for _ in 0..<3 {                                  // the first packs the weights
            let start = clock.now
            _ = executor.predictNoise(in: high, at: 0, given: condition)
            best = min(best, (clock.now - start).seconds)
        }
        return best / (Double(high.height * high.width) * loaded.network.noisePredictor.macsPerPixel)
    }
}
