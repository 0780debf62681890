import SRDRuntime
import SRDImage
import SRDMetrics
import SRDTensor
import SRDModel

/// The measured quality of an int8 model compared with its float model.
public struct Quality: Sendable {
    public struct Layer: Sendable {
        public let name: String
        /// Signal-to-noise ratio of the quantized weights; nil for float layers.
        public let weights: SignalToNoise?
        /// Signal-to-noise ratio of the layer's output in the int8 model.
        public let output: SignalToNoise
        /// Signal-to-noise ratio of the layer's output for the float model's inputs: the layer's own error.
        public let own: SignalToNoise
    }

    public struct ImageQuality: Sendable {
        /// PSNR of int8 against float with the same noise.
        public let psnr: Double
        /// Mean squared difference between int8 and float, in squared 8-bit levels.
        public let difference: Double
        /// Mean squared difference between float and the original, or nil without an original.
        public let ownError: Double?
        /// PSNR of the downscaled results against the low-resolution image.
        public let lowResolutionPSNR: (float: Double, int8: Double)

        /// The PSNR against the original that the difference costs, assuming that it is independent of the model's own
        /// error.
        public var loss: Double? { ownError.map { decibels(1 + difference / $0) } }
    }

    public internal(set) var layers: [Layer] = []
    /// Signal-to-noise ratio of the predicted noise by timestep, ascending.
    public internal(set) var noise: [(timestep: Int, ratio: SignalToNoise)] = []
    public internal(set) var images: [ImageQuality] = []

    public init(layers: [Layer] = []) { self.layers = layers }

    public var meanPSNR: Double { images.isEmpty ? .nan : images.reduce(0) { $0 + $1.psnr } / Double(images.count) }

    /// The loss over the images that have an original, or nil if none has.
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
    private let sampler: TimestepSchedule

    /// Creates a comparison along DDIM trajectories, which contain no fresh noise.
    public init(_ model: Model, on set: CalibrationSet, settings: QuantizerSettings) {
        self.model = model
        patches = set
        self.settings = settings
        sampler = .ddim(steps: min(settings.steps, model.schedule.timesteps), eta: 0)
    }

    /// The noise predictions of each model that `measure` makes.
    public var steps: Int { patches.images.count * sampler.steps }

    /// Measures an int8 model.
    ///
    /// - Parameter progress: called with the number of steps done.
    public func measure(
        _ quantized: Model, withLayers: Bool = true, progress: (_ done: Int) -> Void = { _ in }
    ) -> Quality {
        var quality = Quality(), noise: [Int: SignalToNoise] = [:], done = 0
        let float = Pipeline(Executor(model, threads: settings.threads))
        let pipeline = Pipeline(Executor(quantized, threads: settings.threads)),
            second = Executor(model, threads: settings.threads)
        for (i, image) in patches.images.enumerated() {
            let prepared = pipeline.prepare(image), floatPrepared = float.prepare(image)
            let sampling = SamplingSettings(schedule: sampler, seed: settings.seed &+ UInt64(i))
            let residual = float.residual(
                floatPrepared, settings: sampling,
                progress: { _, _ in
                    done += 1
                    progress(done)
                },
                onStep: { x, timestep in
                    noise[timestep, default: .init()].add(
                        pipeline.executor.predictNoise(in: x, at: timestep, given: prepared.condition).values,
                        expected: second.predictNoise(in: x, at: timestep, given: floatPrepared.condition).values)
                })
            let expected = float.image(of: residual, floatPrepared),
                found = pipeline.upscale(prepared, settings: sampling) { _, _ in }
            quality.images.append(
                Self.compare(
                    found, expected, from: image, original: patches.originals.isEmpty ? nil : patches.originals[i]))
        }
        quality.noise = noise.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        if withLayers { quality.layers = layers(of: quantized) }
        return quality
    }

    private static func compare(_ found: Image, _ expected: Image, from low: Image, original: Image?)
        -> Quality.ImageQuality
    {
        Quality.ImageQuality(
            psnr: ImageMetrics.psnr(found, expected), difference: ImageMetrics.meanSquare(found, expected),
            ownError: original.flatMap {
                $0.channels == expected.channels ? ImageMetrics.meanSquare(expected, $0) : nil
            },
            lowResolutionPSNR: (
                ImageMetrics.lowResolutionPSNR(of: expected, from: low),
                ImageMetrics.lowResolutionPSNR(of: found, from: low)
            ))
    }

    /// Compares every layer on the first image, at the first, the middle and the last step of the float trajectory.
    public func layers(of quantized: Model) -> [Quality.Layer] {
        guard let image = patches.images.first else { return [] }
        let float = Executor(model, threads: settings.threads), int8 = Executor(quantized, threads: settings.threads)
        var outputs: [String: SignalToNoise] = [:], own: [String: SignalToNoise] = [:]
        /// Runs both models, then the int8 model once more with every layer's inputs replaced by the float model's.
        func compare(_ run: (Executor) -> Void) {
            var expected: [String: FloatTensor] = [:]
            func rows(_ rows: Range<Int>, of node: Node) -> FloatTensor { expected[node.name]!.rows(rows) }
            float.observer = ExecutorObserver()
            float.observer!.onRows = { node, _, values in
                expected[node.name, default: .noRows(like: values)].append(values)
            }
            run(float)
            float.observer = nil
            for isOwn in [false, true] {
                int8.observer = ExecutorObserver()
                int8.observer!.onRows = { node, range, values in
                    guard node.operation != .input else { return }
                    if isOwn {
                        own[node.name, default: .init()].add(values.values, expected: rows(range, of: node).values)
                    } else {
                        outputs[node.name, default: .init()].add(values.values, expected: rows(range, of: node).values)
                    }
                }
                if isOwn {
                    int8.observer!.replacement = { node, range in node.operation == .input ? nil : rows(range, of: node)
                    }
                }
                run(int8)
                int8.observer = nil
            }
        }
        let moments = Pipeline(float).moments(
            of: image, settings: SamplingSettings(schedule: sampler, seed: settings.seed))
        compare { executor in _ = Pipeline(executor).prepare(image) }
        let conditions = (
            float: Pipeline(float).prepare(image).condition, int8: Pipeline(int8).prepare(image).condition
        )
        for i in Swift.Set([0, moments.count / 2, moments.count - 1]).sorted() {
            compare { executor in
                _ = executor.predictNoise(
                    in: moments[i].x, at: moments[i].timestep,
                    given: executor === float ? conditions.float : conditions.int8)
            }
        }
        let graphs = [model.network.encoder, model.network.conditioner, model.network.noisePredictor]
        return graphs.flatMap(\.nodes).filter { $0.operation != .input }.map { node in
            Quality.Layer(
                name: node.name, weights: weights(of: node, in: quantized), output: outputs[node.name] ?? .init(),
                own: own[node.name] ?? .init())
        }
    }

    private func weights(of node: Node, in quantized: Model) -> SignalToNoise? {
        guard let layer = quantized.layers[node.name], layer.isInt8 else { return nil }
        var ratio = SignalToNoise()
        ratio.add(layer.realWeights(of: node), expected: model.layers[node.name]!.realWeights(of: node))
        return ratio
    }
}
