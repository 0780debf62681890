import ArgumentParser
import SRDiff

/// The model and how to sample with it: the same in every tool that makes images.
public struct SamplingOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            """
            The model: the name of an installed one (edge, photo), an int8 model, or a float one as safetensors or \
            PyTorch checkpoint. (default: edge; srdiff-upscale takes photo for JPEG and lossy WebP)
            """,
            valueName: "name|file"))
    public var model: String?

    @Option(
        help: """
            ddpm draws fresh noise at each step, ddim only what --eta says; dpm++2m and unipc draw none and use the \
            steps before too; dpm++2m-sde does both. (default: the model's own schedule for --steps, else ddpm)
            """)
    public var sampler: Sampler?

    @Option(
        help: """
            Timesteps evenly spread, closer together near the clean end, or even in the logarithm of signal to noise. \
            (default: the model's own for --steps, else uniform)
            """)
    public var spacing: TimestepSpacing?

    @Option(
        help: ArgumentHelp(
            """
            Steps of the sampler, 1 to the model's timesteps: time grows with it. auto: the fewest searched steps that \
            are as good as 100, by the model's report (at most \(ScheduleRequest.autoPSNRLoss) dB of PSNR and 2 % of \
            LPIPS lost). (default: \(ScheduleRequest.defaultSearchedSteps.map(String.init).joined(separator: " or ")) \
            by the model's own schedule, \(ScheduleRequest.defaultSteps) if it has none)
            """,
            valueName: "n|auto"
        ))
    public var steps: ScheduleRequest.Steps?

    @Option(help: ArgumentHelp("Noise of ddim, 0 (none) to 1 (as much as ddpm). (default: 0)", valueName: "η"))
    public var eta: Double?

    @Option(
        help: ArgumentHelp(
            """
            How much of the result comes from the encoder's image: 0 is the sample, 1 the smooth and faithful \
            encoder's image. (default: the model's own for its schedules, else 0)
            """,
            valueName: "0…1"))
    public var fidelity: Fidelity?

    @Option(
        help: ArgumentHelp(
            "pixel: the same noise on every machine. torch: PyTorch's, to compare with the published code.",
            valueName: "rng"))
    public var rng = SamplingSettings.Generator.pixel

    @OptionGroup public var threadOptions: ThreadOptions

    public init() {}

    public func validate() throws {
        func check(_ ok: Bool, _ message: String) throws { if !ok { throw ValidationError(message) } }
        try check(
            steps != .auto || sampler == nil && spacing == nil,
            "--steps auto takes the model's own schedule: no --sampler, no --spacing")
        try check(eta == nil || sampler == .ddim, "--eta is for --sampler ddim")
        try check((0...1).contains(eta ?? 0), "--eta \(eta ?? 0): 0 to 1")
    }

    /// The model's own schedule if it has one and nothing else is asked for.
    public func schedule(for loaded: LoadedModel) throws -> TimestepSchedule {
        if case .count(let count) = steps, count > loaded.schedule.timesteps {
            throw ValidationError("--steps \(count): \(loaded.path) has \(loaded.schedule.timesteps) timesteps")
        }
        return try loaded.schedule(
            for: ScheduleRequest(steps: steps, sampler: sampler, spacing: spacing, eta: eta ?? 0))
    }

    public var threads: Int { threadOptions.count }
}

/// `--threads`, the same in every tool.
public struct ThreadOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Threads. (default: the processors this process may use)", valueName: "n"))
    public var threads: Int?

    public init() {}

    public func validate() throws {
        if let threads { try Self.check(threads) }
    }

    public static func check(_ threads: Int) throws {
        let counts = Upscaler.threadCounts
        guard counts.contains(threads) else {
            throw ValidationError("--threads \(threads): \(counts.lowerBound) to \(counts.upperBound)")
        }
    }

    /// What was asked for, or the processors that this process may use.
    public var count: Int { threads ?? Machine.processors }
}

extension ScheduleRequest.Steps: ExpressibleByArgument {
    public init?(argument: String) {
        if argument == "auto" { self = .auto; return }
        guard let count = Int(argument), count >= 1 else { return nil }
        self = .count(count)
    }
}

extension Fidelity: ExpressibleByArgument, CustomStringConvertible {
    public init?(argument: String) {
        guard let value = Float(argument) else { return nil }
        self.init(value)
    }

    public var description: String { "\(value)" }
}

extension Sampler: ExpressibleByArgument {}

extension TimestepSpacing: ExpressibleByArgument {}

extension SamplingSettings.Generator: ExpressibleByArgument {}

extension ImageFormat: ExpressibleByArgument {
    public init?(argument: String) { self.init(named: argument) }
}
