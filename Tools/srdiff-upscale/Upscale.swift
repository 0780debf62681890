import ArgumentParser
import SRDFile
import SRDImage
import SRDiff
import ToolSupport

@main
struct Upscale: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "srdiff-upscale",
        abstract: "Enlarges pictures with SRDiff: low resolution in, sharp detail out.",
        usage: "srdiff-upscale INPUT... [-o OUTPUT] [options]",
        discussion: """
            EXAMPLES
              srdiff-upscale photo.png                  writes photo_x4.png beside it
              srdiff-upscale photos -o large            a folder's pictures into another
              srdiff-upscale 'scan*.png' -o large --samples 3
              srdiff-upscale photo.png --dry-run        how long, how much memory?
              cat photo.png | srdiff-upscale - > large.png

            The same picture, model, seed and settings give the same pixels on every
            machine and for every number of threads. They are kept in the PNG's text
            "srdiff".

            A model is found by --model, else SRDIFF_MODEL, else Models/ beside the
            package, else ../share/srdiff/ beside the executable. SRDIFF_CPU names an
            instruction set to use instead of the fastest.

            \(ToolInfo.exitCodes)
            """,
        version: ToolInfo.version
    )

    enum Sampler: String, CaseIterable, ExpressibleByArgument {
        case ddpm, ddim
        case dpm2M = "dpm++2m"
        case dpm2MSDE = "dpm++2m-sde"
        case unipc
    }

    @Argument(help: ArgumentHelp("PNG, PPM or PGM files, folders, quoted patterns, or - for standard input.", valueName: "input"))
    var inputs: [String]

    @Option(name: .shortAndLong, help: ArgumentHelp(
        "A .png, .ppm or .pgm file, a folder (made where missing), or - for standard output. Without it: NAME_x4.png beside the input.",
        valueName: "output"
    ))
    var output: String?

    @Option(help: ArgumentHelp("The model: one of srdiff-quantize, or a float one as safetensors or PyTorch checkpoint.", valueName: "file"))
    var model: String?

    @Option(help: """
        ddpm draws fresh noise at each step, ddim only what --eta says; dpm++2m and unipc draw none and use the steps before too; \
        dpm++2m-sde does both. (default: the model's own schedule for --steps, else ddpm)
        """)
    var sampler: Sampler?

    @Option(help: """
        Timesteps evenly spread, closer together near the clean end, or even in the logarithm of signal to noise. (default: \
        the model's own for --steps, else uniform)
        """)
    var spacing: SamplerSchedule.Spacing?

    @Option(help: ArgumentHelp(
        "Steps of the sampler, 1 to the model's timesteps: time grows with it. auto: the fewest of the model's own that are as good as 100, by its report (\(StepCount.autoRule)).",
        valueName: "n|auto"
    ))
    var steps = StepCount.number(20)

    @Option(help: ArgumentHelp("Noise of ddim, 0 (none) to 1 (as much as ddpm). (default: 0)", valueName: "η"))
    var eta: Double?

    @Option(help: ArgumentHelp("Another seed, another picture.", valueName: "n"))
    var seed: UInt64 = 0

    @Option(help: ArgumentHelp("Several results for each picture, with seeds n, n+1, …, as NAME_x4_seed0.png and so on.", valueName: "n"))
    var samples = 1

    @Option(help: ArgumentHelp("pixel: the same noise on every machine. torch: PyTorch's, to compare with the published code.", valueName: "rng"))
    var rng = SamplingSettings.Generator.pixel

    @Flag(help: "Write the encoder's own picture: quick, smooth, no seed.")
    var preview = false

    @Flag(help: "Write the plain bicubic enlargement, to compare with.")
    var bicubic = false

    @Option(help: ArgumentHelp("Threads. (default: the processors this process may use)", valueName: "n"))
    var threads: Int?

    @Flag(help: "Replace outputs that exist; without it they are skipped.")
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
        try check(steps != .auto || sampler == nil && spacing == nil, "--steps auto takes the model's own schedule: no --sampler, no --spacing")
        try check((1...1000).contains(samples), "--samples \(samples): 1 to 1000")
        try check(threads.map { (1...1024).contains($0) } ?? true, "--threads \(threads ?? 0): 1 to 1024")
        try check(eta == nil || sampler == .ddim, "--eta is for --sampler ddim")
        try check((0...1).contains(eta ?? 0), "--eta \(eta ?? 0): 0 to 1")
        try check(!preview || !bicubic, "--preview and --bicubic are two different pictures")
        try check(!preview && !bicubic || samples == 1, "--\(preview ? "preview" : "bicubic") has no seed: there is only one sample")
    }

    func run() throws {
        let instructionSet = try InstructionSet.fromEnvironment()
        let (inputs, errors) = PictureInput.expand(inputs)
        let loaded = try LoadedModel.find(model)
        let settings = try settings(for: loaded)
        let jobs = try Job.plan(inputs, arguments: self.inputs, output: output, scale: loaded.configuration.scale, settings)
        if settings.method == .preview && !loaded.hasPreview { throw ToolError("\(loaded.path): no layers for --preview in this model") }

        var report = Report(json: json, quiet: quiet, resultsOnError: jobs.contains { $0.outputs.contains { $0.destination == .standardOutput } })
        report.note("model: \(loaded.path) (\(loaded.arithmetic), \(loaded.foundBy))")
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

    /// One picture: read, plan, sample as often as asked, write.
    private func run(_ job: Job, label: String, _ machine: inout UpscaleMachine, _ report: inout Report) throws {
        let outputs = job.outputs.filter { output in
            guard case .file(let path) = output.destination, FilePath.exists(path), !overwrite, !dryRun else { return true }
            report.skipped(job.input, path)
            return false
        }
        guard !outputs.isEmpty else { return }
        for output in outputs { try job.check(output.destination) }

        let picture = try machine.read(job.input, evenIfTooLarge: force || dryRun) { report.note("\(job.input): warning: \($0)") }
        try job.check(picture)
        let plan = machine.plan(picture)
        if dryRun { return report.planned(job, plan, secondsPerMAC: machine.secondsPerMAC()) }
        if !force { try plan.checkMemory() }

        let progress = ProgressLine(isShown: !quiet), settings = machine.settings, loaded = machine.loaded
        progress.show("\(label)  encoding")
        try machine.run(picture, seeds: outputs.map(\.seed), progress: progress, label: label) { i, result, seconds in
            var result = result
            result.metadata = stripMetadata ? PictureMetadata() : result.metadata
            if !stripMetadata { result.metadata.addText(keyword: "srdiff", settings.text(seed: outputs[i].seed, model: loaded)) }
            try outputs[i].destination.write(result)
            progress.clear()
            report.written(job.input, outputs[i], from: picture, result, seconds: seconds)
        }
    }

    private var method: SamplerSchedule.Method {
        switch sampler ?? .ddpm {
        case .ddpm: .ddpm
        case .ddim: .ddim(eta: eta ?? 0)
        case .dpm2M: .dpm2M
        case .dpm2MSDE: .dpm2MSDE
        case .unipc: .unipc
        }
    }

    /// The model's own schedule where it has one and nothing else is asked for.
    private func schedule(for loaded: LoadedModel) throws -> SamplerSchedule {
        let timesteps = loaded.schedule.timesteps
        switch steps {
        case .auto:
            guard let found = loaded.schedules.first(where: StepCount.isAsGoodAsMany) ?? loaded.schedules.last else {
                throw ToolError("\(loaded.path): no schedules for --steps auto in this model; srdiff-quantize --search-steps makes them")
            }
            return .jumps(found.jumps)
        case .number(let count):
            guard count <= timesteps else { throw ValidationError("--steps \(count): \(loaded.path) has \(timesteps) timesteps") }
            if sampler == nil, spacing == nil, let found = loaded.schedules.first(where: { $0.jumps.count == count }) {
                return .jumps(found.jumps)
            }
            return .spaced(method, steps: count, spacing ?? .uniform)
        }
    }

    private func settings(for loaded: LoadedModel) throws -> Settings {
        Settings(
            sampler: try schedule(for: loaded), seed: seed, samples: samples,
            generator: rng, method: preview ? .preview : bicubic ? .bicubic : .sampled, threads: threads ?? Machine.processors
        )
    }
}

/// What `--steps` takes.
enum StepCount: Hashable, ExpressibleByArgument, CustomStringConvertible {
    private static let autoLoss: Float = 0.05, autoRatio: Float = 1.02
    static var autoRule: String { "at most \(autoLoss) dB of PSNR and 2 % of LPIPS lost" }

    static func isAsGoodAsMany(_ schedule: SearchedSchedule) -> Bool {
        schedule.psnrGain >= -autoLoss && schedule.lpipsRatio <= autoRatio
    }

    case number(Int)
    case auto

    init?(argument: String) {
        if argument == "auto" { self = .auto; return }
        guard let count = Int(argument), count >= 1 else { return nil }
        self = .number(count)
    }

    var description: String {
        switch self {
        case .number(let count): "\(count)"
        case .auto: "auto"
        }
    }
}

extension SamplerSchedule.Spacing: ExpressibleByArgument {}

extension SamplingSettings.Generator: ExpressibleByArgument {}
