import CSRDKernels
import SRDModel
import SRDTensor

/// Runs a model's graphs, with each layer in int8 or float as the model has it.
///
/// The results are the same bytes for every instruction set, number of threads and band height: integer accumulators
/// are exact, and float sums run in a fixed order without fused multiply-add. Memory grows with the image's width but
/// not with its height. An executor keeps the workspace for images of one size. It must be used by one thread at a
/// time.
public final class Executor {
    /// What the encoder computes for the noise predictor, once per image.
    public struct Condition {
        package let noise: NoiseCondition
        /// The trunk's output, from which the encoder's image is made; nil unless it was asked for.
        fileprivate let trunk: FeatureMap?
    }

    /// What the noise predictor reads besides x_t.
    public enum NoiseCondition {
        /// The conditioner's output at full resolution.
        case stored(StoredCondition)
        /// The conditioner's inputs: it runs again in every step, because its output would take too much memory.
        case streamed(StreamedCondition)
    }

    public struct StoredCondition {
        let map: FeatureMap
        /// The condition `[H, W, hidden]`, for comparison.
        package var tensor: FloatTensor { map.tensor() }
    }

    public struct StreamedCondition { let maps: [FeatureMap] }

    public let model: Model
    public let threads: Int
    public let instructionSet: InstructionSet
    public var observer: ExecutorObserver?

    public var configuration: Configuration { model.configuration }

    private let plans: PlanSettings
    private let layers: PackedLayers
    private let time: TimeEmbedding
    private var timeBiases: [Int: [String: [Float]]] = [:]
    /// The noise predictor's program for the last image size.
    private var workspace: (role: Graph.Role, height: Int, width: Int, program: Program)?

    /// - Parameters:
    ///   - threads: at least 1.
    ///   - instructionSet: one of `InstructionSet.available`; the default is the fastest.
    public convenience init(_ model: Model, threads: Int, instructionSet: InstructionSet = .fastest) {
        self.init(model, threads: threads, instructionSet: instructionSet, plans: PlanSettings(model))
    }

    package init(_ model: Model, threads: Int, instructionSet: InstructionSet = .fastest, plans: PlanSettings) {
        self.model = model
        self.threads = threads
        self.instructionSet = instructionSet
        self.plans = plans
        layers = PackedLayers(model, kernels: Kernels(instructionSet))
        time = TimeEmbedding(model.configuration, weights: model.parameters)
    }

    /// Runs the encoder, once per image.
    ///
    /// - Parameters:
    ///   - lr: the low-resolution image `[h, w, 3]`, −1…1. `h · scale` and `w · scale` must be multiples of
    ///     `configuration.sizeMultiple`.
    ///   - upsampled: its bicubic upsample `[scale·h, scale·w, 3]`; only models with `hasUpsampledInput` need it.
    ///   - keepsEncoderImage: whether `encoderImage(of:)` will be called; requires `model.hasPreview`.
    public func encode(_ lr: FloatTensor, upsampled: FloatTensor?, keepsEncoderImage: Bool = false) -> Condition {
        encode(lr, upsampled: upsampled, keeping: nil, keepsEncoderImage: keepsEncoderImage)
    }

    /// Runs the encoder, once per image or region.
    ///
    /// - Parameter part: the part of `lr` that x_t and `upsampled` cover; nil for all of it.
    package func encode(_ lr: FloatTensor, upsampled: FloatTensor?, keeping part: MapPart?, keepsEncoderImage: Bool)
        -> Condition
    {
        precondition(model.hasPreview || !keepsEncoderImage, "this model has no layers for the encoder's image")
        var maps = encoderMaps(lr, keeping: part)
        let trunk = maps.removeLast()
        if let upsampled, configuration.hasUpsampledInput { maps.append(FeatureMap(upsampled)) }
        let stores = plans.storesCondition(lrWidth: trunk.width, lrHeight: trunk.height)
        return Condition(
            noise: stores
                ? .stored(StoredCondition(map: program(model.network.conditioner, for: trunk).run(maps)[0]))
                : .streamed(StreamedCondition(maps: maps)),
            trunk: keepsEncoderImage ? trunk : nil)
    }

    /// Calls `body(y, row y)` for every row of the encoder's image, `[W][3]` in 0…1 and not clamped, on several
    /// threads, and `finished(rows)` after each band of rows, from top to bottom. The condition must have been made
    /// with `keepsEncoderImage`.
    package func encoderImage(
        of condition: Condition, _ body: @Sendable (Int, UnsafePointer<Float>) -> Void, finished: (Range<Int>) -> Void
    ) {
        guard let trunk = condition.trunk else {
            preconditionFailure("the condition was made without the encoder's image")
        }
        program(model.network.preview, for: trunk).run(
            [trunk], timestep: 0, biases: [:], body, finished: finished)
    }

    /// Returns the predicted noise ε(x_t, t), `[H, W, 3]`.
    ///
    /// - Parameters:
    ///   - x: x_t `[H, W, 3]`, of the size that the condition was made for times the scale.
    ///   - timestep: 0 ..< `configuration.timesteps`.
    public func predictNoise(in x: FloatTensor, at timestep: Int, given condition: Condition) -> FloatTensor {
        observer?.onTimestep?(timestep)
        let (program, sources) = predictor(FeatureMap(x), condition)
        return program.run(sources, timestep: timestep, biases: biases(at: timestep))[0].tensor()
    }

    /// Calls `body(y, ε of row y, row y of x)`, both `[W][3]`, once for every row, on several threads, and lets it
    /// change x in place. The program has read a row of x before that row's noise is complete, so no copy of x and no
    /// map of noise is needed.
    package func predictNoise(
        in x: inout FloatTensor, at timestep: Int, given condition: Condition,
        _ body: @Sendable (Int, UnsafePointer<Float>, UnsafeMutableBufferPointer<Float>) -> Void
    ) {
        observer?.onTimestep?(timestep)
        let height = x.height, width = x.width, length = width * 3
        x.values.withUnsafeMutableBufferPointer { values in
            nonisolated(unsafe) let values = values  // rows do not overlap
            let (program, sources) = predictor(
                FeatureMap(borrowing: UnsafePointer(values.baseAddress!), height: height, width: width, channels: 3),
                condition)
            program.run(sources, timestep: timestep, biases: biases(at: timestep)) { y, noise in
                body(y, noise, UnsafeMutableBufferPointer(rebasing: values[y * length..<(y + 1) * length]))
            }
        }
    }

    /// The most rows of an image of this width in one band.
    func bandRows(width: Int) -> Int { plans.bandRows(width: width, reduction: 1) }

    /// Releases the workspace. The next prediction reallocates it.
    public func releaseWorkspace() { workspace = nil }

    /// Returns the encoder's image `[H, W, 3]` in 0…1, not clamped. The model must have its layers: `model.hasPreview`.
    public func encoderImage(_ lr: FloatTensor) -> FloatTensor { encoderImage(lr, keeping: nil) }

    /// Returns the encoder's image of a part of `lr`; nil for all of it.
    package func encoderImage(_ lr: FloatTensor, keeping part: MapPart?) -> FloatTensor {
        precondition(model.hasPreview, "this model has no layers for the encoder's image")
        let trunk = encoderMaps(lr, keeping: part).last!
        return program(model.network.preview, for: trunk).run([trunk])[0].tensor()
    }

    /// Returns the maps that condition the noise predictor, each `[h, w, features]`, in the order of
    /// `configuration.conditioningBlocks`.
    package func features(_ lr: FloatTensor) -> [FloatTensor] {
        encoderMaps(lr, keeping: nil).dropLast().map { $0.tensor() }
    }

    private func encoderMaps(_ lr: FloatTensor, keeping part: MapPart?) -> [FeatureMap] {
        observer?.onTimestep?(nil)
        let input = FeatureMap(lr.zeroToOne)
        return program(model.network.encoder, for: input).run([input], keeping: part)
    }

    private func biases(at timestep: Int) -> [String: [Float]] {
        let biases = timeBiases[timestep] ?? time.biases(of: model.network.noisePredictor, at: timestep)
        timeBiases[timestep] = biases
        return biases
    }

    /// Returns the noise predictor's program for x_t's size, and the maps that it reads.
    private func predictor(_ x: FeatureMap, _ condition: Condition) -> (Program, [FeatureMap]) {
        let graph: Graph, sources: [FeatureMap]
        switch condition.noise {
        case .stored(let condition): (graph, sources) = (model.network.noisePredictor, [x, condition.map])
        case .streamed(let condition): (graph, sources) = (plans.conditionedPredictor, condition.maps + [x])
        }
        if workspace?.role != graph.role || workspace?.height != x.height || workspace?.width != x.width {
            workspace = nil  // released before the next one is allocated
            workspace = (graph.role, x.height, x.width, program(graph, x.height, x.width))
        }
        workspace!.program.observer = observer
        return (workspace!.program, sources)
    }

    /// Programs that run once per image keep no memory.
    private func program(_ graph: Graph, for lr: FeatureMap) -> Program {
        program(graph, lr.height * configuration.scale, lr.width * configuration.scale)
    }

    private func program(_ graph: Graph, _ height: Int, _ width: Int) -> Program {
        let program = Program(
            graph, layers: layers, height: height, width: width, threads: threads,
            bandRows: { [plans] in plans.bandRows(width: width, reduction: $0) })
        program.observer = observer
        return program
    }
}

extension Executor {
    /// Returns the bytes that an executor holds for an image of this size.
    ///
    /// - Parameters:
    ///   - lrWidth, lrHeight: the padded low-resolution size.
    ///   - preview: whether for the encoder's image instead of noise predictions.
    ///   - fidelity: of the sample; above 0 the encoder's image is made after the noise predictions.
    public static func memoryEstimate(
        _ model: Model, lrWidth: Int, lrHeight: Int, preview: Bool = false, fidelity: Fidelity = .sample
    ) -> Int {
        let size = (lrWidth, lrHeight)
        return PlanSettings(model).memoryEstimate(size, encoder: size, preview: preview, fidelity: fidelity)
    }

    /// Returns the bytes that an executor holds for a region.
    package static func memoryEstimate(_ model: Model, _ window: Window, preview: Bool, fidelity: Fidelity) -> Int {
        let part = window.sampled, encoded = window.encoded
        return PlanSettings(model).memoryEstimate(
            (part.columns.count, part.rows.count), encoder: (encoded.columns.count, encoded.rows.count),
            preview: preview,
            fidelity: fidelity)
    }
}
