import SRDInt8
import SRDTensor
import SRDModel
import ToolSupport

/// One size, instruction set and number of threads, and what was measured of it so far.
struct ConfigurationRun {
    let loaded: LoadedModel
    let width, height, threads: Int
    let cpu: String
    private let steps, warmup: Int
    private let measuresLayers: Bool
    private var peakMeter: Peak

    /// A noise prediction; the encoder with its condition; a whole image.
    private(set) var step = Series(), encode = Series(), image = Series()
    /// The first step after the model was loaded, which packs the weights.
    private(set) var firstStep = Series()
    private(set) var peakMemory = 0
    /// All noise predictions measured.
    private(set) var layers: [(node: Node, time: Duration)] = []
    private(set) var layerSteps = 0

    init(
        _ loaded: LoadedModel, width: Int, height: Int, cpu: String, threads: Int, steps: Int, warmup: Int, measuresLayers: Bool
    ) {
        self.loaded = loaded
        self.width = width
        self.height = height
        self.cpu = cpu
        self.threads = threads
        self.steps = steps
        self.warmup = warmup
        self.measuresLayers = measuresLayers
        peakMeter = Peak(cpu, threads: threads)
    }

    var label: String { "\(width)×\(height) \(cpu), \(threads) thread\(threads == 1 ? "" : "s")" }
    /// Multiply-accumulates a second; float arithmetic has no peak here.
    var peak: Double? { isInt8 ? peakMeter.rate : nil }
    var isInt8: Bool { if case .int8 = loaded.form { true } else { false } }

    /// Pixels the network computes: what was asked for, padded.
    private var pixels: Double {
        let scale = loaded.configuration.scale, low = lowSize
        let padded = loaded.configuration.paddedSize(width: low.width, height: low.height)
        return Double(padded.width * scale * padded.height * scale)
    }

    private var lowSize: (width: Int, height: Int) {
        let scale = loaded.configuration.scale
        return (max(1, width / scale), max(1, height / scale))
    }

    var macsPerStep: Double { pixels * loaded.network.noisePredictor.macsPerPixel }

    func macs(of node: Node) -> Double { pixels * node.macsPerPixel }

    /// One image more.
    mutating func measure() {
        if isInt8 { peakMeter.measure() }
        Machine.resetPeakMemory()
        measure(on: loaded.executor(threads: threads, instructionSet: cpu))
        peakMemory = max(peakMemory, Machine.peakMemory)
    }

    private mutating func measure(on base: some Executor) {
        let executor = TimedExecutor(base), clock = ContinuousClock(), low = lowSize
        var random = BenchRandom(state: 1)
        let original = random.image(width: low.width, height: low.height)
        let upscaler = Upscaler(executor: executor, schedule: loaded.schedule, threads: threads)
        if warmup > 0 {
            _ = upscaler.upscale(upscaler.prepare(original), settings: sampling(steps: warmup)) { _ in }
            firstStep.add(executor.steps[0])
            executor.forget()
        }
        let int8 = base as? Int8Executor
        int8?.measuresLayers = measuresLayers
        image.add(clock.measure { _ = upscaler.upscale(upscaler.prepare(original), settings: sampling(steps: steps)) { _ in } })
        for time in executor.steps { step.add(time) }
        for time in executor.encodings { encode.add(time) }
        guard measuresLayers, let times = int8?.layerTimes else { return }
        layerSteps += executor.steps.count
        layers = layers.isEmpty ? times : zip(layers, times).map { ($0.node, $0.time + $1.time) }
    }

    private func sampling(steps: Int) -> SamplingSettings {
        SamplingSettings(sampler: .spaced(.ddpm, steps: steps, .uniform), seed: 0)
    }
}
