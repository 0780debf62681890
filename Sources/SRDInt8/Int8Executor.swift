import CSRDKernels
import SRDTensor
import SRDiff

/// The product: a quantized model's graphs in integer arithmetic, streamed row by row.
///
/// The same bytes on every instruction set, thread count and band height; memory grows with the picture's width and,
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

    public var configuration: Configuration { model.configuration }

    /// Rows of the enlarged picture that are computed layer by layer before the next.
    private let bandRows: Int
    /// Bytes that the condition may take; beyond it, its rows are computed anew in every step.
    private let conditionBudget: Int
    private let layers: LayerCache
    private let time: TimeEmbedding
    private let streamed: Graph
    private var timeBiases: [Int: [String: [Float]]] = [:]
    private var sweeps: [SweepKey: Sweep] = [:]

    private struct SweepKey: Hashable { let graph: String, height, width: Int }

    /// The instruction sets this machine's integer kernels can use, slowest first.
    public static var instructionSets: [String] { Kernels.table.map { String(cString: $0.name) } }

    /// - Parameters:
    ///   - instructionSet: one of `instructionSets`; nil takes the fastest.
    ///   - bandRows: a multiple of nothing in particular; results do not depend on it.
    public init(
        _ model: QuantizedModel, threads: Int, instructionSet: String? = nil, bandRows: Int = 16,
        conditionBudget: Int = 32 << 20
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
        let pixels = low.height * low.width * configuration.scale * configuration.scale
        guard pixels * RowRing<srd_code>.filledUp(configuration.hiddenSize) <= conditionBudget else {
            return Condition(maps: maps, map: nil)
        }
        let map = sweep(model.network.conditioner, maps[0].height * configuration.scale, maps[0].width * configuration.scale).run(maps)[0]
        return Condition(maps: maps, map: map)
    }

    public func predictNoise(in x: FloatTensor, at timestep: Int, given condition: Condition) -> FloatTensor {
        let biases = timeBiases[timestep] ?? time.biases(of: model.network.noisePredictor, at: timestep)
        timeBiases[timestep] = biases
        let noisy = StoredMap(x)
        if let map = condition.map {
            return sweep(model.network.noisePredictor, x.height, x.width)
                .run([noisy, map], timestep: timestep, biases: biases)[0].tensor()
        }
        return sweep(streamed, x.height, x.width)
            .run(condition.maps + [noisy], timestep: timestep, biases: biases)[0].tensor()
    }

    public func preview(_ low: FloatTensor) -> FloatTensor {
        let maps = encodeMaps(low)
        var picture = sweep(model.network.preview, low.height * configuration.scale, low.width * configuration.scale)
            .run([maps.last!])[0].tensor()
        for i in picture.values.indices { picture.values[i] = max(0, min(1, picture.values[i])) * 2 - 1 }
        return picture
    }

    private func encodeMaps(_ low: FloatTensor) -> [StoredMap] {
        var zeroToOne = low
        for i in low.values.indices { zeroToOne.values[i] = low.values[i] * 0.5 + 0.5 }
        return sweep(model.network.encoder, low.height * configuration.scale, low.width * configuration.scale)
            .run([StoredMap(zeroToOne)])
    }

    private func sweep(_ graph: Graph, _ height: Int, _ width: Int) -> Sweep {
        let key = SweepKey(graph: graph.name, height: height, width: width)
        let sweep = sweeps[key] ?? Sweep(
            graph, of: model, layers: layers, height: height, width: width, threads: threads, bandRows: bandRows)
        if sweeps[key] == nil { sweeps = sweeps.filter { $0.key.height == height && $0.key.width == width } }
        sweeps[key] = sweep
        sweep.observe = observe
        return sweep
    }
}
