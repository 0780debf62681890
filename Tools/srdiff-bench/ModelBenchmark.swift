import ArgumentParser
import SRDiff
import ToolSupport

struct ModelBenchmark: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "model",
        abstract: "Measures a model: time per step and per image, arithmetic against the machine's peak, memory.")

    @Option(help: ArgumentHelp("The model, found as srdiff-upscale does.", valueName: "file"))
    var model: String?

    @Option(
        help: ArgumentHelp(
            "A network with random weights instead: paper (hidden size 64) or edge (32).", valueName: "network"))
    var random: String?

    @Flag(help: "With --random: in float arithmetic.")
    var float = false

    @Option(
        help: ArgumentHelp("Sizes of the upscaled image, separated by commas: 256 or 1920x1080.", valueName: "sizes"))
    var size = "256"

    @Option(help: ArgumentHelp("Threads, by commas. (default: the processors this process may use)", valueName: "n"))
    var threads: String?

    @Option(help: ArgumentHelp("Instruction sets, by commas, or all. (default: the fastest)", valueName: "names"))
    var cpu: String?

    @Option(help: ArgumentHelp("Steps of the sampler in each image.", valueName: "n"))
    var steps = 10

    @Option(help: ArgumentHelp("Steps before those that are measured, in each image.", valueName: "n"))
    var warmup = 2

    @Option(name: .customLong("repeat"), help: ArgumentHelp("Images for each configuration.", valueName: "n"))
    var repetitions = 3

    @Flag(help: "Time of each layer as well.")
    var layers = false

    @Option(help: "Tables for people, for spreadsheets, or for programs.")
    var format = Format.md

    private struct Settings {
        let sizes: [(width: Int, height: Int)]
        let threads: [Int]
        let cpus: [InstructionSet]
    }

    func validate() throws {
        func check(_ ok: Bool, _ message: String) throws { if !ok { throw ValidationError(message) } }
        try check((1...100).contains(steps), "--steps \(steps): 1 to 100")
        try check((0...100).contains(warmup), "--warmup \(warmup): 0 to 100")
        try check((1...10000).contains(repetitions), "--repeat \(repetitions): 1 to 10000")
        try check(random == nil || model == nil, "--model and --random are two different models")
        try check(random.map { RandomModel(rawValue: $0) != nil } ?? true, "--random \(random ?? ""): paper or edge")
        try check(!float || random != nil, "--float goes with --random; a float model is named by --model")
        _ = try settings()
    }

    private func settings() throws -> Settings {
        let sizes = try size.split(separator: ",", omittingEmptySubsequences: false).map { text in
            let sides = text.split(separator: "x", omittingEmptySubsequences: false).map { Int($0) }
            guard sides.count <= 2, let width = sides[0], let height = sides[sides.count - 1],
                (4...16384).contains(width), (4...16384).contains(height)
            else { throw ValidationError("--size \(text): 256 or 1920x1080, of sides from 4 to 16384") }
            return (width: width, height: height)
        }
        return Settings(sizes: sizes, threads: try ThreadCounts.parse(threads), cpus: try InstructionSets.parse(cpu))
    }

    func run() throws {
        let settings = try settings(), clock = ContinuousClock(), start = clock.now
        let loaded = try load()
        let loading = clock.now - start
        guard steps <= loaded.schedule.timesteps else {
            throw ValidationError("--steps \(steps): \(loaded.path) has \(loaded.schedule.timesteps) timesteps")
        }
        var runs: [ConfigurationRun] = []
        for size in settings.sizes {
            for cpu in settings.cpus {
                for threads in settings.threads {
                    runs.append(
                        ConfigurationRun(
                            loaded, width: size.width, height: size.height, cpu: cpu, threads: threads, steps: steps,
                            warmup: warmup, measuresLayers: layers))
                }
            }
        }
        let progress = ProgressLine(isShown: true), before = Machine.condition
        for repetition in 0..<repetitions {
            for i in runs.indices {
                progress.show(runs[i].label, done: repetition * runs.count + i, of: repetitions * runs.count)
                try runs[i].measure()
            }
        }
        progress.clear()
        let report = ModelReport(
            loaded: loaded, isRandom: random != nil, runs: runs, loading: loading, before: before,
            after: Machine.condition,
            layers: layers)
        switch format {
        case .md: Terminal.output.line(report.markdown)
        case .csv: Terminal.output.line(layers ? report.layerTable.csv : report.table.csv)
        case .json: Terminal.output.line(report.json.text)
        }
    }

    private func load() throws -> LoadedModel {
        guard let random, let network = RandomModel(rawValue: random) else { return try LoadedModel.find(model) }
        let model = float ? try network.model() : try network.quantized(threads: Machine.processors)
        return LoadedModel(path: "\(random), random weights", foundBy: "--random", sha256: "", model: model)
    }
}
