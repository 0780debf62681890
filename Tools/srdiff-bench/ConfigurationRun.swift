import SRDiff
import SRDTensor
import ToolSupport

/// One size, instruction set and number of threads, and what was measured of it so far.
struct ConfigurationRun {
    let loaded: LoadedModel
    let width, height, threads: Int
    let cpu: InstructionSet
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
        _ loaded: LoadedModel, width: Int, height: Int, cpu: InstructionSet, threads: Int, steps: Int, warmup: Int,
        measuresLayers: Bool
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

    var label: String { "\(width)×\(height) \(cpu.rawValue), \(threads) thread\(threads == 1 ? "" : "s")" }
    /// Multiply-accumulates a second; float arithmetic has no peak here.
    var peak: Double? { isInt8 ? peakMeter.rate : nil }
    var isInt8: Bool { !loaded.isFloat }

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

    /// Measures one more image.
    mutating func measure() throws {
        if isInt8 { peakMeter.measure() }
        Machine.resetPeakMemory()
        let upscaler = try Upscaler(loaded, options: .init(threads: threads, instructionSet: cpu)), low = lowSize
        var random = SplitMix64(seed: 1)
        let original = random.image(width: low.width, height: low.height)
        if warmup > 0 { firstStep.add(run(upscaler.pipeline, original, steps: warmup).steps[0]) }
        let observer = ExecutorObserver()
        if measuresLayers {
            observer.measuresTime = true
            upscaler.pipeline.executor.observer = observer
        }
        let times = run(upscaler.pipeline, original, steps: steps)
        image.add(times.image)
        encode.add(times.encoding)
        for time in times.steps { step.add(time) }
        peakMemory = max(peakMemory, Machine.peakMemory)
        guard measuresLayers else { return }
        layerSteps += times.steps.count
        let nodes = loaded.network.noisePredictor.nodes
        let found = nodes.map { (node: $0, time: observer.times[$0.name] ?? .zero) }
        layers = layers.isEmpty ? found : zip(layers, found).map { ($0.node, $0.time + $1.time) }
    }

    /// Upscales an image as `srdiff-upscale` does and measures its parts; a step includes the sampler's own arithmetic.
    private func run(_ pipeline: Pipeline, _ image: Image, steps: Int) -> (
        image: Duration, encoding: Duration, steps: [Duration]
    ) {
        let clock = ContinuousClock(), start = clock.now
        let prepared = pipeline.prepare(image), encoding = clock.now - start
        var last = clock.now, durations: [Duration] = []
        let settings = SamplingSettings(schedule: .spaced(.ddpm, steps: steps, .uniform), seed: 0)
        _ = pipeline.upscale(prepared, settings: settings) { _, _ in
            durations.append(clock.now - last)
            last = clock.now
        }
        return (clock.now - start, encoding, durations)
    }
}
