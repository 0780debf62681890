import CSRDKernels
import SRDTensor
import SRDModel

/// The product: a quantized model's graphs in integer arithmetic, streamed row by row.
///
/// The same bytes on every instruction set, thread count and band height; memory grows with the image's width and,
/// apart from x_t, the encoder's maps and the pixels themselves, not with its height.
public final class Int8Executor: Executor {
    /// The encoder's maps, and what they make at full resolution where there is memory for it.
    public struct Condition {
        let maps: [StoredMap]
        let map: StoredMap?
    }

    public let model: QuantizedModel
    public let threads: Int
    /// Called with each band of every node's rows, in order; for comparison with the float executor.
    public var observe: ((Node, _ rows: Range<Int>, FloatTensor) -> Void)?

    /// Time of each layer in all predictions since this was set, for images of the size at work.
    public var measuresLayers = false
    public var layerTimes: [(node: Node, time: Duration)] { kept?.sweep.timesByNode ?? [] }

    public var configuration: Configuration { model.configuration }

    /// A condition made anew is 4 % of a step's work.
    public static let defaultConditionBudget = 12 << 20

    /// Rows per band of maps of a reduction where nobody says: as many as hold so many pixels, which then share a layer's weights,
    /// and for which threads wait but once, but at most 64, since finer maps keep their rows that long. A multiple of what Winograd's
    /// products take together.
    static func bandRows(width: Int, reduction: Int) -> Int {
        let pixels = width <= 256 ? 4096 : 512, together = Int(SRD_WINOGRAD_ROWS)
        return max(together, min(64, pixels * reduction / width / together * together))
    }

    private let bandRows: Int?
    /// Bytes that the condition may take; beyond it, its rows are computed anew in every step.
    private let conditionBudget: Int
    private let layers: LayerCache
    private let time: TimeEmbedding
    private let streamed: Graph
    private var timeBiases: [Int: [String: [Float]]] = [:]
    /// The noise predictor's, for images of the size at work.
    private var kept: (graph: String, height: Int, width: Int, sweep: Sweep)?

    /// The instruction sets this machine's integer kernels can use, slowest first.
    public static var instructionSets: [String] { Kernels.table.map { String(cString: $0.name) } }

    /// The name that `FloatExecutor` knows for the widest vectors that one of `instructionSets` implies.
    public static func floatInstructionSet(beside name: String) -> String { Kernels.floatInstructionSet(beside: name) }

    /// - Parameters:
    ///   - instructionSet: one of `instructionSets`; nil takes the fastest.
    ///   - bandRows: of every map, see `StreamPlan`; results do not depend on it.
    public init(
        _ model: QuantizedModel, threads: Int, instructionSet: String? = nil, bandRows: Int? = nil,
        conditionBudget: Int = defaultConditionBudget
    ) {
        self.model = model
        self.threads = threads
        self.bandRows = bandRows
        self.conditionBudget = conditionBudget
        layers = LayerCache(model, kernels: Kernels(instructionSet))
        time = TimeEmbedding(model.configuration, weights: model.floatWeights)
        streamed = Graph(joining: model.network.conditioner, to: model.network.noisePredictor)
    }

    // MARK: Executor

    public func encode(_ low: FloatTensor, enlarged: FloatTensor?) -> Condition {
        var maps = Array(encodeMaps(low).dropLast())
        if let enlarged, configuration.hasEnlargedInput { maps.append(StoredMap(enlarged)) }
        guard keepsCondition(lowWidth: low.width, lowHeight: low.height) else { return Condition(maps: maps, map: nil) }
        return Condition(maps: [], map: sweep(model.network.conditioner, for: low).run(maps)[0])
    }

    public func predictNoise(in x: FloatTensor, at timestep: Int, given condition: Condition) -> FloatTensor {
        let (sweep, sources) = predictor(StoredMap(x), condition)
        return sweep.run(sources, timestep: timestep, biases: biases(at: timestep))[0].tensor()
    }

    /// x_t is changed in place: the sweep has taken over a row of it before that row's noise is there.
    public func predictNoise(
        in x: inout FloatTensor, at timestep: Int, given condition: Condition,
        _ body: @Sendable (Int, UnsafePointer<Float>, UnsafeMutableBufferPointer<Float>) -> Void
    ) {
        let height = x.height, width = x.width, length = width * 3
        x.values.withUnsafeMutableBufferPointer { values in
            nonisolated(unsafe) let values = values        // rows do not overlap
            let (sweep, sources) = predictor(
                StoredMap(borrowing: UnsafePointer(values.baseAddress!), height: height, width: width, channels: 3), condition)
            sweep.run(sources, timestep: timestep, biases: biases(at: timestep)) { y, noise in
                body(y, noise, UnsafeMutableBufferPointer(rebasing: values[y * length..<(y + 1) * length]))
            }
        }
    }

    public func rest() { kept = nil }

    private func biases(at timestep: Int) -> [String: [Float]] {
        let biases = timeBiases[timestep] ?? time.biases(of: model.network.noisePredictor, at: timestep)
        timeBiases[timestep] = biases
        return biases
    }

    /// The noise predictor for an image of x_t's size, and what it reads.
    private func predictor(_ noisy: StoredMap, _ condition: Condition) -> (Sweep, [StoredMap]) {
        let (graph, sources) = condition.map.map { (model.network.noisePredictor, [noisy, $0]) }
            ?? (streamed, condition.maps + [noisy])
        if kept?.graph != graph.name || kept?.height != noisy.height || kept?.width != noisy.width {
            kept = nil                                     // its memory goes before the next takes any
            kept = (graph.name, noisy.height, noisy.width, sweep(graph, noisy.height, noisy.width))
        }
        kept!.sweep.observe = observe
        if kept!.sweep.measures != measuresLayers { kept!.sweep.measures = measuresLayers }
        return (kept!.sweep, sources)
    }

    public func preview(_ low: FloatTensor) -> FloatTensor {
        let maps = encodeMaps(low)
        var image = sweep(model.network.preview, for: low).run([maps.last!])[0].tensor()
        for i in image.values.indices { image.values[i] = max(0, min(1, image.values[i])) * 2 - 1 }
        return image
    }

    private func encodeMaps(_ low: FloatTensor) -> [StoredMap] {
        var zeroToOne = low
        for i in low.values.indices { zeroToOne.values[i] = low.values[i] * 0.5 + 0.5 }
        return sweep(model.network.encoder, for: low).run([StoredMap(zeroToOne)])
    }

    /// What runs once per image keeps no memory.
    private func sweep(_ graph: Graph, for low: FloatTensor) -> Sweep {
        sweep(graph, low.height * configuration.scale, low.width * configuration.scale)
    }

    private func sweep(_ graph: Graph, _ height: Int, _ width: Int) -> Sweep {
        let sweep = Sweep(
            graph, of: model, layers: layers, height: height, width: width, threads: threads,
            bandRows: { [bandRows] in bandRows ?? Self.bandRows(width: width, reduction: $0) })
        sweep.observe = observe
        return sweep
    }

    private func keepsCondition(lowWidth: Int, lowHeight: Int) -> Bool {
        let shape = model.network.conditioner.outputs[0].shape
        return Self.bytes(shape, of: model, lowWidth, lowHeight, inCodes: true) <= conditionBudget
    }
}

// MARK: Memory

extension Int8Executor {
    /// About how many bytes it holds for an image of this (padded) size: the packed weights, the maps
    /// between the graphs, and the rows of the graph at work.
    public static func memoryEstimate(
        _ model: QuantizedModel, lowWidth: Int, lowHeight: Int, preview: Bool = false
    ) -> Int {
        let network = model.network, scale = network.configuration.scale, width = lowWidth * scale
        /// Bytes of a graph's living rows.
        func rows(_ graph: Graph) -> Int {
            let plan = StreamPlan(graph, height: lowHeight * scale, bandRows: { bandRows(width: width, reduction: $0) })
            return SweepLayout(graph, of: model, width: width, plan: plan).bytes
        }
        func maps(_ graph: Graph) -> Int {
            graph.outputs.reduce(0) { sum, value in
                let inCodes = model.activations[graph.node(of: value).name] != nil
                return sum + bytes(value.shape, of: model, lowWidth, lowHeight, inCodes: inCodes)
            }
        }
        let weights = model.layers.values.reduce(0) { $0 + ($1.isInt8 ? 1 : 8) * $1.shape.reduce(1, *) }
            + model.floatWeights.values.reduce(0) { $0 + 4 * $1.values.count }
        let features = maps(network.encoder), condition = maps(network.conditioner), encoder = features + rows(network.encoder)
        if preview { return weights + max(encoder, features + rows(network.preview) + maps(network.preview)) }
        guard condition <= defaultConditionBudget else {
            return weights + max(encoder, features + rows(Graph(joining: network.conditioner, to: network.noisePredictor)))
        }
        return weights + condition + max(encoder, features + rows(network.conditioner), rows(network.noisePredictor))
    }

    private static func bytes(
        _ shape: FeatureShape, of model: QuantizedModel, _ lowWidth: Int, _ lowHeight: Int, inCodes: Bool
    ) -> Int {
        let scale = model.configuration.scale, area = shape.reduction * shape.reduction
        let channels = inCodes ? RowRing<srd_code>.filledUp(shape.channels) : 4 * shape.channels
        return lowWidth * lowHeight * scale * scale / area * channels
    }
}
