import ArgumentParser
import SRDCheckpoint
import SRDFile
import SRDiff
import SRDMetrics
import SRDQuantizer
import ToolSupport

/// The command of `srdiff-quantize`.
package var command: any ParsableCommand.Type { Quantize.self }

struct Quantize: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "srdiff-quantize",
        abstract: "Turns a trained SRDiff model into one of 8-bit integers: a quarter of the size, and faster.",
        usage: "srdiff-quantize MODEL [-o OUTPUT] [options]",
        discussion: """
            EXAMPLES
              srdiff-quantize model.ckpt                writes model.int8.safetensors next to it
              srdiff-quantize model.ckpt --calibration photos
              srdiff-quantize model.ckpt --max-loss 0.02
              srdiff-quantize model.ckpt --recipe model.recipe --dry-run

            The float model upscales a few images, and the scales of the integers follow
            from the ranges of every layer's values. Use images like those you will
            upscale. The report states what the integers cost, layer by layer and in the
            image.

            The same model, images and settings give the same file, byte for byte.

            \(ToolInfo.exitCodes)
            """,
        version: SRDiffVersion.string
    )

    @Argument(help: ArgumentHelp("A trained model: PyTorch checkpoint or safetensors.", valueName: "model"))
    var model: String

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("Where to write. (default: NAME.int8.safetensors next to the model)", valueName: "file"))
    var output: String?

    @Option(
        help: ArgumentHelp(
            """
            An image or a folder of images as they should become; they are downscaled first. May be repeated. \
            (default: a small set of our own)
            """,
            valueName: "path"))
    var calibration: [String] = []

    @Option(help: ArgumentHelp("Low-resolution calibration images, used as they are.", valueName: "path"))
    var lr: [String] = []

    @Option(
        help: ArgumentHelp(
            """
            Degrade the downscaled images, such as noise:5+jpeg:60, as a model for photographs will see them. If \
            repeated, the degradations are used in turn; none is one of them.
            """,
            valueName: "steps"))
    var degrade: [Degradation] = []

    @Option(name: .customLong("max-images"), help: ArgumentHelp("Calibration images to use, at most.", valueName: "n"))
    var imageLimit = 16

    @OptionGroup var recipeOptions: RecipeOptions

    @OptionGroup var scheduleOptions: ScheduleOptions

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

    func validate() throws {
        func check(_ ok: Bool, _ message: String) throws { if !ok { throw ValidationError(message) } }
        try check((1...1000).contains(imageLimit), "--max-images \(imageLimit): 1 to 1000")
        try check(calibration.isEmpty || lr.isEmpty, "--calibration and --lr: one or the other")
        try check(
            lr.isEmpty || scheduleOptions.isEmpty || !scheduleOptions.searchOn.isEmpty,
            "--search-steps and --schedule compare with originals, which --lr has none of: name some with --search-on")
        try check(
            degrade.isEmpty || lr.isEmpty, "--degrade is for downscaled images, and --lr images are used as they are")
        try check(
            recipeOptions.maxLoss == nil || lr.isEmpty, "--max-loss compares with originals, which --lr has none of")
    }

    func run() throws {
        let outputPath =
            output ?? FilePath.joined(FilePath.folder(of: model), FilePath.stem(of: model) + ".int8.safetensors")
        if !dryRun { try checkOutputs(outputPath) }
        let loaded = try LoadedModel.read(model), float = try loaded.float(), network = float.network
        var settings = settings
        let set = try calibrationSet(calibration, lr: lr, scale: network.configuration.scale)
        let kept = try recipeOptions.keptLayers(of: network)
        try scheduleOptions.check(for: float)
        settings.schedules = scheduleOptions.schedule.map { .transitions($0.transitions) }
        var perceptual: (lpips: LPIPS, set: CalibrationSet)?
        if !scheduleOptions.isEmpty {
            let searchOn = scheduleOptions.searchOn
            let searched = searchOn.isEmpty ? set : try calibrationSet(searchOn, scale: network.configuration.scale)
            perceptual = (try PerceptualWeights.find(scheduleOptions.lpips), searched)
        }
        let found = try recipeOptions.read(for: float)
        let recipe = found ?? Recipe(for: network, hasPreview: float.hasPreview, keepFloat: kept)
        if dryRun {
            let plan = QuantizationPlan(
                source: loaded, output: outputPath, model: float, recipe: recipe, set: set, settings: settings)
            return Terminal.output.line(plan.text)
        }

        let clock = ContinuousClock(), start = clock.now
        let steps = QuantizationSteps(model: float, set: set, settings: settings, isQuiet: quiet)
        let statistics: Statistics
        do { statistics = try steps.calibrate() } catch { throw ToolError("\(model): \(error)") }
        let chosen =
            try recipeOptions.maxLoss.map { try steps.recipe(limitingLossTo: $0, statistics, keepFloat: kept) }
            ?? recipe
        var quantized = Quantizer(float, settings: settings).quantize(chosen, statistics)
        if let perceptual {
            quantized.schedules = try steps.schedules(
                for: quantized, on: perceptual.set, lpips: perceptual.lpips, scheduleOptions)
        }
        let file = QuantizedModelFile(
            model: quantized,
            provenance: .init(
                sourceSHA256: loaded.sha256, calibration: set.description, calibrationSHA256: set.sha256,
                settings: settings.description, tool: "srdiff-quantize \(SRDiffVersion.string)"
            ))
        try file.write(to: outputPath)
        if let path = recipeOptions.recipe, found == nil {
            let text = chosen.text(for: network, hasPreview: float.hasPreview)
            try FileOutput.write(atomically: [Array(text.utf8)], to: path)
        }
        let result = Report(
            source: loaded, output: outputPath, recipe: chosen, set: set, settings: settings,
            quality: steps.compare(quantized),
            quantized: quantized, seconds: (clock.now - start).seconds)
        if let report { try FileOutput.write(atomically: [Array(result.markdown.utf8)], to: report) }
        if json { Terminal.output.line(result.json.text) } else if !quiet { Terminal.output.line(result.text) }
    }

    private func checkOutputs(_ path: String) throws {
        let inputs =
            OutputRules.modelFiles(model) + [scheduleOptions.lpips, recipeOptions.recipe].compactMap { $0 }
            + InputSearch(calibration + lr + scheduleOptions.searchOn).inputs.compactMap(\.path)
        // A recipe that exists is followed, and not written.
        let newRecipe = recipeOptions.recipe.flatMap { FilePath.exists($0) ? nil : $0 }
        try OutputRules(inputs: inputs, overwrite: overwrite).check([path, report, newRecipe].compactMap { $0 })
    }

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

    private func calibrationSet(_ paths: [String], lr: [String] = [], scale: Int) throws -> CalibrationSet {
        let images = CalibrationImages(
            calibration: paths, lr: lr, degradations: degrade, count: imageLimit, seed: seed, quiet: quiet)
        let set = try images.load(scale: scale)
        if !quiet { for warning in images.warnings(about: set) { Terminal.error.line("warning: \(warning)") } }
        return set
    }
}
