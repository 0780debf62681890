import ArgumentParser
import SRDFile
import SRDiff
import SRDMetrics
import ToolSupport

/// The command of `srdiff-evaluate`.
package var command: any ParsableCommand.Type { Evaluate.self }

struct Evaluate: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "srdiff-evaluate",
        abstract: "Measures what int8 and fewer steps cost: metrics, images, and per-layer errors.",
        usage: "srdiff-evaluate MODEL... --images FOLDER [--reference FLOAT] [options]",
        discussion: """
            EXAMPLES
              srdiff-evaluate edge.int8.safetensors --reference edge.safetensors --images photos
              srdiff-evaluate a.safetensors b.safetensors --images photos --steps 5,10,20
              srdiff-evaluate edge.int8.safetensors --reference edge.safetensors \\
                --images photos --report report.html
              srdiff-evaluate photo.int8.safetensors --images photos --degrade noise:5+jpeg:60
              srdiff-evaluate edge.int8.safetensors --reference edge.safetensors \\
                --images photos --quiet --fail-if 'psnr_drop>0.1'

            Images are downscaled (MATLAB bicubic, 8 bits) and upscaled by every model,
            sampler and step count, all from the same noise. Each folder is a set of its own
            in the tables. The first baseline is bicubic, the second the encoder's image.

            \(Metric.help)

            Intervals are 95 % confidence intervals of the mean over images (Student's t);
            differences to the reference are taken image by image.

            What is done is kept in \(Evaluate.partialFolder)/ here (or where --save-images
            says), and removed at the end: run the same line again after an interruption.

            \(ToolInfo.exitCodes)
            """,
        version: SRDiffVersion.string
    )

    static let partialFolder = "srdiff-evaluate.partial"

    @Argument(
        help: ArgumentHelp(
            "Models to measure: int8 ones, or float ones as safetensors or PyTorch checkpoint.", valueName: "model"))
    var models: [String]

    @Option(help: ArgumentHelp("The float model that the others are compared with.", valueName: "file"))
    var reference: String?

    @Option(
        help: ArgumentHelp(
            "A folder of images as they should become, or one image. May be repeated.", valueName: "path"))
    var images: [String]

    @Option(
        help: ArgumentHelp(
            """
            What the images were reduced to, instead of reducing them here: under the same names, or 0001x4, 0001_x4 \
            and …LR for …HR. One folder for each --images.
            """,
            valueName: "folder"))
    var lr: [String] = []

    @Option(
        help: ArgumentHelp(
            """
            Degrade the low-resolution images first: noise:SIGMA adds Gaussian noise (8-bit levels), \
            jpeg:QUALITY encodes and decodes, with 4:2:0 chroma up to quality 90. Steps are joined by + \
            and always use the same noise.
            """,
            valueName: "steps"))
    var degrade: Degradation?

    @Option(
        help: ArgumentHelp(
            """
            \(SamplerArgument.allValueStrings.joined(separator: ", ")): the last takes an int8 model's own schedules. \
            ddpm@100 runs it with 100 steps, whatever --steps says. May be repeated. (default: ddpm)
            """,
            valueName: "sampler"))
    var sampler: [SamplerArgument] = []

    @Option(help: ArgumentHelp("Steps of the sampler, as 5,10,20. (default: 20)", valueName: "n,…"))
    var steps: String = "20"

    @Option(help: ArgumentHelp("Noise of ddim, 0 (none) to 1 (as much as ddpm). (default: 0)", valueName: "η"))
    var eta: Double?

    @Option(help: ArgumentHelp("The noise that all start from.", valueName: "n"))
    var seed: UInt64 = 0

    @Option(
        help: ArgumentHelp(
            "Results for each image, with seeds n, n+1, …: metrics are their means, and sigma says how they differ.",
            valueName: "n"))
    var samples = 1

    @Flag(
        help:
            "Correct every result until it is, downscaled again, the input itself, as srdiff-upscale --consistent does."
    )
    var consistent = false

    @Option(
        help: ArgumentHelp(
            """
            LPIPS weights: a safetensors file of AlexNet's features.{0,3,6,8,10} and lin0…4. (default: \
            \(PerceptualWeights.name) in Models/ or share/srdiff/, where it is there)
            """,
            valueName: "file"))
    var lpips: String?

    @Option(help: ArgumentHelp("Keep the reference's images here, and use them again next time.", valueName: "folder"))
    var saveReference: String?

    @Option(help: ArgumentHelp("Keep all images here, a folder for each model and sampler.", valueName: "folder"))
    var saveImages: String?

    @Option(
        help: ArgumentHelp(
            """
            Only the I-th of N parts of the images, as srdiff-upscale --shard divides them, for several machines that \
            share the folder of --save-images. The same line without --shard then measures all of them from there.
            """,
            valueName: "I/N"))
    var shard: Shard?

    @Flag(help: "How far each layer of the int8 models is from the float one, worst first. Needs --reference.")
    var layers = false

    @Option(
        help: ArgumentHelp(
            "Write all of it, with plots and images side by side, as one HTML file.", valueName: "file.html"))
    var report: String?

    @Option(
        help: ArgumentHelp("Draw what each number of steps gives and costs, for every sampler.", valueName: "file.svg"))
    var plot: String?

    @Option(
        help: ArgumentHelp(
            """
            Exit with 1 when a model does not do: METRIC, METRIC_drop or METRIC_rise against the reference, and a \
            bound, as 'psnr_drop>0.1'. May be repeated.
            """,
            valueName: "condition"))
    var failIf: [String] = []

    @OptionGroup var threadOptions: ThreadOptions

    @Flag(help: "Replace a report or plot that exists.")
    var overwrite = false

    @Flag(help: "Results as JSON on standard output.")
    var json = false

    @Flag(help: "Results as CSV on standard output, a line for each image and model.")
    var csv = false

    @Flag(name: .shortAndLong, help: "No progress, no tables: nothing but errors.")
    var quiet = false

    private var stepCounts: [Int]? {
        let counts = steps.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
        guard counts.allSatisfy({ $0 != nil }), Set(counts).count == counts.count else { return nil }
        return counts.compactMap { $0 }
    }

    func validate() throws {
        func check(_ ok: Bool, _ message: String) throws { if !ok { throw ValidationError(message) } }
        try check(
            stepCounts?.allSatisfy { $0 >= 1 } ?? false, "--steps \(steps): whole numbers from 1, each once, as 5,10,20"
        )
        try check(eta == nil || sampler.contains { $0.kind == .sampler(.ddim) }, "--eta is for --sampler ddim")
        try check((0...1).contains(eta ?? 0), "--eta \(eta ?? 0): 0 to 1")
        try check(Set(sampler).count == sampler.count, "--sampler: each once")
        try check((1...1000).contains(samples), "--samples \(samples): 1 to 1000")
        try check(!json || !csv, "--json and --csv: one or the other")
        try check(lr.isEmpty || lr.count == images.count, "--lr: one folder for each --images")
        try check(!layers || reference != nil, "--layers needs --reference")
        try check(shard == nil || saveImages != nil, "--shard needs a common folder: name it with --save-images")
        try check(
            shard == nil || report == nil && plot == nil && failIf.isEmpty,
            "--shard measures a part: no --report, --plot or --fail-if")
        for text in failIf {
            guard let condition = Condition(text) else {
                throw ValidationError(
                    "--fail-if \(text): METRIC, METRIC_drop or METRIC_rise, then > < >= or <=, then a number")
            }
            try check(reference != nil || !condition.needsReference, "--fail-if \(text) needs --reference")
            try check(condition.metric != .sigma || samples > 1, "--fail-if \(text) needs --samples")
        }
    }

    func run() throws {
        let conditions = failIf.compactMap(Condition.init)
        let perceptual = try PerceptualWeights.findIfAny(lpips)
        if perceptual == nil, let condition = conditions.first(where: { [.lpips, .lpips_shift].contains($0.metric) }) {
            throw ValidationError("--fail-if \(condition.text) needs --lpips")
        }
        let contestants = try Contestant.load(models, reference: reference)
        let scale = contestants[0].loaded.configuration.scale
        let all = try ImageSet.find(images, low: lr, scale: scale),
            sets = shard.map { ImageSet.shard($0, of: all) } ?? all
        if sets.allSatisfy(\.entries.isEmpty) { return }  // more shards than images
        try checkOutputs(sets)
        let samplers = sampler.isEmpty ? [SamplerArgument(kind: .sampler(.ddpm))] : sampler
        let schedules = try samplers.flatMap { try $0.schedules(stepCounts!.sorted(), eta: eta ?? 0, for: contestants) }
        let plan = EvaluationPlan(
            contestants: contestants, schedules: schedules, seeds: (0..<UInt64(samples)).map { seed &+ $0 }, sets: sets,
            scale: scale, degradation: degrade, isConsistent: consistent, threads: threadOptions.count,
            instructionSet: try InstructionSet.fromEnvironment())
        let store = ImageStore(reference: saveReference, images: saveImages, partial: Self.partialFolder)
        let progress = ProgressLine(isShown: !quiet)
        var evaluation = Evaluation(plan: plan, lpips: perceptual, store: store, progress: progress)
        var results = try evaluation.run()
        if reference != nil && (layers || report != nil) {
            results.inside = try evaluation.compareLayers(results, layersOnly: report == nil)
        }
        progress.clear()

        if let report {
            let page = HTMLReport(results: results, plan: plan, store: store)
            try FileOutput.write(atomically: [Array(try page.text().utf8)], to: report)
        }
        if let plot {
            try FileOutput.write(atomically: [Array(StepsCurve(results: results, plan: plan).svg.utf8)], to: plot)
        }
        store.removePartial()
        let output = TextReport(results: results, plan: plan, showsLayers: layers)
        if json { Terminal.output.line(output.json.text) }
        if csv { Terminal.output.line(output.csv) }
        if !json && !csv && !quiet { Terminal.output.line(output.text) }
        let failures = conditions.flatMap { $0.failures(in: results) }
        for failure in failures { Self.report(failure) }
        if !results.failures.isEmpty && !quiet {
            Terminal.error.line(
                """
                \(results.failures.count) of \(results.failures.count + results.entries.count) \
                images failed and are left out
                """
            )
        }
        if !failures.isEmpty || !results.failures.isEmpty { throw ExitCode(1) }
    }

    private func checkOutputs(_ sets: [ImageSet]) throws {
        let images = sets.flatMap(\.entries).flatMap { entry in
            if case .file(let low) = entry.low { [entry.path, low] } else { [entry.path] }
        }
        let models = (models + [reference].compactMap { $0 }).flatMap(OutputRules.modelFiles)
        try OutputRules(inputs: images + models + [lpips].compactMap { $0 }, overwrite: overwrite)
            .check([report, plot].compactMap { $0 })
    }
}
