import ArgumentParser
import SRDFile
import SRDiff
import ToolSupport

/// The command of `srdiff-upscale`.
package var command: any ParsableCommand.Type { Upscale.self }

struct Upscale: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "srdiff-upscale",
        abstract: "Upscales images with SRDiff, a diffusion model that adds plausible detail.",
        usage: "srdiff-upscale INPUT... [-o OUTPUT] [options]",
        discussion: """
            EXAMPLES
              srdiff-upscale photo.png                  writes photo_x4.png next to it
              srdiff-upscale photos -o large            a folder's images into another
              srdiff-upscale 'scan*.png' -o large --samples 3
              srdiff-upscale photo.png --samples 8 --statistics
                                                        where does the model guess?
              srdiff-upscale photo.png --dry-run        how long, how much memory?
              srdiff-upscale scan.png --rows 2/8        a part of one image, on one of 8 machines
              srdiff-upscale photos -o large --shard 2/8   a part of a folder
              srdiff-upscale --summary large            what all shards did
              cat photo.png | srdiff-upscale - > large.png

            In a folder, other files, hidden files, subfolders and results of earlier runs
            are skipped and counted in the last line. A result is upscaled again only if it
            is named alone. What fails is reported, and the other images are still done; a
            full disk ends the run.

            The same image, model, seed and settings give the same pixels on every
            machine and for every number of threads. They are kept in the PNG's text
            "srdiff".

            A model is found by --model, else SRDIFF_MODEL, else Models/ next to the
            package, else ../share/srdiff/ next to the executable. SRDIFF_CPU names an
            instruction set to use instead of the fastest.

            \(ToolInfo.exitCodes)
            """,
        version: SRDiffVersion.string
    )

    @Argument(
        help: ArgumentHelp(
            "\(ImageFormat.names) files, folders, quoted patterns, or - for standard input.", valueName: "input"))
    var inputs: [String] = []

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            """
            A file (\(ImageFormat.preferredExtensions)), a folder (created if missing), or - for standard output. \
            (default: NAME_x4 in the input's folder and format)
            """,
            valueName: "output"
        ))
    var output: String?

    @OptionGroup var sampling: SamplingOptions

    @Option(help: ArgumentHelp("Another seed, another image.", valueName: "n"))
    var seed: UInt64 = 0

    @Option(
        help: ArgumentHelp(
            "Several results for each image, with seeds n, n+1, …, as NAME_x4_seed0.png and so on.", valueName: "n"))
    var samples = 1

    @Flag(
        help: """
            Besides the samples: their mean, a map of how they differ (σ), and all of them on one sheet, as \
            NAME_x4_mean.png, NAME_x4_sigma.png and NAME_x4_sheet.png. Says σ too: the standard deviation over the \
            samples, 0 to 255, mean of the image.
            """)
    var statistics = false

    @Option(
        help: ArgumentHelp(
            """
            Only these rows of the result, A to B − 1, or the I-th of N equal parts: the same bytes as in \
            the whole result. Written as PNG, NAME_x4_rowsA-B.png; srdiff-join makes one image of them. \
            Memory and time grow with the rows.
            """, valueName: "A:B|I/N"))
    var rows: RowRequest?

    @Flag(
        help:
            "Correct the result until it is, downscaled again, the input itself (back-projection). Alpha is left alone."
    )
    var consistent = false

    @Flag(help: "Write the encoder's own image: quick, smooth, no seed.")
    var preview = false

    @Flag(help: "Write the bicubic upsample, for comparison.")
    var bicubic = false

    @Option(
        help: ArgumentHelp(
            """
            Format of the results: \(ImageFormat.allCases.map { $0.name.lowercased() }.joined(separator: ", ")). \
            (default: the input's, PNG for PNM; -o FILE decides by its name)
            """,
            valueName: "format"))
    var format: ImageFormat?

    @Option(
        help: ArgumentHelp(
            """
            Quality of JPEG and WebP, 1 to 100; chroma keeps its resolution above 90. (default: \
            \(EncodingOptions.defaultQuality); lossless WebP stays lossless)
            """, valueName: "n"))
    var quality: Int?

    @Option(
        help: ArgumentHelp(
            """
            Compression of PNG, 0 (none) to 9 (slowest). Worthwhile for drawings; photographs hardly shrink. (default: \
            the fastest that pays for photographs)
            """, valueName: "n"))
    var compression: Int?

    @Option(
        help: ArgumentHelp(
            """
            Only the I-th of N parts of the images, which every machine divides alike: by pixels, from the headers. -o \
            names the common folder; results that exist are skipped. What is done is noted in \
            FOLDER/.srdiff/shard-I-of-N.jsonl.
            """, valueName: "I/N"))
    var shard: Shard?

    @Option(
        help: ArgumentHelp(
            """
            Say what the shards of a folder of results did: done, missing, failed, seconds per node. \
            Status 1 if anything is missing.
            """,
            valueName: "folder"))
    var summary: String?

    @Flag(
        name: .shortAndLong,
        help: "Upscale the images in subfolders too; in an output folder they keep their subfolders.")
    var recursive = false

    @Flag(help: "Replace outputs that exist. Without it a single named output is an error, and others are skipped.")
    var overwrite = false

    @Flag(help: "Write pixels only, rotated upright: no colour profile, no texts, no settings.")
    var stripMetadata = false

    @Flag(help: "Say what would be done: sizes, operations, memory, time. Writes nothing.")
    var dryRun = false

    @Flag(help: "Run even when the memory will probably not do.")
    var force = false

    @Flag(help: "Results as JSON on standard output.")
    var json = false

    @Flag(name: .shortAndLong, help: "Nothing but errors.")
    var quiet = false

    func validate() throws {
        func check(_ ok: Bool, _ message: String) throws { if !ok { throw ValidationError(message) } }
        if summary != nil {
            try check(
                inputs.isEmpty && output == nil && shard == nil,
                "--summary reads a folder of results: no input, no -o, no --shard")
            return
        }
        try check(!inputs.isEmpty, "name an image or a folder")
        try check(shard == nil || output != nil && output != "-", "--shard needs a common folder: name it with -o")
        if let quality { try check((1...100).contains(quality), "--quality \(quality): 1 to 100") }
        if let compression { try check((0...9).contains(compression), "--compression \(compression): 0 to 9") }
        try check((1...1000).contains(samples), "--samples \(samples): 1 to 1000")
        try check(!preview || !bicubic, "--preview and --bicubic are two different images")
        try check(
            !preview && !bicubic || samples == 1,
            "--\(preview ? "preview" : "bicubic") has no seed: there is only one sample")
        if rows != nil {
            try check(format == nil || format == .png, "--rows writes PNG: no --format")
            try check(!stripMetadata, "--rows keeps the rows in the metadata: no --strip-metadata")
            try check(!consistent, "--consistent corrects whole results: no --rows")
            try check(!statistics, "--statistics compares whole results: no --rows")
        }
        try check(!statistics || samples > 1, "--statistics compares samples: ask for two or more with --samples")
    }

    func run() throws {
        if let summary {
            let shards = try ShardSummary(summary)
            Terminal.output.line(json ? shards.json.text : shards.text)
            if !shards.isComplete { throw ExitCode(1) }
            return
        }
        let instructionSet = try InstructionSet.fromEnvironment()
        let search = InputSearch(inputs, isRecursive: recursive, excluding: output)
        let machines = try Machines(sampling.model, instructionSet: instructionSet, settings: settings)
        let loaded = machines.standard.loaded, settings = machines.standard.settings
        let scale = loaded.configuration.scale
        let plan = try JobPlan(search, arguments: inputs, output: output, scale: scale, settings)
        if shard != nil, !plan.isMany { throw ValidationError("--shard divides several images: name a folder") }
        let jobs = try shard?.jobs(plan.jobs) ?? plan.jobs
        if settings.method == .preview && !loaded.hasPreview { throw SRDiffError.noEncoderImage(path: loaded.path) }

        let isPrinted = jobs.contains { $0.outputs[0].destination.isStandardOutput }
        let log = try dryRun ? nil : shard.map { try ShardLog($0, jobs, output: output!) }
        var report = Report(json: json, quiet: quiet, resultsOnError: isPrinted, log: log)
        for format in search.foreignFormats { report.note("note: \(format.name) is not supported; \(format.remedy)") }
        for error in search.errors { report.failed(nil, error) }
        report.skipped(search.skipped)
        report.skippedOwnResults(plan.ownResults)

        let rules = OutputRules(
            inputs: jobs.compactMap(\.input.path) + OutputRules.modelFiles(loaded.path), overwrite: overwrite,
            makesFolders: true)
        let reading = Reading.Options(
            rules: rules, skipsOwnResults: plan.isMany,
            explicitOutput: output != nil && jobs.count == 1 && jobs[0].destinations == [.file(output!)],
            force: force, headerOnly: dryRun)
        var batch = Batch(
            jobs, .init(reading: reading, dryRun: dryRun, stripMetadata: stripMetadata, hasStatistics: statistics),
            machines: machines, report: report, progress: ProgressLine(isShown: !quiet))
        batch.run()
        batch.report.finish(loaded, settings, isBatch: plan.isMany || !search.errors.isEmpty, isDryRun: dryRun)
        if batch.report.hasFailures { throw ExitCode(1) }
    }

    private func settings(for loaded: LoadedModel) throws -> Settings {
        let schedule = try sampling.schedule(for: loaded)
        return Settings(
            sampler: schedule, seed: seed, samples: samples, generator: sampling.rng,
            fidelity: try loaded.fidelity(sampling.fidelity, for: schedule),
            method: preview ? .preview : bicubic ? .bicubic : .sampled, isConsistent: consistent,
            hasStatistics: statistics,
            rows: rows, threads: sampling.threads, format: rows == nil ? format : .png, quality: quality,
            compression: compression
        )
    }
}
