import SRDiff
import ToolSupport

/// Computes the images of all runs, or loads them from the store.
struct ImageGeneration {
    typealias Result = (image: Image, seconds: Double?)

    private struct Missing {
        let run: Int
        let schedule: TimestepSchedule
        /// Index of the seed.
        let place: Int
        let key: ImageStore.Key
    }

    let plan: EvaluationPlan
    let store: ImageStore
    let progress: ProgressLine
    private var remaining = RemainingTime()

    init(plan: EvaluationPlan, store: ImageStore, progress: ProgressLine) {
        self.plan = plan
        self.store = store
        self.progress = progress
    }

    /// Adds the samples of an image that are not in the store to the work expected.
    mutating func expect(_ entry: ImageSet.Entry, low: Image) {
        let pixels = Double(low.width * low.height)
        for run in plan.runs {
            guard let schedule = run.schedule, let contestant = run.contestant else { continue }
            for seed in plan.seeds where store.load(plan.key(run, entry, low: low, seed: seed)) == nil {
                remaining.expect(pixels * Double(schedule.steps), contestant)
            }
        }
    }

    /// The images of all runs: `[run][seed]`. Baselines have one image.
    mutating func images(of entry: ImageSet.Entry, low: Image, label: String) throws -> [[Result]] {
        let runs = plan.runs
        var images = [[Result?]](repeating: [], count: runs.count)
        for (i, run) in runs.enumerated() where run.schedule == nil { images[i] = [try baseline(run, entry, low)] }
        for (i, contestant) in plan.contestants.enumerated() {
            var missing: [Missing] = []
            for (r, run) in runs.enumerated() where run.contestant == i {
                guard let schedule = run.schedule else { continue }
                let keys = plan.seeds.map { plan.key(run, entry, low: low, seed: $0) }
                images[r] = keys.map(store.load)
                for (place, key) in keys.enumerated() where images[r][place] == nil {
                    missing.append(Missing(run: r, schedule: schedule, place: place, key: key))
                }
            }
            if !missing.isEmpty {
                try sample(missing, low, by: i, label: "\(label)  \(contestant.name)", into: &images)
            }
        }
        return images.map { $0.map { $0! } }
    }

    private func baseline(_ run: Run, _ entry: ImageSet.Entry, _ low: Image) throws -> Result {
        let key = plan.key(run, entry, low: low, seed: 0)
        if let kept = store.load(key) { return kept }
        let image = finished(
            try run.contestant.map { try upscaler($0).encoderImage(low) } ?? low.resized(by: plan.scale), low)
        try store.save(image, seconds: nil, key)
        return (image, nil)
    }

    private func finished(_ result: Image, _ low: Image) -> Image {
        plan.isConsistent ? result.backProjected(onto: low, threads: plan.threads) : result
    }

    private func upscaler(_ contestant: Int) throws -> Upscaler {
        try Upscaler(
            plan.contestants[contestant].loaded,
            options: .init(threads: plan.threads, instructionSet: plan.instructionSet))
    }

    /// Samples one model's missing images from one encoding of the low-resolution image.
    private mutating func sample(
        _ missing: [Missing], _ low: Image, by contestant: Int, label: String, into images: inout [[Result?]]
    ) throws {
        let upscaler = try upscaler(contestant), loaded = plan.contestants[contestant].loaded
        let clock = ContinuousClock(), start = clock.now
        progress.show("\(label)  encoding")
        let fidelities = missing.map { loaded.defaultFidelity(for: $0.schedule) }
        let prepared = upscaler.pipeline.prepare(low, fidelity: fidelities.max { $0.value < $1.value } ?? .sample)
        let encoding = (clock.now - start).seconds, pixels = Double(low.width * low.height)
        for (item, fidelity) in zip(missing, fidelities) {
            let schedule = item.schedule, samplingStart = clock.now
            var last = samplingStart, done = 0
            let settings = SamplingSettings(schedule: schedule, seed: item.key.seed, fidelity: fidelity)
            let image = try upscaler.upscale(prepared, settings: settings) { _, _ in
                done += 1
                remaining.finish(pixels, contestant, seconds: (clock.now - last).seconds)
                last = clock.now
                progress.show(
                    """
                    \(label)  \(schedule.label)  step \(done)/\(schedule.steps)  ETA \(Text.duration(remaining.seconds))
                    """
                )
            }
            let result = finished(image, low), seconds = encoding + (clock.now - samplingStart).seconds
            try store.save(result, seconds: seconds, item.key)
            images[item.run][item.place] = (result, seconds)
        }
    }
}
