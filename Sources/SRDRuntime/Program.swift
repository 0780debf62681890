import CSRDKernels
import SRDModel
import SRDTensor

/// What operations need to be compiled: a graph, its plan for one image size, and the packed layers.
struct Compiler {
    let graph: Graph
    let layers: PackedLayers
    let plan: StreamPlan
    /// The width of the upscaled image.
    let width: Int

    mutating func compile() -> [CompiledNode] {
        graph.nodes.map { node in
            let operation = node.layerOperation.compile(node, &self)
            var convolution: Convolution?, phases = 1
            if case .convolution(let c) = node.operation { convolution = c }
            if case .transposedConvolution(let stride) = node.operation { phases = stride }
            // A float layer whose output is only quantized can use the integer kernels' shorter Mish.
            let isQuantizedOnly = operation.computesInFloat && layers.model.activations[node.name]?.keepsFloat == false
            return CompiledNode(
                index: node.output.index, operation: operation, inputs: .copy(of: node.inputs.map(\.index)),
                epilogue: Epilogue(
                    convolution, node, mish: isQuantizedOnly ? SRD_ACTIVATION_MISH_S8 : SRD_ACTIVATION_MISH),
                channels: paddedChannels(node.output.shape.channels), phases: phases)
        }
    }
}

/// A graph compiled for one model and image size: compiled nodes, the order of their rows, and memory for the live
/// ones.
///
/// A run streams through the image once from top to bottom, so memory grows with the image's width but not with its
/// height.
final class Program: @unchecked Sendable {
    // Unchecked: the rows of a node are split over threads, and nodes are computed one after another.
    private let graph: Graph
    private let plan: StreamPlan
    private let threads: Int
    private let calibratedTimesteps: [Int]
    private let activations: [QuantizedActivation?]
    /// Owns the memory that the compiled nodes refer to.
    private let layers: PackedLayers
    private let arenas: Arenas
    private let nodes: UnsafeMutableBufferPointer<CompiledNode>

    private var buffers: UnsafeMutableBufferPointer<NodeBuffer> { arenas.buffers }

    /// - Parameters:
    ///   - height, width: of the upscaled image.
    ///   - bandRows: see `StreamPlan`; results do not depend on it.
    init(
        _ graph: Graph, layers: PackedLayers, height: Int, width: Int, threads: Int, bandRows: (_ reduction: Int) -> Int
    ) {
        let plan = StreamPlan(graph, height: height, bandRows: bandRows), model = layers.model
        layers.pack(graph, threads: threads)
        var compiler = Compiler(graph: graph, layers: layers, plan: plan, width: width)
        nodes = .copy(of: compiler.compile())
        arenas = Arenas(graph, BufferPlan(graph, of: model, width: width, plan: plan), height: height, width: width)
        self.graph = graph
        self.plan = plan
        self.threads = threads
        self.layers = layers
        calibratedTimesteps = model.calibratedTimesteps
        activations = graph.nodes.map { model.activations[$0.name] }
    }

    deinit {
        nodes.forEach { $0.deallocate() }
        nodes.deallocate()
    }

    /// The observer of each band of rows, or nil.
    var observer: ExecutorObserver?

    /// Runs the graph and returns its outputs.
    ///
    /// - Parameters:
    ///   - sources: one map per input of the graph.
    ///   - timestep: decides the quantizations; 0 for graphs that do not depend on it.
    ///   - biases: the time biases at that timestep.
    ///   - part: what is kept of the outputs, which then have one size; nil for all of them.
    func run(
        _ sources: [FeatureMap], timestep: Int = 0, biases: [String: [Float]] = [:], keeping part: MapPart? = nil
    ) -> [FeatureMap] {
        prepare(timestep: timestep, biases: biases)
        let outputs = graph.outputs.map { value in
            let buffer = buffers[value.index],
                part = part ?? MapPart(columns: 0..<buffer.width, rows: 0..<buffer.height)
            let map = FeatureMap(
                height: part.rows.count, width: part.columns.count, channels: value.shape.channels,
                quantization: activations[value.index] == nil ? nil : buffer.quantization)
            return (index: value.index, map: map, part: part)
        }
        stream(sources) { band in
            for output in outputs where output.index == band.node {
                output.map.store(band.rows, of: buffers[output.index], part: output.part)
            }
        }
        return outputs.map(\.map)
    }

    /// Runs a graph with one float output. Calls `body(y, row y)`, with rows `[width][channels]`, once per row, on
    /// several threads, and `finished(rows)` after each band of rows, from top to bottom.
    func run(
        _ sources: [FeatureMap], timestep: Int, biases: [String: [Float]],
        _ body: @Sendable (Int, UnsafePointer<Float>) -> Void,
        finished: (Range<Int>) -> Void = { _ in }
    ) {
        prepare(timestep: timestep, biases: biases)
        let output = graph.outputs[0], floats = buffers[output.index].floats!, channels = output.shape.channels
        stream(sources) { band in
            guard band.node == output.index else { return }
            Parallel.ranges(band.rows.count, threads: threads) { range in
                withUnsafeTemporaryAllocation(of: Float.self, capacity: floats.width * channels) { row in
                    for y in range.lowerBound + band.rows.lowerBound..<range.upperBound + band.rows.lowerBound {
                        copyPixels(
                            0..<floats.width, channels, floats.interior(y), pixel: floats.pixel, to: row.baseAddress!,
                            pixel: channels)
                        body(y, UnsafePointer(row.baseAddress!))
                    }
                }
            }
            finished(band.rows)
        }
    }

    /// Computes all rows of all nodes and calls `finished` after each band.
    private func stream(_ maps: [FeatureMap], finished: (StreamPlan.Band) -> Void) {
        let sources = UnsafeMutableBufferPointer.copy(of: maps.map { Unmanaged.passUnretained($0) })
        defer {
            sources.deallocate()
            withExtendedLifetime(maps) {}
        }
        for band in plan.bands {
            if let observer {
                observer.observe(graph.nodes[band.node], band.rows, buffers[band.node], kernels: layers.kernels.int8) {
                    compute(band, sources)
                }
            } else {
                compute(band, sources)
            }
            finished(band)
        }
    }

    /// Sets what depends on the timestep: quantizations, zero-point corrections, the rows outside zero borders, and
    /// time biases.
    private func prepare(timestep: Int, biases: [String: [Float]]) {
        for i in buffers.indices { buffers[i].prepare(activations[i]?.at(timestep, of: calibratedTimesteps)) }
        for (compiled, node) in zip(nodes, graph.nodes) {
            if let convolution = compiled.operation.int8Convolution {
                let zeroPoints = node.inputs.map { buffers[$0.index].quantization.zeroPoint }
                for layer in convolution.packed.layers { layer.takeUnretainedValue().prepare(zeroPoints: zeroPoints) }
            }
            if case .convolution(let convolution) = node.operation, let name = convolution.timeBias {
                for (c, value) in biases[name]!.enumerated() { compiled.epilogue.timeBias![c] = value }
            }
        }
    }

    private func compute(_ band: StreamPlan.Band, _ sources: UnsafeMutableBufferPointer<Unmanaged<FeatureMap>>) {
        let node = nodes[band.node]
        let context = NodeContext(
            node: node, buffers: buffers, sources: sources, kernels: layers.kernels, threads: threads)
        switch node.operation {
        case .linearAttention(let attention): attention.computeMap(context)
        case .winogradConvolution(let convolution) where band.rows.count >= WinogradConvolution.minimumRows:
            convolution.computeRows(band.rows, context)
        default: compute(band.rows, context)
        }
    }

    /// Computes a band row by row.
    private func compute(_ rows: Range<Int>, _ context: NodeContext) {
        let node = context.node, output = context.output, kernels = layers.kernels.int8, phases = node.phases
        let computedInFloat = node.operation.computesInFloat
        let split = ThreadSplit.rows(
            rows.count, width: output.width / phases, channels: node.channels,
            canSplitChannels: node.operation.int8Convolution != nil, threads: threads)
        Parallel.ranges(rows.count * split.count, threads: threads) { items in
            for item in items {
                let y = rows.lowerBound + item / split.count, part = split.part(item % split.count)
                node.operation.computeRow(y, part, context)
                if split.coversChannels {
                    output.finishRow(
                        y, part.columns.lowerBound * phases..<part.columns.upperBound * phases,
                        computedInFloat: computedInFloat, kernels)
                }
            }
        }
        if !split.coversChannels {
            for y in rows { output.finishRow(y, 0..<output.width, computedInFloat: computedInFloat, kernels) }
        }
    }
}
