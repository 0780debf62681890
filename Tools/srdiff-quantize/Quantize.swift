import ArgumentParser
import SRDCheckpoint
import SRDFile
import SRDiff
import SRDMetrics
import SRDQuantizer
import ToolSupport

@main
struct Quantize: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "srdiff-quantize",
        abstract: "Turns a trained SRDiff model into one of 8-bit integers: a quarter of the size, and faster.",
        usage: "srdiff-quantize MODEL [-o OUTPUT] [options]",
        discussion: """
            EXAMPLES
              srdiff-quantize model.ckpt                writes model.int8.safetensors beside it
              srdiff-quantize model.ckpt --calibration photos
              srdiff-quantize model.ckpt --max-loss 0.02
              srdiff-quantize model.ckpt --recipe model.recipe --dry-run

            The float model draws a few images; from the range of every layer's numbers
            on the way follow the scales of the integers. Use images like those you will
            enlarge. The report says what the integers cost, layer by layer and in the
            image.

            The same model, images and settings give the same file, byte for byte.

            \(ToolInfo.exitCodes)
            """,
        version: SRDiffVersion.string
    )

    @Argument(help: ArgumentHelp("A trained model: PyTorch checkpoint or safetensors.", valueName: "model"))
    var model: String

    @Option(name: .shortAndLong, help: ArgumentHelp("Where to write. (default: NAME.int8.safetensors beside the model)", valueName: "file"))
    var output: String?

    @Option(help: ArgumentHelp("An image or a folder of images as they should become; they are reduced first. May be repeated. (default: a small set of our own)", valueName: "path"))
    var calibration: [String] = []

    @Option(help: ArgumentHelp("The same with images to be enlarged, taken as they are.", valueName: "path"))
    var lr: [String] = []

    @Option(help: ArgumentHelp(
        "Degrade the downscaled images, such as noise:5+jpeg:60, as a model for photographs will see them. If repeated, the degradations are used in turn; none is one of them.",
        valueName: "steps"))
    var degrade: [Degradation] = []

    @Option(name: .customLong("pictures"), help: ArgumentHelp("Calibration images to use, at most.", valueName: "n"))
    var imageLimit = 16

    @Option(help: ArgumentHelp("Keep layers in float whose name matches, as \"ups.0|mid\". May be repeated.", valueName: "regex"))
    var keepFloat: [String] = []

    @Option(help: ArgumentHelp("Keep the most harmful layers in float, as many as it takes for the integers to cost no more PSNR than this.", valueName: "dB"))
    var maxLoss: Double?

    @Option(help: ArgumentHelp("A text file of every layer's decision: written where there is none, followed where there is.", valueName: "file"))
    var recipe: String?

    @Option(help: ArgumentHelp("Search the timesteps and the noise with which so few steps draw best, and keep them in the model: srdiff-upscale --steps uses them. Takes minutes. all: \(SearchedCounts.all.text)", valueName: "all|n,…"))
    var searchSteps: SearchedCounts?

    @Option(help: ArgumentHelp(
        "A timestep schedule that the model was trained for, as 69@0.9375,0: timesteps from the noisiest on, each with the η of the transition that leaves it (0 if there is none). It is calibrated, measured and kept in the model like a searched one. May be repeated.",
        valueName: "t@η,…"))
    var schedule: [ScheduleArgument] = []

    @Option(help: ArgumentHelp("Fidelity of every --schedule, 0 to 1. (default: searched)", valueName: "f"))
    var fidelity: Fidelity?

    @Option(help: ArgumentHelp("An image or folder of images to search steps on, best ones that the model was not trained on. May be repeated. (default: those it is calibrated on)", valueName: "path"))
    var searchOn: [String] = []

    @Option(help: ArgumentHelp("LPIPS weights for --search-steps. (default: \(PerceptualWeights.name) in Models/ or share/srdiff/)", valueName: "file"))
    var lpips: String?

    @Option(help: ArgumentHelp("Write the report as Markdown too.", valueName: "file.md"))
    var report: String?

    @Option(help: "mse cuts off rare peaks for finer steps, minmax cuts off nothing.")
    var ranges = RangeRule.mse

    @Flag(help: "Leave biases as they are; else they make up for what rounded weights add to a channel's mean.")
    var noBiasCorrection = false

    @Flag(help: ArgumentHelp("One weight scale per layer instead of one per channel.", visibility: .hidden))
    var perTensor = false

    @Flag(help: ArgumentHelp("One activation scale for all timesteps.", visibility: .hidden))
    var singleScale = false

    @Option(help: ArgumentHelp("Where patches are cut, and the noise they are drawn from.", valueName: "n"))
    var seed: UInt64 = 0

    @OptionGroup var threadOptions: ThreadOptions

    @Flag(help: "Replace an output that exists.")
    var overwrite = false

    @Flag(help: "Say what would be done. Writes nothing.")
    var dryRun = false

    @Flag(help: "The report as JSON on standard output.")
    var json = false

    @Flag(name: .shortAndLong, help: "No progress, no report: nothing but errors.")
    var quiet = false

    static func main() { runTool() }

    func validate() throws {
        func check(_ ok: Bool, _ message: String) throws { if !ok { throw ValidationError(message) } }
        try check((1...1000).contains(imageLimit), "--pictures \(imageLimit): 1 to 1000")
        try check(maxLoss.map { $0 > 0 && $0.isFinite } ?? true, "--max-loss \(maxLoss ?? 0): more than 0 dB")
        try check(calibration.isEmpty || lr.isEmpty, "--calibration and --lr: one or the other")
        try check(!measuresSchedules || lr.isEmpty || !searchOn.isEmpty, "--search-steps and --schedule compare with originals, which --lr has none of: name some with --search-on")
        try check(searchOn.isEmpty || measuresSchedules, "--search-on is for --search-steps and --schedule")
        try check(fidelity == nil || !schedule.isEmpty, "--fidelity is for --schedule")
        try check(degrade.isEmpty || lr.isEmpty, "--degrade is for downscaled images, and --lr images are used as they are")
        try check(Set(schedule.map(\.transitions.count)).count == schedule.count, "--schedule: one for each number of steps")
        try check(lpips == nil || measuresSchedules, "--lpips is for --search-steps and --schedule")
        try check(maxLoss == nil || lr.isEmpty, "--max-loss compares with originals, which --lr has none of")
        for pattern in keepFloat {
            do { _ = try Regex(pattern) } catch { throw ValidationError("--keep-float \(pattern): not a regular expression") }
        }
    }

    func run() throws {
        let outputPath = output ?? FilePath.joined(FilePath.folder(of: model), FilePath.stem(of: model) + ".int8.safetensors")
        if !dryRun { try checkOutputs(outputPath) }
        let loaded = try LoadedModel.read(model), float = try loaded.float(), network = float.network
        var settings = settings
        let set = try calibrationSet(calibration, lr: lr, scale: network.configuration.scale)
        let kept = try keptByPattern(network)
        try searchSteps?.check(against: float.schedule.timesteps)
        if let fidelity, fidelity.needsEncoderImage && !float.hasPreview {
            throw ToolError("--fidelity \(fidelity): the model has no layers for the encoder's image")
        }
        for schedule in schedule {
            do { try TimestepSchedule.transitions(schedule.transitions).check(timesteps: float.schedule.timesteps) } catch {
                throw ValidationError("--schedule \(schedule.text): \(error)")
            }
        }
        settings.schedules = schedule.map { .transitions($0.transitions) }
        var perceptual: (lpips: LPIPS, set: CalibrationSet)?
        if measuresSchedules {
            let searched = searchOn.isEmpty ? set : try calibrationSet(searchOn, scale: network.configuration.scale)
            perceptual = (try PerceptualWeights.find(lpips), searched)
        }
        let found = try readRecipe(for: float)
        let recipe = found ?? Recipe(for: network, hasPreview: float.hasPreview, keepFloat: kept)
        if dryRun { return Report.printPlan(loaded, float, recipe, set, settings, outputPath) }

        let clock = ContinuousClock(), start = clock.now
        let statistics = try calibrate(float, set, settings)
        var quantizer = Quantizer(float, settings: settings), chosen = recipe
        if let maxLoss { chosen = try limitLoss(maxLoss, quantizer, statistics, set, kept) }
        settings.threads = threadOptions.count
        quantizer = Quantizer(float, settings: settings)
        var quantized = quantizer.quantize(chosen, statistics)
        if let perceptual { quantized.schedules = try searchSchedules(quantized, perceptual, settings) }
        let file = QuantizedModelFile(model: quantized, provenance: .init(
            sourceSHA256: loaded.sha256, calibration: set.description, calibrationSHA256: set.sha256,
            settings: settings.description, tool: "srdiff-quantize \(SRDiffVersion.string)"
        ))
        try file.write(to: outputPath)
        if let path = self.recipe, found == nil {
            let text = chosen.text(for: network, hasPreview: float.hasPreview)
            try FileOutput.write(atomically: [Array(text.utf8)], to: path)
        }
        let quality = compare(quantized, float, set, settings)
        let result = Report(
            source: loaded, output: outputPath, recipe: chosen, set: set, settings: settings, quality: quality,
            quantized: quantized, seconds: (clock.now - start).seconds)
        if let report { try FileOutput.write(atomically: [Array(result.markdown.utf8)], to: report) }
        if json { Terminal.output.line(result.json.text) } else if !quiet { Terminal.output.line(result.text) }
    }

    private func checkOutputs(_ path: String) throws {
        let inputs = OutputRules.modelFiles(model) + [lpips, recipe].compactMap { $0 }
            + InputSearch(calibration + lr + searchOn).inputs.compactMap(\.path)
        // A recipe that exists is followed, and not written.
        let newRecipe = recipe.flatMap { FilePath.exists($0) ? nil : $0 }
        try OutputRules(inputs: inputs, overwrite: overwrite).check([path, report, newRecipe].compactMap { $0 })
    }

    private var measuresSchedules: Bool { searchSteps != nil || !schedule.isEmpty }

    private var settings: QuantizerSettings {
        var settings = QuantizerSettings()
        settings.ranges = ranges
        settings.weightScales = perTensor ? .perTensor : .perChannel
        settings.usesSingleScale = singleScale
        settings.correctsBiases = !noBiasCorrection
        settings.seed = seed
        settings.threads = threadOptions.count
        return settings
    }

    // MARK: Steps

    private func calibrationSet(_ paths: [String], lr: [String] = [], scale: Int) throws -> CalibrationSet {
        let images = CalibrationImages(calibration: paths, lr: lr, degradations: degrade, count: imageLimit, seed: seed, quiet: quiet)
        let set = try images.load(scale: scale)
        if !quiet { for warning in images.warnings(about: set) { Terminal.error.line("warning: \(warning)") } }
        return set
    }

    private func keptByPattern(_ network: Network) throws -> [String: String] {
        let names = network.graphs(withPreview: true).flatMap(\.nodes).filter(\.isConvolution).map(\.name)
        var kept: [String: String] = [:]
        for pattern in keepFloat {
            let regex = try Regex(pattern), matches = names.filter { $0.contains(regex) }
            if matches.isEmpty { throw ToolError("--keep-float \(pattern): no layer's name matches") }
            for name in matches { kept[name] = "asked for by --keep-float \(pattern)" }
        }
        return kept
    }

    /// nil where there is none yet.
    private func readRecipe(for model: Model) throws -> Recipe? {
        guard let path = recipe, FilePath.exists(path) else { return nil }
        if !keepFloat.isEmpty || maxLoss != nil {
            throw ToolError("\(path) exists and decides about every layer: leave out --keep-float and --max-loss, or name another file")
        }
        let text = try MappedFile(path: path).withBytes { String(decoding: $0, as: UTF8.self) }
        do {
            return try Recipe(parsing: text, for: model.network, hasPreview: model.hasPreview)
        } catch {
            throw ToolError("\(path): \(error)")
        }
    }

    private func calibrate(_ model: Model, _ set: CalibrationSet, _ settings: QuantizerSettings) throws -> Statistics {
        let progress = ProgressLine(isShown: !quiet)
        progress.begin("calibrating")
        defer { progress.clear() }
        do {
            return try Statistics(of: model, on: set, settings: settings) { done, total in
                progress.show("calibrating", done: done, of: total)
            }
        } catch {
            throw ToolError("\(self.model): \(error)")
        }
    }

    private func searchSchedules(
        _ model: Model, _ perceptual: (lpips: LPIPS, set: CalibrationSet), _ settings: QuantizerSettings
    ) throws -> [SearchedTimestepSchedule] {
        let progress = ProgressLine(isShown: !quiet)
        progress.begin("searching schedules")
        defer { progress.clear() }
        let search = ScheduleSearch(model, on: perceptual.set, lpips: perceptual.lpips, settings: settings) { done, total in
            progress.show("drawing with many steps", done: done, of: total)
        }
        guard let search else { throw ToolError("--search-steps: every image is smaller than \(LPIPS.leastSide)×\(LPIPS.leastSide) pixels") }
        let line = progress.restarted(), given = schedule.map { search.measured($0.transitions, fidelity: fidelity) }
        let counts = (searchSteps?.below(model.schedule.timesteps) ?? []).filter { count in !given.contains { $0.transitions.count == count } }
        let found = search.search(counts) { steps, done, total in line.show("searching \(steps) steps", done: done, of: total) }
        return (given + found).sorted { $0.transitions.count < $1.transitions.count }
    }

    private func compare(_ quantized: Model, _ model: Model, _ set: CalibrationSet, _ settings: QuantizerSettings) -> Quality {
        let progress = ProgressLine(isShown: !quiet), comparison = Comparison(model, on: set.prefix(4), settings: settings)
        progress.begin("comparing with the float model")
        defer { progress.clear() }
        return comparison.measure(quantized) { done in
            progress.show("comparing", done: done, of: comparison.steps)
        }
    }

    private func limitLoss(
        _ most: Double, _ quantizer: Quantizer, _ statistics: Statistics, _ set: CalibrationSet, _ kept: [String: String]
    ) throws -> Recipe {
        let model = quantizer.model, progress = ProgressLine(isShown: !quiet)
        func recipe(_ more: [String: String]) -> Recipe {
            Recipe(for: model.network, hasPreview: model.hasPreview, keepFloat: kept.merging(more) { first, _ in first })
        }
        progress.begin("ranking layers")
        let costs = quantizer.rank(recipe([:]), statistics, on: set) { done, total in progress.show("ranking layers", done: done, of: total) }
        let comparison = Comparison(model, on: set.prefix(4), settings: quantizer.settings)
        var tries = 0
        let found = quantizer.keepFloat(untilLossIsAtMost: most, costs, statistics, recipe: recipe) { quantized in
            tries += 1
            let line = progress.restarted()
            return comparison.measure(quantized, withLayers: false) { done in
                line.show("limiting the loss, try \(tries)", done: done, of: comparison.steps)
            }.loss ?? 0
        }
        progress.clear()
        guard found.loss <= most else {
            throw ToolError("--max-loss \(most): even with every layer in float that may be, the loss is \(Text.fixed(found.loss, 6)) dB")
        }
        return found.recipe
    }
}
