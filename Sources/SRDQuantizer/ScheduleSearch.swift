import SRDImage
import SRDMetrics
import SRDRuntime
import SRDTensor
import SRDModel

/// Finds the timesteps and the fresh noise with which a model samples best in few steps.
///
/// The best schedule has the least perceptual distance to the originals (LPIPS) among those that lose no PSNR to 100
/// steps of DDPM. Similarity to the image of 100 steps is not a criterion: few steps with the right amount of noise
/// have a lower LPIPS and a higher PSNR than it.
public struct ScheduleSearch {
    /// The steps of DDPM that schedules are compared with.
    public static var fullSteps: Int { 100 }
    /// The numbers of steps that are searched for by default.
    public static var steps: [Int] { [2, 3, 4, 6, 8, 12, 16, 20] }

    /// Mean quality over the images.
    public struct Quality: Hashable, Sendable {
        /// PSNR against the originals, in dB.
        public var psnr: Double
        public var lpips: Double

        public init(psnr: Double, lpips: Double) {
            self.psnr = psnr
            self.lpips = lpips
        }
    }

    private let pipeline: Pipeline
    private let schedule: NoiseSchedule
    private let lpips: LPIPS
    private let settings: QuantizerSettings
    private let images: [(prepared: Pipeline.Prepared, original: Image, seen: LPIPS.Features)]
    /// The quality of `fullSteps` steps of DDPM.
    public private(set) var full = Quality(psnr: 0, lpips: 0)

    /// Creates a search and measures `full`, or returns nil if no original is large enough for LPIPS
    /// (`LPIPS.leastSide`).
    ///
    /// - Parameters:
    ///   - model: the model as it will be used, usually int8.
    ///   - progress: called with the noise predictions done and their total.
    public init?(
        _ model: Model, on set: CalibrationSet, lpips: LPIPS, settings: QuantizerSettings,
        progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
    ) {
        let pipeline = Pipeline(Executor(model, threads: settings.threads)), schedule = model.schedule
        images = zip(set.images, set.originals).compactMap { low, original in
            lpips.features(of: original, threads: settings.threads).map {
                (pipeline.prepare(low, fidelity: model.hasPreview ? Fidelity(1)! : .sample), original, $0)
            }
        }
        guard !images.isEmpty else { return nil }
        self.pipeline = pipeline
        self.schedule = schedule
        self.lpips = lpips
        self.settings = settings
        let sampler = TimestepSchedule.ancestral(steps: min(Self.fullSteps, schedule.timesteps))
        var done = 0
        let total = sampler.steps * images.count
        full = quality(of: sampler) {
            done += 1
            progress(done, total)
        }
    }

    /// Returns the quality of a schedule, always with the same noise.
    ///
    /// - Parameter step: called after each noise prediction.
    public func quality(of sampler: TimestepSchedule, fidelity: Fidelity = .sample, step: () -> Void = {}) -> Quality {
        var mean = Quality(psnr: 0, lpips: 0)
        for (i, image) in images.enumerated() {
            let sampling = SamplingSettings(schedule: sampler, seed: settings.seed &+ UInt64(i), fidelity: fidelity)
            let result = pipeline.upscale(image.prepared, settings: sampling) { _, _ in step() }
            let psnr = min(Self.mostPSNR, ImageMetrics.psnr(result, image.original))
            mean.psnr += psnr / Double(images.count)
            mean.lpips +=
                lpips.distance(image.seen, lpips.features(of: result, threads: settings.threads)!)
                / Double(images.count)
        }
        return mean
    }

    /// The PSNR that counts for equal images, whose PSNR is infinite.
    private static var mostPSNR: Double { 100 }

    /// Returns the criterion of the search: LPIPS relative to `full`, plus the decibels of PSNR below that of `full`
    /// and the margin. A lost decibel weighs as much as all of the LPIPS of `full`; samplers trade a decibel for a
    /// third of that.
    package func cost(_ quality: Quality) -> Double {
        quality.lpips / max(full.lpips, .leastNormalMagnitude) + max(0, full.psnr + Self.margin - quality.psnr)
    }

    /// Returns the criterion for the fidelity of a schedule: a decibel weighs as much as a tenth of the LPIPS of
    /// `full`. With the shipped models that is near the knee of the curve.
    private func fidelityCost(_ quality: Quality) -> Double {
        quality.lpips / max(full.lpips, .leastNormalMagnitude) - 0.1 * quality.psnr
    }

    /// The PSNR in dB by which a schedule should exceed `full`, since it must not lose on other images either.
    private static var margin: Double { 0.2 }

    // MARK: Search

    private static var sizes: [Double] { [1, 1, 0.5, 0.5, 0.25, 0.125] }
    /// The number of schedules that `search` tries for each number of steps.
    private static var tries: Int { 2 + sizes.count * ScheduleFamily().changes(1).count }

    /// Returns the best schedule found for each number of steps. The result does not depend on the number of threads.
    ///
    /// - Parameters:
    ///   - counts: numbers of steps, ascending.
    ///   - progress: called with the number of steps that is searched for, the noise predictions done and their total.
    public func search(
        _ counts: [Int], progress: (_ steps: Int, _ done: Int, _ total: Int) -> Void = { _, _, _ in }
    ) -> [SearchedTimestepSchedule] {
        let total = counts.reduce(0) { $0 + $1 * Self.tries * images.count }
        var family = ScheduleFamily(), done = 0
        return counts.map { count in
            search(count, from: &family) {
                done += count * images.count
                progress(count, done, total)
            }
        }
    }

    private func search(_ count: Int, from family: inout ScheduleFamily, tried: () -> Void) -> SearchedTimestepSchedule
    {
        var seen: [[TimestepTransition]: Quality] = [:]
        func cost(_ transitions: [TimestepTransition]) -> Double {
            tried()
            let quality = seen[transitions] ?? self.quality(of: .transitions(transitions))
            seen[transitions] = quality
            return self.cost(quality)
        }
        var best = family.transitions(count, timesteps: schedule.timesteps), least = cost(best)
        func take(_ transitions: [TimestepTransition]) -> Bool {
            let found = cost(transitions)
            guard found < least else { return false }
            (best, least) = (transitions, found)
            return true
        }
        if take(ScheduleFamily.second.transitions(count, timesteps: schedule.timesteps)) { family = .second }
        for size in Self.sizes {
            for i in family.changes(size).indices {
                let change = family.changes(size)[i]
                if take(change.transitions(count, timesteps: schedule.timesteps)) { family = change }
            }
        }
        return measured(best)
    }

    /// Measures a schedule.
    ///
    /// - Parameter fidelity: the fidelity to measure with, or nil to find the best one.
    public func measured(_ transitions: [TimestepTransition], fidelity: Fidelity? = nil) -> SearchedTimestepSchedule {
        let schedule = TimestepSchedule.transitions(transitions)
        let candidates = fidelity.map { [$0] } ?? (pipeline.executor.model.hasPreview ? Self.fidelities : [.sample])
        let found = candidates.map { (fidelity: $0, quality: quality(of: schedule, fidelity: $0)) }
        let best = found.min { fidelityCost($0.quality) < fidelityCost($1.quality) }!
        return SearchedTimestepSchedule(
            transitions: transitions, psnrGain: Float(best.quality.psnr - full.psnr),
            lpipsRatio: Float(best.quality.lpips / max(full.lpips, .leastNormalMagnitude)), fidelity: best.fidelity)
    }

    /// The fidelities that are tried for a schedule, with σ from ∞ down to 0.75 pixels.
    private static var fidelities: [Fidelity] { [0, 0.25, 0.35, 0.43, 0.5, 0.6, 0.667].map { Fidelity($0)! } }
}
