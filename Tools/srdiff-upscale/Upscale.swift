import ArgumentParser
import SRDFile
import SRDiff
import ToolSupport

@main
struct Upscale: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "srdiff-upscale",
        abstract: "Enlarges images with SRDiff: low resolution in, sharp detail out.",
        usage: "srdiff-upscale INPUT... [-o OUTPUT] [options]",
        discussion: """
            EXAMPLES
              srdiff-upscale photo.png                  writes photo_x4.png beside it
              srdiff-upscale photos -o large            a folder's images into another
              srdiff-upscale 'scan*.png' -o large --samples 3
              srdiff-upscale photo.png --samples 8 --statistics
                                                        where does the model guess?
              srdiff-upscale photo.png --dry-run        how long, how much memory?
              cat photo.png | srdiff-upscale - > large.png

            The same image, model, seed and settings give the same pixels on every
            machine and for every number of threads. They are kept in the PNG's text
            "srdiff".

            A model is found by --model, else SRDIFF_MODEL, else Models/ beside the
            package, else ../share/srdiff/ beside the executable. SRDIFF_CPU names an
            instruction set to use instead of the fastest.

            \(ToolInfo.exitCodes)
            """,
        version: SRDiffVersion.string
    )

    @Argument(help: ArgumentHelp("\(ImageFormat.names) files, folders, quoted patterns, or - for standard input.", valueName: "input"))
    var inputs: [String]

    @Option(name: .shortAndLong, help: ArgumentHelp(
        "A file (\(ImageFormat.preferredExtensions)), a folder (created if missing), or - for standard output. (default: NAME_x4 in the input's folder and format)",
        valueName: "output"
    ))
    var output: String?

    @OptionGroup var sampling: SamplingOptions

    @Option(help: ArgumentHelp("Another seed, another image.", valueName: "n"))
    var seed: UInt64 = 0

    @Option(help: ArgumentHelp("Several results for each image, with seeds n, n+1, …, as NAME_x4_seed0.png and so on.", valueName: "n"))
    var samples = 1

    @Flag(help: """
        Besides the samples: their mean, a map of how they differ (σ), and all of them on one sheet, as NAME_x4_mean.png, \
        NAME_x4_sigma.png and NAME_x4_sheet.png. Says σ too: the standard deviation over the samples, 0 to 255, mean of the image.
        """)
    var statistics = false

    @Flag(help: "Correct the result until it is, reduced again, the input itself (back-projection). Alpha is left alone.")
    var consistent = false

    @Flag(help: "Write the encoder's own image: quick, smooth, no seed.")
    var preview = false

    @Flag(help: "Write the plain bicubic enlargement, to compare with.")
    var bicubic = false

    @Option(help: ArgumentHelp(
        "Format of the results: \(ImageFormat.allCases.map { $0.name.lowercased() }.joined(separator: ", ")). (default: the input's, PNG for PNM; -o FILE decides by its name)",
        valueName: "format"))
    var format: ImageFormat?

    @Option(help: ArgumentHelp("Quality of JPEG and WebP, 1 to 100; chroma keeps its resolution above 90.", valueName: "n"))
    var quality = EncodingOptions.defaultQuality

    @Flag(help: "Replace outputs that exist. Without it a single named output is an error, and others are skipped.")
    var overwrite = false

    @Flag(help: "Write pixels only: no colour profile, no texts, no settings.")
    var stripMetadata = false

    @Flag(help: "Say what would be done: sizes, operations, memory, time. Writes nothing.")
    var dryRun = false

    @Flag(help: "Run even when the memory will probably not do.")
    var force = false

    @Flag(help: "Results as JSON on standard output.")
    var json = false

    @Flag(name: .shortAndLong, help: "Nothing but errors.")
    var quiet = false

    static func main() { runTool() }

    func validate() throws {
        func check(_ ok: Bool, _ message: String) throws { if !ok { throw ValidationError(message) } }
        try check((1...100).contains(quality), "--quality \(quality): 1 to 100")
        try check((1...1000).contains(samples), "--samples \(samples): 1 to 1000")
        try check(!preview || !bicubic, "--preview and --bicubic are two different images")
        try check(!preview && !bicubic || samples == 1, "--\(preview ? "preview" : "bicubic") has no seed: there is only one sample")
        try check(!statistics || samples > 1, "--statistics compares samples: ask for two or more with --samples")
    }

    func run() throws {
        let instructionSet = try InstructionSet.fromEnvironment()
        let (inputs, errors) = ImageInput.expand(inputs)
        let loaded = try LoadedModel.find(sampling.model)
        let settings = try settings(for: loaded)
        let jobs = try Job.plan(inputs, arguments: self.inputs, output: output, scale: loaded.configuration.scale, settings)
        if settings.method == .preview && !loaded.hasPreview { throw SRDiffError.noEncoderImage(path: loaded.path) }

        var report = Report(json: json, quiet: quiet, resultsOnError: jobs.contains { $0.outputs.contains { $0.destination == .standardOutput } })
        report.note("model: \(loaded.path) (\(loaded.arithmetic), \(loaded.foundBy))")
        for warning in loaded.warnings { report.note("warning: \(loaded.path): \(warning)") }
        for error in errors { report.failed(nil, error) }

        var machine = UpscaleMachine(loaded: loaded, settings: settings, instructionSet: instructionSet)
        for (i, job) in jobs.enumerated() {
            do {
                try run(job, label: jobs.count > 1 ? "[\(i + 1)/\(jobs.count)] \(job.input)" : "\(job.input)", &machine, &report)
            } catch {
                report.failed(job.input, error)
            }
        }
        report.finish(loaded, settings)
        if report.failures > 0 { throw ExitCode(1) }
    }

    /// One image: read, plan, sample as often as asked, write.
    private func run(_ job: Job, label: String, _ machine: inout UpscaleMachine, _ report: inout Report) throws {
        if let output, !overwrite, !dryRun, case .file(output)? = job.destinations.first, job.destinations.count == 1, FilePath.exists(output) {
            throw ToolError("\(output): the file exists. Replace it with --overwrite, or choose another name.")
        }
        let kept = Set(overwrite || dryRun ? [] : job.destinations.filter(\.exists))
        for destination in job.destinations where kept.contains(destination) { report.skipped(job.input, destination) }
        // Statistics are of all samples: where one of the results is missing, all are made, and those missing written.
        let isIncomplete = kept.count < job.destinations.count
        let outputs = statistics && isIncomplete ? job.outputs : job.outputs.filter { !kept.contains($0.destination) }
        guard !outputs.isEmpty && isIncomplete else { return }
        for destination in job.destinations where !kept.contains(destination) { try destination.check(against: [job.input]) }

        let image = try machine.read(job.input, evenIfTooLarge: force || dryRun) { report.note("\(job.input): warning: \($0)") }
        try job.check(image)
        let options = EncodingOptions(quality: quality)
        let plan = machine.plan(image)
        if dryRun { return report.planned(job, plan, secondsPerMAC: try machine.secondsPerMAC()) }
        if !force { try plan.checkMemory() }

        let progress = ProgressLine(isShown: !quiet), settings = machine.settings, loaded = machine.loaded
        var summary = statistics ? SampleSummary(of: image, seeds: settings.seeds, scale: loaded.configuration.scale) : nil
        progress.show("\(label)  encoding")
        try machine.run(image.withHiddenColorsFilled(), seeds: outputs.map(\.seed), progress: progress, label: label) { i, result, seconds in
            summary?.add(result)
            guard !kept.contains(outputs[i].destination) else { return }
            let result = result.with(runSettings: stripMetadata ? nil : settings.facts(seeds: [outputs[i].seed], model: loaded))
            try outputs[i].destination.write(result, options: options) { report.note("\(outputs[i].destination): warning: \($0)") }
            progress.clear()
            report.written(job.input, outputs[i], from: image, result, seconds: seconds)
        }
        guard let summary else { return }
        for kind in Job.Summary.allCases {
            guard let destination = job.summaries[kind], !kept.contains(destination) else { continue }
            let facts = settings.facts(seeds: settings.seeds, model: loaded) + [summary.fact(kind)]
            try destination.write(summary.image(kind).with(runSettings: stripMetadata ? nil : facts), options: options)
        }
        report.summarized(job, sigma: summary.sigma, white: summary.white)
    }

    private func settings(for loaded: LoadedModel) throws -> Settings {
        let schedule = try sampling.schedule(for: loaded)
        return Settings(
            sampler: schedule, seed: seed, samples: samples, generator: sampling.rng,
            fidelity: try loaded.fidelity(sampling.fidelity, for: schedule),
            method: preview ? .preview : bicubic ? .bicubic : .sampled, isConsistent: consistent, hasStatistics: statistics,
            threads: sampling.threads, format: format, quality: quality
        )
    }
}
