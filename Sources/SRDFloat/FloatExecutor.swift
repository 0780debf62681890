import CSRDKernels
import SRDTensor
import SRDModel

/// The reference: a model's graphs in float32, whole maps at a time.
///
/// The same bits on every machine and for every thread count: sums run in a fixed order, without fused multiply-add.
public final class FloatExecutor: Executor {
    public struct Condition: Sendable {
        let map: FeatureMap
        /// What is added at full resolution, `[H, W, hidden]`.
        public func tensor() -> FloatTensor { map.tensor() }
    }

    public let model: Model
    public let threads: Int
    /// Called with every node's output, in order; for calibration and comparison. Costs a copy of each.
    public var observe: ((Node, FloatTensor) -> Void)?
    /// Asked after `observe` what a node should have put out; its readers go on from that, so an error stays where it is made.
    public var correct: ((Node) -> FloatTensor?)?

    public var configuration: Configuration { model.configuration }

    private let kernels: srd_kernels_f32
    private let rounding: ActivationRounding?
    private let pool = MapPool()
    private let time: TimeEmbedding
    private var timeBiases: [Int: [String: [Float]]] = [:]
    private var packed: [String: [PackedConvolution]] = [:]

    /// The instruction sets this machine's float kernels can use, slowest first.
    public static var instructionSets: [String] { kernelTable.map { String(cString: $0.name) } }

    private static var kernelTable: UnsafeBufferPointer<srd_kernels_f32> {
        var count: Int32 = 0
        let table = srd_kernels_f32_available(&count)
        return UnsafeBufferPointer(start: table, count: Int(count))
    }

    /// `instructionSet` is one of `instructionSets`; nil takes the fastest.
    public convenience init(_ model: Model, threads: Int, instructionSet: String? = nil) {
        self.init(model, rounding: nil, threads: threads, instructionSet: instructionSet)
    }

    /// Computes what an int8 model computes, in float: its weights' real values, and outputs rounded to their codes.
    /// The int8 executor differs by the rounding of sums alone, which now and then makes a neighbouring code.
    public convenience init(simulating quantized: QuantizedModel, threads: Int, instructionSet: String? = nil) {
        self.init(
            quantized.dequantized, rounding: ActivationRounding(quantized), threads: threads, instructionSet: instructionSet
        )
    }

    private init(_ model: Model, rounding: ActivationRounding?, threads: Int, instructionSet: String?) {
        let table = Self.kernelTable
        self.rounding = rounding
        kernels = table.first { String(cString: $0.name) == instructionSet } ?? table[table.count - 1]
        self.model = model
        self.threads = threads
        time = TimeEmbedding(model.configuration, weights: model.weights)
    }

    // MARK: Executor

    public func encode(_ low: FloatTensor, enlarged: FloatTensor?) -> Condition {
        var inputs = encodeMaps(low).dropLast().map { $0 }
        if configuration.hasEnlargedInput {
            inputs.append(map(enlarged!, for: inputs.count, of: model.network.conditioner))
        }
        return Condition(map: run(model.network.conditioner, inputs)[0])
    }

    public func predictNoise(in x: FloatTensor, at timestep: Int, given condition: Condition) -> FloatTensor {
        let graph = model.network.noisePredictor
        let biases = timeBiases[timestep] ?? time.biases(of: graph, at: timestep)
        timeBiases[timestep] = biases
        return run(graph, [map(x, for: 0, of: graph), condition.map], at: timestep, timeBiases: biases)[0].tensor()
    }

    public func preview(_ low: FloatTensor) -> FloatTensor {
        var image = run(model.network.preview, [encodeMaps(low).last!])[0].tensor()
        for i in image.values.indices { image.values[i] = max(0, min(1, image.values[i])) * 2 - 1 }
        return image
    }

    /// The maps that condition the noise predictor, each `[h, w, features]`, in the order of `conditioningBlocks`.
    public func features(_ low: FloatTensor) -> [FloatTensor] {
        encodeMaps(low).dropLast().map { $0.tensor() }
    }

    private func encodeMaps(_ low: FloatTensor) -> [FeatureMap] {
        var zeroToOne = low
        for i in low.values.indices { zeroToOne.values[i] = low.values[i] * 0.5 + 0.5 }
        return run(model.network.encoder, [map(zeroToOne, for: 0, of: model.network.encoder)])
    }

    private func map(_ tensor: FloatTensor, for input: Int, of graph: Graph) -> FeatureMap {
        FeatureMap(tensor, border: graph.borders[graph.inputs[input].index], pool: pool)
    }

    // MARK: Walking a graph

    private func run(
        _ graph: Graph, _ inputs: [FeatureMap], at timestep: Int = 0, timeBiases: [String: [Float]] = [:]
    ) -> [FeatureMap] {
        let height = inputs[0].height * graph.inputs[0].shape.reduction
        let width = inputs[0].width * graph.inputs[0].shape.reduction
        let borders = graph.borders, lastUses = graph.lastUses
        var maps = [FeatureMap?](repeating: nil, count: graph.nodes.count)
        var rounded = maps       // where int8 layers read other values than the rest does
        for (value, map) in zip(graph.inputs, inputs) { maps[value.index] = map }
        for (i, node) in graph.nodes.enumerated() {
            let readsCodes = rounding?.int8Layers.contains(node.name) ?? false
            let inputs = node.inputs.map { (readsCodes ? rounded[$0.index] : nil) ?? maps[$0.index]! }
            if node.operation != .input {
                let output = FeatureMap(
                    height: height / node.output.shape.reduction, width: width / node.output.shape.reduction,
                    channels: node.output.shape.channels, border: borders[i], pool: pool
                )
                compute(node, inputs, residuals: node.residuals.map { maps[$0.index]! }, timeBiases, into: output)
                maps[i] = output
            }
            func roundOutput() {
                guard let rounding, let activation = rounding.activations[node.name] else { return }
                let quantization = activation.at(timestep, of: rounding.timesteps)
                if activation.keepsFloat {
                    rounded[i] = round(maps[i]!, to: quantization)
                } else if node.operation != .input {       // a graph before has rounded it
                    maps[i] = round(maps[i]!, to: quantization)
                }
            }
            roundOutput()
            observe?(node, maps[i]!.tensor())
            if node.operation != .input, let corrected = correct?(node) {
                maps[i] = FeatureMap(corrected, border: borders[i], pool: pool)
                roundOutput()
            }
            for value in lastUses[i] {
                maps[value.index] = nil
                rounded[value.index] = nil
            }
        }
        return graph.outputs.map { maps[$0.index]! }
    }

    private func compute(
        _ node: Node, _ inputs: [FeatureMap], residuals: [FeatureMap], _ timeBiases: [String: [Float]],
        into output: FeatureMap
    ) {
        let kernels = self.kernels
        switch node.operation {
        case .input:
            break
        case .convolution(let convolution):
            let layer = pack(node)[0]
            let epilogue = PackedConvolution.Epilogue(
                activation: convolution.activation, gain: convolution.gain,
                timeBias: convolution.timeBias.map { timeBiases[$0]! },
                residuals: Array(zip(residuals, convolution.residualGains).map { (map: $0, gain: $1) })
            )
            rows(of: output) { y in
                layer.run(
                    inputs, stride: convolution.stride, row: y, inputRow: y * convolution.stride, into: output,
                    epilogue: epilogue, kernels: kernels
                )
            }
        case .transposedConvolution(let stride):
            let phases = pack(node)
            rows(of: output) { y in
                for px in 0..<stride {
                    phases[y % stride * stride + px].run(
                        inputs, stride: 1, row: y, inputRow: y / stride, into: output, firstPixel: px,
                        outputStep: stride, epilogue: PackedConvolution.Epilogue(), kernels: kernels
                    )
                }
            }
        case .nearestDouble:
            let input = inputs[0], channels = output.channels
            rows(of: output) { y in
                let from = input.row(y / 2), to = output.interior(y)
                for x in 0..<output.width {
                    (to + x * channels).update(from: from + x / 2 * channels, count: channels)
                }
            }
        case .linearAttention(let heads, let headChannels):
            attend(node, inputs[0], heads: heads, headChannels: headChannels, into: output)
        }
    }

    private func round(_ map: FeatureMap, to quantization: Quantization) -> FeatureMap {
        let out = FeatureMap(height: map.height, width: map.width, channels: map.channels, border: map.border, pool: pool)
        let count = map.width * map.channels
        rows(of: out) { y in
            let from = map.interior(y), to = out.interior(y)
            for i in 0..<count { to[i] = quantization.rounded(from[i]) }
        }
        return out
    }

    /// Calls `body` for every row of a map, over the threads, and closes the row.
    private func rows(of map: FeatureMap, _ body: @Sendable (Int) -> Void) {
        Parallel.ranges(map.height, threads: threads) { range in
            for y in range {
                body(y)
                map.closeRow(y)
            }
        }
    }

    /// A layer's weights, packed at first use: one convolution, or one for each phase of a transposed one.
    private func pack(_ node: Node) -> [PackedConvolution] {
        if let layers = packed[node.name] { return layers }
        let weight = model.weights["\(node.name).weight"]!.values, bias = model.weights["\(node.name).bias"]!.values
        let layers = TapLayout.layouts(of: node)!.map {
            PackedConvolution($0, weight: weight, bias: bias, kernels: kernels)
        }
        packed[node.name] = layers
        return layers
    }

    /// input + g · to_out(attention(to_qkv(input)))
    private func attend(_ node: Node, _ input: FeatureMap, heads: Int, headChannels: Int, into output: FeatureMap) {
        let inner = heads * headChannels, weights = model.weights
        let qkv = FeatureMap(height: input.height, width: input.width, channels: 3 * inner, border: .zero, pool: pool)
        pointwise("\(node.name).fn.to_qkv", input, .init(), into: qkv)
        let attended = LinearAttention.attend(qkv.tensor().values, heads: heads, headChannels: headChannels)
        let map = FeatureMap(
            FloatTensor(shape: [input.height, input.width, inner], values: attended), border: .zero, pool: pool
        )
        let epilogue = PackedConvolution.Epilogue(gain: weights["\(node.name).g"]!.values[0], residuals: [(input, 1)])
        pointwise("\(node.name).fn.to_out", map, epilogue, into: output)
    }

    /// A 1×1 convolution that is no node of its own; without a bias where the checkpoint has none.
    private func pointwise(
        _ name: String, _ input: FeatureMap, _ epilogue: PackedConvolution.Epilogue, into output: FeatureMap
    ) {
        let kernels = self.kernels
        let layer = PackedConvolution(
            TapLayout(kernel: 1, inputChannels: [input.channels], outputChannels: output.channels),
            weight: model.weights["\(name).weight"]!.values,
            bias: model.weights["\(name).bias"]?.values ?? [Float](repeating: 0, count: output.channels), kernels: kernels
        )
        rows(of: output) { y in
            layer.run([input], stride: 1, row: y, inputRow: y, into: output, epilogue: epilogue, kernels: kernels)
        }
    }
}
