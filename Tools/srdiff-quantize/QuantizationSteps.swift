import SRDMetrics
import SRDQuantizer
import SRDiff
import ToolSupport

/// The steps of a quantization that take time, each with its progress line.
struct QuantizationSteps {
    /// The float model.
    let model: Model
    /// The calibration images.
    let set: CalibrationSet
    let settings: QuantizerSettings
    let isQuiet: Bool

    private func begin(_ text: String) -> ProgressLine {
        let progress = ProgressLine(isShown: !isQuiet)
        progress.begin(text)
        return progress
    }

    func calibrate() throws -> Statistics {
        let progress = begin("calibrating")
        defer { progress.clear() }
        return try Statistics(of: model, on: set, settings: settings) { done, total in
            progress.show("calibrating", done: done, of: total)
        }
    }

    /// A recipe that keeps the most harmful layers in float until the loss in PSNR does not exceed a limit.
    ///
    /// - Parameter keepFloat: layers that stay in float in any case, with the reason.
    func recipe(limitingLossTo limit: Double, _ statistics: Statistics, keepFloat: [String: String]) throws -> Recipe {
        let quantizer = Quantizer(model, settings: settings), progress = begin("ranking layers")
        func recipe(_ more: [String: String]) -> Recipe {
            Recipe(
                for: model.network, hasPreview: model.hasPreview,
                keepFloat: keepFloat.merging(more) { first, _ in first })
        }
        let costs = quantizer.rank(recipe([:]), statistics, on: set) { done, total in
            progress.show("ranking layers", done: done, of: total)
        }
        let comparison = Comparison(model, on: set.prefix(4), settings: settings)
        var tries = 0
        let found = quantizer.keepFloat(untilLossIsAtMost: limit, costs, statistics, recipe: recipe) { quantized in
            tries += 1
            let line = progress.restarted()
            return comparison.measure(quantized, withLayers: false) { done in
                line.show("limiting the loss, try \(tries)", done: done, of: comparison.steps)
            }.loss ?? 0
        }
        progress.clear()
        guard found.loss <= limit else {
            throw ToolError(
                """
                --max-loss \(limit): even with every layer in float that may be, the loss is \
                \(Text.fixed(found.loss, 6)) dB
                """
            )
        }
        return found.recipe
    }

    /// Measures the given schedules and searches others, in ascending order of their numbers of steps.
    func schedules(
        for quantized: Model, on set: CalibrationSet, lpips: LPIPS, _ options: ScheduleOptions
    ) throws -> [SearchedTimestepSchedule] {
        let progress = begin("searching schedules")
        defer { progress.clear() }
        let search = ScheduleSearch(quantized, on: set, lpips: lpips, settings: settings) { done, total in
            progress.show("drawing with many steps", done: done, of: total)
        }
        guard let search else {
            throw ToolError("--search-steps: every image is smaller than \(LPIPS.leastSide)×\(LPIPS.leastSide) pixels")
        }
        let line = progress.restarted(),
            measured = options.schedule.map { search.measured($0.transitions, fidelity: options.fidelity) }
        let counts = (options.searchSteps?.below(quantized.schedule.timesteps) ?? []).filter { count in
            !measured.contains { $0.transitions.count == count }
        }
        let found = search.search(counts) { steps, done, total in
            line.show("searching \(steps) steps", done: done, of: total)
        }
        return (measured + found).sorted { $0.transitions.count < $1.transitions.count }
    }

    /// Compares the quantized model with the float model on the first calibration images.
    func compare(_ quantized: Model) -> Quality {
        let progress = begin("comparing with the float model"),
            comparison = Comparison(model, on: set.prefix(4), settings: settings)
        defer { progress.clear() }
        return comparison.measure(quantized) { done in
            progress.show("comparing", done: done, of: comparison.steps)
        }
    }
}
