import SRDFloat
import SRDImage
import SRDMetrics
import SRDTensor
import SRDModel

/// What an int8 model loses against its float original, measured.
public struct Quality: Sendable {
    public struct Layer: Sendable {
        public let name: String
        /// Of the codes' real values against the float weights; nil for float layers.
        public let weights: SignalToNoise?
        /// Of what the layer puts out in the int8 model, everything before it int8 too.
        public let output: SignalToNoise
        /// The same with the float model's values before it: what the layer itself does wrong.
        public let own: SignalToNoise
    }

    public struct ImageQuality: Sendable {
        /// int8 against float, same noise.
        public let psnr: Double
        /// Squared difference of int8 and float, and of float and the original where there is one; per sample, codes of 8 bits.
        public let difference: Double
        public let ownError: Double?
        public let lowResolutionPSNR: (float: Double, int8: Double)

        /// What the difference costs in PSNR against the original, if it has nothing to do with the model's own error.
        public var loss: Double? { ownError.map { decibels(1 + difference / $0) } }
    }

    public internal(set) var layers: [Layer] = []
    /// Predicted noise, by timestep, ascending.
    public internal(set) var noise: [(timestep: Int, ratio: SignalToNoise)] = []
    public internal(set) var images: [ImageQuality] = []

    public init(layers: [Layer] = []) { self.layers = layers }

    public var meanPSNR: Double { images.isEmpty ? .nan : images.reduce(0) { $0 + $1.psnr } / Double(images.count) }

    /// Mean over the images that have an original; nil without any.
    public var loss: Double? {
        let known = images.filter { $0.ownError != nil }
        guard !known.isEmpty else { return nil }
        return decibels(1 + known.reduce(0) { $0 + $1.difference } / known.reduce(0) { $0 + $1.ownError! })
    }
}

/// Runs the float and the int8 model side by side on small images.
public struct Comparison {
    private let model: Model
    private let patches: CalibrationSet
    private let settings: QuantizerSettings
    private let sampler: SamplerSchedule

    /// Compares along DDIM, which adds no noise of its own.
    public init(_ model: Model, on set: CalibrationSet, settings: QuantizerSettings) {
        self.model = model
        patches = set
        self.settings = settings
        sampler = .ddim(steps: min(settings.steps, model.schedule.timesteps), eta: 0)
    }

    /// Noise predictions of each model that `measure` makes.
    public var steps: Int { patches.images.count * sampler.steps }

    /// - Parameters:
    ///   - executor: runs `quantized`.
    ///   - progress: called with steps done.
    public func measure<E: Executor>(
        _ quantized: QuantizedModel, executor: E, withLayers: Bool = true, progress: (_ done: Int) -> Void = { _ in }
    ) -> Quality {
        var quality = Quality(), noise: [Int: SignalToNoise] = [:], done = 0
        let float = FloatExecutor(model, threads: settings.threads)
        let watched = WatchedExecutor(float)
        let floatUpscaler = Upscaler(executor: watched, schedule: model.schedule, threads: settings.threads)
        let upscaler = Upscaler(executor: executor, schedule: model.schedule, threads: settings.threads)
        for (i, image) in patches.images.enumerated() {
            let prepared = upscaler.prepare(image), floatPrepared = floatUpscaler.prepare(image)
            watched.onNoise = { x, timestep, _, expected in
                noise[timestep, default: .init()].add(
                    executor.predictNoise(in: x, at: timestep, given: prepared.condition).values, expected: expected.values)
            }
            let sampling = SamplingSettings(sampler: sampler, seed: settings.seed &+ UInt64(i))
            let expected = floatUpscaler.upscale(floatPrepared, settings: sampling) { _ in
                done += 1
                progress(done)
            }
            let found = upscaler.upscale(prepared, settings: sampling) { _ in }
            quality.images.append(Self.compare(found, expected, from: image, original: patches.originals.isEmpty ? nil : patches.originals[i]))
        }
        quality.noise = noise.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        if withLayers { quality.layers = layers(of: quantized) }
        return quality
    }

    private static func compare(_ found: Image, _ expected: Image, from low: Image, original: Image?) -> Quality.ImageQuality {
        Quality.ImageQuality(
            psnr: ImageMetrics.psnr(found, expected), difference: ImageMetrics.meanSquare(found, expected),
            ownError: original.flatMap { $0.channels == expected.channels ? ImageMetrics.meanSquare(expected, $0) : nil },
            lowResolutionPSNR: (
                ImageMetrics.lowResolutionPSNR(of: expected, from: low), ImageMetrics.lowResolutionPSNR(of: found, from: low)))
    }

    /// Every layer on the first image, at the first, the middle and the last step of its float trajectory.
    public func layers(of quantized: QuantizedModel) -> [Quality.Layer] {
        guard let image = patches.images.first else { return [] }
        let float = FloatExecutor(model, threads: settings.threads)
        let simulated = FloatExecutor(simulating: quantized, threads: settings.threads)
        var expected: [String: FloatTensor] = [:], outputs: [String: SignalToNoise] = [:], own: [String: SignalToNoise] = [:]
        /// `run` is told which it is: 0 float, 1 int8, 2 int8 with every layer's inputs put right.
        func compare(_ run: (FloatExecutor, Int) -> Void) {
            float.observe = { node, tensor in expected[node.name] = tensor }
            run(float, 0)
            simulated.observe = { node, tensor in
                if node.operation != .input { outputs[node.name, default: .init()].add(tensor.values, expected: expected[node.name]!.values) }
            }
            run(simulated, 1)
            simulated.observe = { node, tensor in
                if node.operation != .input { own[node.name, default: .init()].add(tensor.values, expected: expected[node.name]!.values) }
            }
            simulated.correct = { expected[$0.name] }
            run(simulated, 2)
            float.observe = nil
            simulated.observe = nil
            simulated.correct = nil
            expected = [:]
        }
        let watched = WatchedExecutor(float)
        let upscaler = Upscaler(executor: watched, schedule: model.schedule, threads: settings.threads)
        var moments: [(x: FloatTensor, timestep: Int)] = []
        watched.onNoise = { x, timestep, _, _ in moments.append((x, timestep)) }
        _ = upscaler.residual(upscaler.prepare(image), settings: SamplingSettings(sampler: sampler, seed: settings.seed)) { _ in }
        var conditions: [Int: FloatExecutor.Condition] = [:]
        compare { executor, which in
            conditions[which] = Upscaler(executor: executor, schedule: model.schedule, threads: settings.threads).prepare(image).condition
        }
        for i in Swift.Set([0, moments.count / 2, moments.count - 1]).sorted() {
            compare { executor, which in
                _ = executor.predictNoise(in: moments[i].x, at: moments[i].timestep, given: conditions[which]!)
            }
        }
        let graphs = [model.network.encoder, model.network.conditioner, model.network.noisePredictor]
        return graphs.flatMap(\.nodes).filter { $0.operation != .input }.map { node in
            Quality.Layer(
                name: node.name, weights: weights(of: node, in: quantized), output: outputs[node.name] ?? .init(), own: own[node.name] ?? .init())
        }
    }

    private func weights(of node: Node, in quantized: QuantizedModel) -> SignalToNoise? {
        guard let layer = quantized.layers[node.name], layer.isInt8 else { return nil }
        var ratio = SignalToNoise()
        ratio.add(layer.realWeights(of: node), expected: model.weights["\(node.name).weight"]!.values)
        return ratio
    }
}
