import SRDFile
import SRDiff
import SRDMetrics
import SRDQuantizer
import ToolSupport

/// Measures every image with every run of a plan.
struct Evaluation {
    private let plan: EvaluationPlan
    private let lpips: LPIPS?
    private let progress: ProgressLine
    private var generation: ImageGeneration

    init(plan: EvaluationPlan, lpips: LPIPS?, store: ImageStore, progress: ProgressLine) {
        self.plan = plan
        self.lpips = lpips
        self.progress = progress
        generation = ImageGeneration(plan: plan, store: store, progress: progress)
    }

    mutating func run() throws -> Results {
        let entries = plan.sets.flatMap { set in set.entries.map { (set: set.name, entry: $0) } }
        var results = Results(runs: plan.runs)
        // Images are read twice, so that the remaining time is known from the start: reading costs little.
        for (_, entry) in entries {
            do {
                let pair = try plan.load(entry) { if let note = try plan.checkMemory($0) { progress.begin(note) } }
                generation.expect(entry, low: pair.low)
            } catch {
                results.failures.append(try failure(of: entry, error))
            }
        }
        for (i, (set, entry)) in entries.enumerated() where !results.failures.contains(where: { $0.path == entry.path })
        {
            do {
                let pair = try plan.load(entry)
                let label = entries.count > 1 ? "[\(i + 1)/\(entries.count)] \(entry.name)" : entry.name
                progress.begin(label)
                let values = try measure(entry, pair, results, label: label)
                results.entries.append(
                    Results.Entry(
                        name: entry.name, set: set, width: pair.original.width, height: pair.original.height,
                        values: values))
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

    /// The metrics of every run, as means over the seeds: `[run][metric]`.
    private mutating func measure(
        _ entry: ImageSet.Entry, _ pair: ImageSet.Pair, _ results: Results, label: String
    ) throws -> [[Metric: Double]] {
        let measurement = ImageMeasurement(pair, scale: plan.scale, threads: plan.threads, lpips: lpips)
        let images = try generation.images(of: entry, low: pair.low, label: label)
        progress.show("\(label)  measuring")
        return images.enumerated().map { run, own in
            let reference = results.reference(of: run)
            let perSeed = own.enumerated().map { seed, result in
                measurement.metrics(of: result.image, reference: reference.map { images[$0][seed].image })
            }
            var values = perSeed[0]
            for metric in values.keys where perSeed.count > 1 {
                let found = perSeed.compactMap { $0[metric] }
                values[metric] = found.reduce(0, +) / Double(found.count)
            }
            values[.sigma] = ImageMetrics.diversity(own.map(\.image))
            let seconds = own.compactMap(\.seconds)
            if !seconds.isEmpty { values[.seconds] = Sample(seconds).mean }
            return values
        }
    }

    /// Compares the layers and the predicted noise of every int8 model with the reference, on patches of the first
    /// images measured.
    func compareLayers(_ results: Results, layersOnly: Bool) throws -> [Results.Inside] {
        let model = try plan.contestants[0].loaded.float()
        let entries = results.measured(of: plan).prefix(layersOnly ? 1 : 3)
        let originals = try entries.map { try ImageSet.load($0, scale: plan.scale).original }
        let patches = CalibrationSet(
            originals: originals, scale: plan.scale, side: 32, seed: plan.seeds[0], description: "")
        var settings = QuantizerSettings()
        settings.steps = plan.schedules.map(\.steps).max()!
        settings.seed = plan.seeds[0]
        settings.threads = plan.threads
        let comparison = Comparison(model, on: patches, settings: settings)
        return plan.contestants.compactMap { contestant in
            guard !contestant.loaded.isFloat else { return nil }
            let quantized = contestant.loaded.model
            progress.show("\(contestant.name)  layer by layer")
            let quality: Quality
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
