import SRDFloat
import SRDImage
import SRDMetrics
import SRDTensor
import SRDiff

/// Finds the few timesteps whose result comes nearest to that of many: DDIM without noise over (up to) 100.
///
/// The many-step trajectories of the calibration pictures are watched once. From their inner products follows the error of any
/// jump that starts on them, for all timesteps at once; dynamic programming adds jumps up, and what it finds is then run.
public struct ScheduleSearch {
    /// Noise predictions of the result that is to be matched.
    public static let fullSteps = 100
    /// Numbers of steps that a converter searches for.
    public static let steps = [2, 3, 4, 6, 8, 12, 16, 20]

    private let model: Model
    private let upscaler: Upscaler<WatchedExecutor<FloatExecutor>>
    private let prepared: [Upscaler<WatchedExecutor<FloatExecutor>>.Prepared]
    private let settings: QuantizerSettings
    /// The full results' x_0, and the mean square of what they are off the originals; nil without originals.
    private let results: [FloatTensor]
    private let ownError: Double?
    /// Timesteps of the full trajectory, from the noisiest, and its errors.
    private let grid: [Int]
    private let jumps: JumpErrors

    /// - Parameter progress: called with noise predictions done and in all.
    public init(
        _ model: Model, on set: CalibrationSet, settings: QuantizerSettings, progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
    ) {
        self.model = model
        self.settings = settings
        let watched = WatchedExecutor(FloatExecutor(model, threads: settings.threads))
        upscaler = Upscaler(executor: watched, schedule: model.schedule, threads: settings.threads)
        let upscaler = upscaler
        prepared = set.pictures.map { upscaler.prepare($0) }
        let sampler = SamplerSchedule.ddim(steps: min(Self.fullSteps, model.schedule.timesteps), eta: 0)
        let steps = sampler.steps(of: model.schedule)
        grid = steps.map(\.timestep)

        var trajectory = Trajectory(steps: steps, pictures: set.pictures.count), done = 0, results: [FloatTensor] = []
        watched.onNoise = { x, _, _, noise in trajectory.add(x, noise) }
        for i in prepared.indices {
            results.append(upscaler.residual(prepared[i], settings: Self.sampling(sampler, settings, i)) { _ in
                done += 1
                progress(done, steps.count * set.pictures.count)
            })
            trajectory.end(results[i])
        }
        watched.onNoise = nil
        self.results = results
        jumps = JumpErrors(trajectory, grid: grid, schedule: model.schedule)
        var off = 0.0
        for (i, original) in set.originals.enumerated() {
            off += PictureMetrics.meanSquare(upscaler.picture(of: results[i], prepared[i]), original)
        }
        ownError = set.originals.isEmpty ? nil : off / Double(set.originals.count)
    }

    private static func sampling(_ sampler: SamplerSchedule, _ settings: QuantizerSettings, _ i: Int) -> SamplingSettings {
        SamplingSettings(sampler: sampler, seed: settings.seed &+ UInt64(i))
    }

    /// Mean square of the difference between what `sampler` draws and the full result, in codes of 8 bits.
    public func error(_ sampler: SamplerSchedule) -> Double { error(sampler, pictures: prepared.count) }

    private func error(_ sampler: SamplerSchedule, pictures: Int) -> Double {
        var sum = 0.0, count = 0
        for i in prepared.indices.prefix(pictures) {
            let found = upscaler.residual(prepared[i], settings: Self.sampling(sampler, settings, i)) { _ in }
            for (a, b) in zip(found.values, results[i].values) {
                let difference = Double(max(-1, min(1, a)) - max(-1, min(1, b)))
                sum += difference * difference
            }
            count += found.values.count
        }
        let unit = 127.5 / Double(Configuration.residualGain)
        return sum / Double(count) * unit * unit
    }

    /// The best schedule of `count` steps that is found. Needs originals, for its loss.
    ///
    /// Nobody knows how far errors of one jump and the next are alike: the best chain for either extreme is run, and the better
    /// one refined.
    public func search(_ count: Int) -> SearchedSchedule {
        let squares = jumps.best(count, adding: .squares), sizes = jumps.best(count, adding: .sizes)
        let best = squares == sizes || error(.jumps(squares)) <= error(.jumps(sizes)) ? squares : sizes
        let found = count <= Self.mostRefined ? refined(best) : best
        return SearchedSchedule(jumps: found, loss: loss(error(.jumps(found))))
    }

    /// Few jumps are long, and what the later ones start from lies far off the full trajectory: chains of up to so many jumps are
    /// tried with one timestep or order changed, run on so many pictures, as long as that helps.
    private static let mostRefined = 8, refiningPictures = 4

    private func refined(_ start: [Jump]) -> [Jump] {
        var best = start, least = error(.jumps(start), pictures: Self.refiningPictures)
        for distance in [8, 4, 2, 1] {
            for i in start.indices {
                for change in changes(of: best, at: i, distance: distance) {
                    let error = error(.jumps(change), pictures: Self.refiningPictures)
                    if error < least { (best, least) = (change, error) }
                }
            }
        }
        return best
    }

    /// `jumps` with the i-th earlier or later by `distance` points of the full trajectory, or of the other order.
    private func changes(of jumps: [Jump], at i: Int, distance: Int) -> [[Jump]] {
        let place = grid.firstIndex(of: jumps[i].timestep)!
        var changes: [[Jump]] = []
        for moved in [place - distance, place + distance] where grid.indices.contains(moved) {
            let isBetween = (i == 0 || grid[moved] < jumps[i - 1].timestep)
                && (i + 1 == jumps.count || grid[moved] > jumps[i + 1].timestep)
            guard isBetween else { continue }
            var change = jumps
            change[i] = Jump(timestep: grid[moved], order: jumps[i].order)
            changes.append(change)
        }
        if i > 0, i + 1 < jumps.count, distance == 1 {
            var change = jumps
            change[i] = Jump(timestep: jumps[i].timestep, order: 3 - jumps[i].order)
            changes.append(change)
        }
        return changes
    }

    /// What a mean squared distance to the full result costs in PSNR against the originals, in dB, if it has nothing to do with
    /// the full result's own error.
    public func loss(_ error: Double) -> Float {
        guard let ownError else { preconditionFailure("a loss needs originals") }
        return Float(decibels(1 + error / max(ownError, .leastNormalMagnitude)))
    }
}

/// Sampled values of the full trajectories.
struct Trajectory {
    private static let values = 1 << 16

    let steps: [SamplerStep]
    private let share: Int
    /// x_t at each step and the end, then x0 at each step.
    private(set) var x: [[Float]], clean: [[Float]]
    private var step = 0

    init(steps: [SamplerStep], pictures: Int) {
        self.steps = steps
        share = Self.values / max(1, pictures)
        x = Array(repeating: [], count: steps.count + 1)
        clean = Array(repeating: [], count: steps.count)
    }

    mutating func add(_ tensor: FloatTensor, _ noise: FloatTensor) {
        // A stride that is odd, and no multiple of 3, meets every channel and column.
        for j in Swift.stride(from: 0, to: tensor.values.count, by: Self.stride(tensor.values.count, share)) {
            x[step].append(tensor.values[j])
            clean[step].append(steps[step].clean(tensor.values[j], noise: noise.values[j]))
        }
        step += 1
    }

    mutating func end(_ result: FloatTensor) {
        for j in Swift.stride(from: 0, to: result.values.count, by: Self.stride(result.values.count, share)) { x[step].append(result.values[j]) }
        step = 0
    }

    private static func stride(_ count: Int, _ share: Int) -> Int {
        var found = max(1, count / share) | 1
        while found % 3 == 0 { found += 2 }
        return found
    }
}
