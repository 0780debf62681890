import ArgumentParser
import SRDModel

/// The model and how to sample with it: the same in every tool that makes images.
public struct SamplingOptions: ParsableArguments {
    public enum Sampler: String, CaseIterable, ExpressibleByArgument {
        case ddpm, ddim
        case dpm2M = "dpm++2m"
        case dpm2MSDE = "dpm++2m-sde"
        case unipc
    }

    @Option(help: ArgumentHelp("The model: one of srdiff-quantize, or a float one as safetensors or PyTorch checkpoint.", valueName: "file"))
    public var model: String?

    @Option(help: """
        ddpm draws fresh noise at each step, ddim only what --eta says; dpm++2m and unipc draw none and use the steps before too; \
        dpm++2m-sde does both. (default: the model's own schedule for --steps, else ddpm)
        """)
    public var sampler: Sampler?

    @Option(help: """
        Timesteps evenly spread, closer together near the clean end, or even in the logarithm of signal to noise. (default: \
        the model's own for --steps, else uniform)
        """)
    public var spacing: SamplerSchedule.Spacing?

    @Option(help: ArgumentHelp(
        "Steps of the sampler, 1 to the model's timesteps: time grows with it. auto: the fewest of the model's own that are as good as 100, by its report (\(StepCount.autoRule)). (default: \(Self.ownSteps) by the model's own schedule, \(Self.otherSteps) where it has none)",
        valueName: "n|auto"
    ))
    public var steps: StepCount?

    @Option(help: ArgumentHelp("Noise of ddim, 0 (none) to 1 (as much as ddpm). (default: 0)", valueName: "η"))
    public var eta: Double?

    @Option(help: ArgumentHelp("pixel: the same noise on every machine. torch: PyTorch's, to compare with the published code.", valueName: "rng"))
    public var rng = SamplingSettings.Generator.pixel

    @Option(help: ArgumentHelp("Threads. (default: the processors this process may use)", valueName: "n"))
    public var threads: Int?

    public init() {}

    public func validate() throws {
        func check(_ ok: Bool, _ message: String) throws { if !ok { throw ValidationError(message) } }
        try check(steps != .auto || sampler == nil && spacing == nil, "--steps auto takes the model's own schedule: no --sampler, no --spacing")
        try check(threads.map { (1...1024).contains($0) } ?? true, "--threads \(threads ?? 0): 1 to 1024")
        try check(eta == nil || sampler == .ddim, "--eta is for --sampler ddim")
        try check((0...1).contains(eta ?? 0), "--eta \(eta ?? 0): 0 to 1")
    }

    /// More hardly make a better image: the table in Models/README.md.
    private static let ownSteps = 8, otherSteps = 20

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
    public func schedule(for loaded: LoadedModel) throws -> SamplerSchedule {
        let timesteps = loaded.schedule.timesteps
        func own(_ count: Int) -> SamplerSchedule? {
            guard sampler == nil, spacing == nil else { return nil }
            return loaded.schedules.first { $0.jumps.count == count }.map { .jumps($0.jumps) }
        }
        switch steps ?? .number(own(Self.ownSteps) == nil ? min(Self.otherSteps, timesteps) : Self.ownSteps) {
        case .auto:
            guard let found = loaded.schedules.first(where: StepCount.isAsGoodAsMany) ?? loaded.schedules.last else {
                throw ToolError("\(loaded.path): no schedules for --steps auto in this model; srdiff-quantize --search-steps makes them")
            }
            return .jumps(found.jumps)
        case .number(let count):
            guard count <= timesteps else { throw ValidationError("--steps \(count): \(loaded.path) has \(timesteps) timesteps") }
            return own(count) ?? .spaced(method, steps: count, spacing ?? .uniform)
        }
    }
}

/// What `--steps` takes.
public enum StepCount: Hashable, ExpressibleByArgument, CustomStringConvertible {
    private static let autoLoss: Float = 0.05, autoRatio: Float = 1.02
    static var autoRule: String { "at most \(autoLoss) dB of PSNR and 2 % of LPIPS lost" }

    static func isAsGoodAsMany(_ schedule: SearchedSchedule) -> Bool {
        schedule.psnrGain >= -autoLoss && schedule.lpipsRatio <= autoRatio
    }

    case number(Int)
    case auto

    public init?(argument: String) {
        if argument == "auto" { self = .auto; return }
        guard let count = Int(argument), count >= 1 else { return nil }
        self = .number(count)
    }

    public var description: String {
        switch self {
        case .number(let count): "\(count)"
        case .auto: "auto"
        }
    }
}

extension SamplerSchedule.Spacing: ExpressibleByArgument {}

extension SamplingSettings.Generator: ExpressibleByArgument {}

extension SamplerSchedule {
    /// For the text that an image keeps.
    public var facts: [String] {
        switch self {
        case .spaced(let method, let steps, let spacing):
            var facts = ["sampler=\(method.name)", "steps=\(steps)"]
            if case .ddim(let eta) = method { facts.append("eta=\(eta)") }
            return facts + (spacing == .uniform ? [] : ["spacing=\(spacing.rawValue)"])
        case .jumps(let jumps): return ["sampler=searched", "steps=\(jumps.count)"]
        }
    }
}
