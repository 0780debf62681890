import SRDFile
import SRDiff
import SRDMetrics
import SRDQuantizer
import ToolSupport

/// Every image through every model.
struct Evaluation {
    struct Plan {
        /// The reference first, where there is one.
        let contestants: [Contestant]
        let schedules: [TimestepSchedule]
        let seeds: [UInt64]
        let sets: [ImageSet]
        let scale: Int
        /// What the low-resolution images go through first.
        let degradation: Degradation?
        /// Every result is back-projected.
        let isConsistent: Bool
        let threads: Int
        let instructionSet: InstructionSet

        /// Bicubic, the encoder's image where a model has one, then every sampler of every model.
        var runs: [Run] {
            var runs = [Run(name: "bicubic", contestant: nil, schedule: nil, isReference: false)]
            if let first = contestants.firstIndex(where: \.loaded.hasPreview) {
                runs.append(Run(name: "encoder", contestant: first, schedule: nil, isReference: false))
            }
            for (i, contestant) in contestants.enumerated() {
                runs += schedules.map { Run(name: contestant.name, contestant: i, schedule: $0, isReference: contestant.isReference) }
            }
            return runs
        }
    }

    private let plan: Plan
    private let lpips: LPIPS?
    private let store: ImageStore
    private let progress: ProgressLine
    private var estimate = Estimate()

    init(plan: Plan, lpips: LPIPS?, store: ImageStore, progress: ProgressLine) {
        self.plan = plan
        self.lpips = lpips
        self.store = store
        self.progress = progress
    }

    mutating func run() throws -> Results {
        let entries = plan.sets.flatMap { set in set.entries.map { (set: set.name, entry: $0) } }
        var results = Results(runs: plan.runs)
        // Images are read twice, so that the time left is known: reading costs little.
        for (_, entry) in entries {
            do { try expect(entry) } catch { results.failures.append(try failure(of: entry, error)) }
        }
        for (i, (set, entry)) in entries.enumerated() where !results.failures.contains(where: { $0.path == entry.path }) {
            do {
                let pair = try ImageSet.load(entry, scale: plan.scale, degradation: plan.degradation)
                let label = entries.count > 1 ? "[\(i + 1)/\(entries.count)] \(entry.name)" : entry.name
                progress.begin(label)
                let values = try measure(entry, pair, runs: results.runs, label: label)
                results.entries.append(Results.Entry(
                    name: entry.name, set: set, width: pair.original.width, height: pair.original.height, values: values))
            } catch {
                results.failures.append(try failure(of: entry, error))
            }
        }
        if results.entries.isEmpty { throw ToolError("none of the images could be measured") }
        return results
    }

    /// Reports an image that fails. It is left out of the results; a full disk ends the run.
    private func failure(of entry: ImageSet.Entry, _ error: any Error) throws -> Results.Failure {
        if let error = error as? FileError, error.reason == .full { throw error }
        progress.clear()
        Evaluate.report("\(error)")
        return Results.Failure(path: entry.path, reason: "\(error)")
    }

    // MARK: One image

    private typealias Made = (image: Image, seconds: Double?)

    /// The key of what a run makes of an image.
    static func key(_ run: Run, _ entry: ImageSet.Entry, low: Image, seed: UInt64, plan: Plan) -> ImageStore.Key {
        var sha = SHA256()
        sha.update([low.width, low.height, low.channels].map { UInt16(truncatingIfNeeded: $0) })
        sha.update(low.samples)
        let model = run.contestant.map { "model=\(plan.contestants[$0].loaded.sha256)" } ?? "bicubic x\(plan.scale)"
        let how = run.schedule.map { "\($0.identity) seed=\(seed)" } ?? "no sampler"
        let consistent = plan.isConsistent ? " consistent" : "", degraded = plan.degradation.map { " degrade=\($0)" } ?? ""
        return ImageStore.Key(
            run: run, image: entry.name, seed: seed,
            facts: "\(model) \(how)\(consistent)\(degraded) input=\(sha.hexDigest()) version=\(SRDiffVersion.string)")
    }

    /// `[run][metric]`
    private mutating func measure(
        _ entry: ImageSet.Entry, _ pair: ImageSet.Pair, runs: [Run], label: String
    ) throws -> [[Metric: Double]] {
        let seen = lpips?.features(of: pair.original, threads: plan.threads)
        let shifted = lpips?.shiftedFeatures(of: pair.original, threads: plan.threads)
        var made = [[Made]](repeating: [], count: runs.count)
        try makeBaselines(entry, pair, runs, into: &made)
        for i in plan.contestants.indices { try sample(i, entry, pair, runs, label: label, into: &made) }
        progress.show("\(label)  measuring")
        return runs.enumerated().map { i, run in
            let reference = run.isReference || run.schedule == nil
                ? nil : runs.firstIndex { $0.isReference && $0.schedule == run.schedule }
            let perSeed = made[i].enumerated().map { j, result in
                metrics(of: result.image, pair, seen, shifted, reference: reference.map { made[$0][j].image })
            }
            var values = perSeed[0]
            for metric in values.keys where perSeed.count > 1 {
                let found = perSeed.compactMap { $0[metric] }
                values[metric] = found.reduce(0, +) / Double(found.count)
            }
            values[.sigma] = ImageMetrics.diversity(made[i].map(\.image))
            let seconds = made[i].compactMap(\.seconds)
            if !seconds.isEmpty { values[.seconds] = Sample(seconds).mean }
            return values
        }
    }

    private func metrics(
        of found: Image, _ pair: ImageSet.Pair, _ seen: LPIPS.Features?, _ shifted: LPIPS.ShiftedFeatures?, reference: Image?
    ) -> [Metric: Double] {
        let original = pair.original, border = plan.scale
        var values: [Metric: Double] = [
            .psnr: ImageMetrics.psnr(found, original), .lr_psnr: ImageMetrics.lowResolutionPSNR(of: found, from: pair.low)
        ]
        if min(original.width, original.height) > 2 * border {
            values[.psnr_y] = ImageMetrics.psnrOfLuminance(found, original, border: border)
        }
        values[.ssim] = StructuralSimilarity.uniform7.mean(found, original, threads: plan.threads)
        values[.ssim_gaussian] = StructuralSimilarity.gaussian11.mean(found, original, threads: plan.threads)
        if let lpips, let seen, let features = lpips.features(of: found, threads: plan.threads) {
            values[.lpips] = lpips.distance(seen, features)
        }
        if let lpips, let shifted, let features = lpips.shiftedFeatures(of: found, threads: plan.threads) {
            values[.lpips_shift] = lpips.distance(shifted, features)
        }
        values[.grid] = ImageMetrics.gridEnergy(found, original)
        values[.psnr_to_reference] = reference.map { ImageMetrics.psnr(found, $0) }
        return values
    }

    private func makeBaselines(
        _ entry: ImageSet.Entry, _ pair: ImageSet.Pair, _ runs: [Run], into made: inout [[Made]]
    ) throws {
        for (i, run) in runs.enumerated() where run.schedule == nil {
            let key = Self.key(run, entry, low: pair.low, seed: 0, plan: plan)
            if let kept = store.load(key) {
                made[i] = [kept]
                continue
            }
            let baseline = try run.contestant.map { try preview(of: pair.low, by: $0) } ?? pair.low.resized(by: plan.scale)
            let image = finished(baseline, pair.low)
            try store.save(image, seconds: nil, key)
            made[i] = [(image, nil)]
        }
    }

    private func finished(_ result: Image, _ low: Image) -> Image {
        plan.isConsistent ? result.backProjected(onto: low, threads: plan.threads) : result
    }

    private func preview(of low: Image, by contestant: Int) throws -> Image {
        let loaded = plan.contestants[contestant].loaded
        return try upscaler(loaded).encoderImage(low)
    }

    private func upscaler(_ loaded: LoadedModel) throws -> Upscaler {
        try Upscaler(loaded, options: .init(threads: plan.threads, instructionSet: plan.instructionSet))
    }

    /// All samplers and seeds of one model.
    private mutating func sample(
        _ contestant: Int, _ entry: ImageSet.Entry, _ pair: ImageSet.Pair, _ runs: [Run], label: String,
        into made: inout [[Made]]
    ) throws {
        var missing: [(run: Int, place: Int, key: ImageStore.Key)] = []
        for (i, run) in runs.enumerated() where run.contestant == contestant && run.schedule != nil {
            made[i] = plan.seeds.map { _ in (pair.original, nil) }
            for (place, seed) in plan.seeds.enumerated() {
                let key = Self.key(run, entry, low: pair.low, seed: seed, plan: plan)
                if let kept = store.load(key) { made[i][place] = kept } else { missing.append((i, place, key)) }
            }
        }
        guard !missing.isEmpty else { return }
        let loaded = plan.contestants[contestant].loaded
        let name = plan.contestants[contestant].name
        try make(missing, runs, pair.low, on: try upscaler(loaded), of: loaded, label: "\(label)  \(name)", into: &made)
    }

    private mutating func make(
        _ missing: [(run: Int, place: Int, key: ImageStore.Key)], _ runs: [Run], _ low: Image, on upscaler: Upscaler,
        of loaded: LoadedModel, label: String, into made: inout [[Made]]
    ) throws {
        let clock = ContinuousClock(), start = clock.now
        progress.show("\(label)  encoding")
        let fidelities = missing.map { loaded.defaultFidelity(for: runs[$0.run].schedule!) }
        let prepared = upscaler.pipeline.prepare(low, fidelity: fidelities.max { $0.value < $1.value } ?? .sample), encoding = (clock.now - start).seconds
        let contestant = runs[missing[0].run].contestant!, pixels = Double(low.width * low.height)
        for (run, place, key) in missing {
            let schedule = runs[run].schedule!, samplingStart = clock.now
            var last = samplingStart, done = 0
            let sampling = SamplingSettings(schedule: schedule, seed: key.seed, fidelity: loaded.defaultFidelity(for: schedule))
            let image = try upscaler.upscale(prepared, settings: sampling) { _, _ in
                done += 1
                estimate.did(pixels, contestant, seconds: (clock.now - last).seconds)
                last = clock.now
                progress.show("\(label)  \(schedule.label)  step \(done)/\(schedule.steps)  ETA \(Text.duration(estimate.secondsLeft))")
            }
            let result = finished(image, low), seconds = encoding + (clock.now - samplingStart).seconds
            try store.save(result, seconds: seconds, key)
            made[run][place] = (result, seconds)
        }
    }

    /// Before any pixel is decoded.
    private func checkMemory(_ entry: ImageSet.Entry) throws {
        let input = ImageInput.file(entry.path), header = try input.open().header, pixels = header.width * header.height
        var executor = 0
        for contestant in plan.contestants {
            let size = contestant.loaded.configuration.paddedSize(
                width: max(1, header.width / plan.scale), height: max(1, header.height / plan.scale))
            executor = max(executor, Executor.memoryEstimate(contestant.loaded.model, lrWidth: size.width, lrHeight: size.height))
        }
        // x_t, the samples of original and result, and what the metrics keep in double precision.
        let bytes = header.decodingBytes + executor + pixels * (12 + 2 * 6 + 2 * 24)
        do {
            try MemoryEstimate.check(bytes, for: "an image of \(header.width)×\(header.height) pixels")
        } catch {
            throw InputError(input, error)
        }
    }

    // MARK: Time left

    private mutating func expect(_ entry: ImageSet.Entry) throws {
        try checkMemory(entry)
        let pair = try ImageSet.load(entry, scale: plan.scale, degradation: plan.degradation), pixels = Double(pair.low.width * pair.low.height)
        for run in plan.runs {
            guard let schedule = run.schedule, let contestant = run.contestant else { continue }
            let keys = plan.seeds.map { Self.key(run, entry, low: pair.low, seed: $0, plan: plan) }
            for key in keys where store.load(key) == nil {
                estimate.expect(pixels * Double(schedule.steps), contestant)
            }
        }
    }

    /// Work in low-resolution pixels × steps, by contestant.
    private struct Estimate {
        private var left: [Int: Double] = [:], done: [Int: Double] = [:], seconds: [Int: Double] = [:]

        mutating func expect(_ work: Double, _ contestant: Int) { left[contestant, default: 0] += work }

        mutating func did(_ work: Double, _ contestant: Int, seconds: Double) {
            left[contestant, default: 0] -= work
            done[contestant, default: 0] += work
            self.seconds[contestant, default: 0] += seconds
        }

        /// A model that has not begun counts as the others do.
        var secondsLeft: Double {
            let mean = seconds.values.reduce(0, +) / max(1, done.values.reduce(0, +))
            return left.reduce(0) { sum, item in
                sum + max(0, item.value) * (done[item.key].map { seconds[item.key]! / $0 } ?? mean)
            }
        }
    }

    // MARK: Inside the int8 models

    /// Layers and noise of every int8 model against the reference, on patches of the first images that were measured.
    func lookInside(_ results: Results, layersOnly: Bool) throws -> [Results.Inside] {
        let model = try plan.contestants[0].loaded.float()
        let entries = plan.sets.flatMap(\.entries).filter { entry in results.entries.contains { $0.name == entry.name } }
            .prefix(layersOnly ? 1 : 3)
        let originals = try entries.map { try ImageSet.load($0, scale: plan.scale).original }
        let patches = CalibrationSet(originals: originals, scale: plan.scale, side: 32, seed: plan.seeds[0], description: "")
        var settings = QuantizerSettings()
        settings.steps = plan.schedules.map(\.steps).max()!
        settings.seed = plan.seeds[0]
        settings.threads = plan.threads
        let comparison = Comparison(model, on: patches, settings: settings)
        return plan.contestants.compactMap { contestant in
            guard !contestant.loaded.isFloat else { return nil }
            let quantized = contestant.loaded.model
            progress.show("\(contestant.name)  layer by layer")
            var quality: Quality
            if layersOnly {
                quality = Quality(layers: comparison.layers(of: quantized))
            } else {
                quality = comparison.measure(quantized) { done in
                    progress.show("\(contestant.name) inside", done: done, of: comparison.steps)
                }
            }
            return Results.Inside(contestant: contestant.name, quality: quality, image: entries[0].name)
        }
    }
}
