import SRDImage
import SRDMetrics
import SRDRuntime
import SRDTensor
import SRDModel

/// Finds, for few steps, the timesteps and the fresh noise with which a model draws best.
///
/// Best is: the least perceptual distance to the originals (LPIPS) among those that lose no PSNR to many steps of DDPM. Being near to
/// the many-step image is no aim: few steps with the right amount of noise are better than it on both counts.
public struct ScheduleSearch {
    /// The sampler that must not be better in PSNR, and whose LPIPS is the unit.
    public static var fullSteps: Int { 100 }
    /// Numbers of steps that a converter searches for.
    public static var steps: [Int] { [2, 3, 4, 6, 8, 12, 16, 20] }

    /// Means over the images.
    public struct Quality: Hashable, Sendable {
        /// dB against the originals.
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
    /// Of many steps.
    public private(set) var full = Quality(psnr: 0, lpips: 0)

    /// - Parameters:
    ///   - model: the model as it will be used: int8 errors are part of the image.
    ///   - progress: called with noise predictions done and in all.
    /// - Returns: nil where no image has an original that LPIPS can look at (`LPIPS.leastSide`).
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

    /// What `sampler` draws, with the same noise each time.
    ///
    /// - Parameter step: called after each noise prediction.
    public func quality(of sampler: TimestepSchedule, fidelity: Fidelity = .sample, step: () -> Void = {}) -> Quality {
        var mean = Quality(psnr: 0, lpips: 0)
        for (i, image) in images.enumerated() {
            let sampling = SamplingSettings(schedule: sampler, seed: settings.seed &+ UInt64(i), fidelity: fidelity)
            let result = pipeline.upscale(image.prepared, settings: sampling) { _, _ in step() }
            let psnr = min(Self.mostPSNR, ImageMetrics.psnr(result, image.original))
            mean.psnr += psnr / Double(images.count)
            mean.lpips += lpips.distance(image.seen, lpips.features(of: result, threads: settings.threads)!) / Double(images.count)
        }
        return mean
    }

    /// Equal images have no finite one.
    private static var mostPSNR: Double { 100 }

    /// 1 for what is as good as many steps. A decibel below them weighs as much as all of their LPIPS: along the frontier that
    /// samplers trade the two on, a decibel buys a third of it.
    package func cost(_ quality: Quality) -> Double {
        quality.lpips / max(full.lpips, .leastNormalMagnitude) + max(0, full.psnr + Self.margin - quality.psnr)
    }

    /// dB kept in hand: what holds on these images must hold on others.
    private static var margin: Double { 0.2 }

    // MARK: Search

    /// Few numbers that timesteps and noise follow, and the best for one number of steps is a good start for the next. Each transition's own
    /// timestep and noise, tried too, overfit: 8 steps were 8 % of LPIPS better on eleven patches, 2 % on Set5 and Set14, and lost 0.17 dB.
    package struct Family: Hashable {
        /// The noisiest and the cleanest timestep, as shares of the last.
        package var start = 0.7, end = 0.0
        /// Timesteps fall as this power of the share that is left.
        package var power = 1.0
        /// Fresh noise, as a share of DDPM's.
        package var eta = 1.0

        package init(start: Double = 0.7, end: Double = 0, power: Double = 1, eta: Double = 1) {
            self.start = start
            self.end = end
            self.power = power
            self.eta = eta
        }

        /// Another start: timesteps closer together near 0, less noise.
        static var second: Family { Family(start: 0.8, power: 1.5, eta: 0.5) }

        package func transitions(_ count: Int, timesteps: Int) -> [TimestepTransition] {
            let last = Double(timesteps - 1)
            var transitions: [TimestepTransition] = []
            for i in 0..<count {
                let left = count == 1 ? 1 : Double(count - 1 - i) / Double(count - 1)
                let share = left == 0 ? 0 : Mathematics.exp(power * Mathematics.log(left))
                let wanted = Int((last * (end + (start - end) * share)).rounded(.toNearestOrEven))
                // Where they crowd, one after another.
                let most = (transitions.last?.timestep ?? timesteps) - 1
                transitions.append(TimestepTransition(timestep: max(count - 1 - i, min(wanted, most)), eta: eta))
            }
            return transitions
        }

        /// One number more or less, by `size`: 1 for large changes.
        func changes(_ size: Double) -> [Family] {
            var all: [Family] = []
            for sign in [-1.0, 1] {
                all.append(with { $0.start = max(0.2, min(1, start + sign * 0.16 * size)) })
                all.append(with { $0.power = max(0.5, min(4, power + sign * 0.5 * size)) })
                all.append(with { $0.eta = max(0, min(1, eta + sign * 0.5 * size)) })
                all.append(with { $0.end = max(0, min(0.2, end + sign * 0.08 * size)) })
            }
            return all
        }

        private func with(_ change: (inout Family) -> Void) -> Family {
            var changed = self
            change(&changed)
            return changed
        }
    }

    private static var sizes: [Double] { [1, 1, 0.5, 0.5, 0.25, 0.125] }
    /// Schedules that `search` tries for a number of steps.
    private static var tries: Int { 2 + sizes.count * Family().changes(1).count }

    /// The best schedules of so many steps each, ascending, that are found. The same for every number of threads.
    ///
    /// - Parameter progress: called with the number of steps searched for, and noise predictions done and in all.
    public func search(
        _ counts: [Int], progress: (_ steps: Int, _ done: Int, _ total: Int) -> Void = { _, _, _ in }
    ) -> [SearchedTimestepSchedule] {
        let total = counts.reduce(0) { $0 + $1 * Self.tries * images.count }
        var family = Family(), done = 0
        return counts.map { count in
            search(count, from: &family) {
                done += count * images.count
                progress(count, done, total)
            }
        }
    }

    private func search(_ count: Int, from family: inout Family, tried: () -> Void) -> SearchedTimestepSchedule {
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
        if take(Family.second.transitions(count, timesteps: schedule.timesteps)) { family = .second }
        for size in Self.sizes {
            for i in family.changes(size).indices {
                let change = family.changes(size)[i]
                if take(change.transitions(count, timesteps: schedule.timesteps)) { family = change }
            }
        }
        return measured(best)
    }

    /// Measures a schedule that the model was trained for.
    ///
    /// - Parameter fidelity: of the images that are measured; nil finds the best.
    public func measured(_ transitions: [TimestepTransition], fidelity: Fidelity? = nil) -> SearchedTimestepSchedule {
        let schedule = TimestepSchedule.transitions(transitions)
        let candidates = fidelity.map { [$0] } ?? (pipeline.executor.model.hasPreview ? Self.fidelities : [.sample])
        let found = candidates.map { (fidelity: $0, quality: quality(of: schedule, fidelity: $0)) }
        let best = found.min { cost($0.quality) < cost($1.quality) }!
        return SearchedTimestepSchedule(
            transitions: transitions, psnrGain: Float(best.quality.psnr - full.psnr),
            lpipsRatio: Float(best.quality.lpips / max(full.lpips, .leastNormalMagnitude)), fidelity: best.fidelity)
    }

    /// The fidelities that are tried for a schedule: σ from ∞ down to 0.75 pixels.
    private static var fidelities: [Fidelity] { [0, 0.25, 0.35, 0.43, 0.5, 0.6, 0.667].map { Fidelity($0)! } }
}
