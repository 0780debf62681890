import CSRDKernels
import SRDTensor
import SRDModel

/// One graph at one image size: its plan, its memory and its packed layers. A run sweeps the image once from top to
/// bottom; memory grows with the width alone.
final class Sweep: @unchecked Sendable {       // a node's rows are shared out over threads; nodes come one after another
    /// How a value is kept while its rows are alive.
    private struct Slot {
        var codes: RowRing<srd_code>?
        var floats: RowRing<Float>?
        /// The floats are what the layer computed, not what its codes stand for.
        let floatsAreExact: Bool
        /// They become codes, and are gone after the run.
        let floatsAreTransient: Bool
        var quantization = Quantization(scale: 1, zeroPoint: 0)
    }

    /// What a node's rows need to know of it. Neither this nor a slot counts references: see `UnsafeMutableBufferPointer.copy`.
    private struct Stage: @unchecked Sendable {          // its memory is the sweep's
        enum Kind {
            case input(Int), int8, wide, nearestDouble, attention
        }

        let kind: Kind
        /// One convolution, or one for each phase of a transposed one; the cache owns them.
        let int8: UnsafeMutableBufferPointer<Unmanaged<PackedConvolution>>
        let wide: UnsafeMutableBufferPointer<Unmanaged<WideConvolution>>
        /// Of how many output channels at a time Winograd's weights are made; nil where it has none.
        let winogradChannels: Int?
        /// Indices of values.
        let inputs, residuals: UnsafeMutableBufferPointer<Int>
        let residualGains: UnsafeMutableBufferPointer<Float>
        /// Of a transposed convolution, its stride: so many phases has each row; else 1.
        let phases: Int
        let stride: Int
        let activation: srd_activation
        let gain: Float
        let timeBias: UnsafeMutableBufferPointer<Float>?
        /// Of the output, filled up.
        let channels: Int

        var madeInFloat: Bool {
            switch kind {
            case .wide, .nearestDouble, .attention: return true
            case .input, .int8: return false
            }
        }

        func deallocate() {
            int8.deallocate()
            wide.deallocate()
            inputs.deallocate()
            residuals.deallocate()
            residualGains.deallocate()
            timeBias?.deallocate()
        }
    }

    private let graph: Graph
    private let plan: StreamPlan
    private let threads: Int
    private let timesteps: [Int]
    private let kernels: Kernels
    /// Owns what the stages name.
    private let layers: LayerCache
    /// The two 1×1 convolutions around each node's attention, and its gain.
    private let attentions: [Int: (toQKV: WideConvolution, toOut: WideConvolution, gain: Float)]
    private let activations: [QuantizedActivation?]
    private let stages: UnsafeMutableBufferPointer<Stage>
    private let slots: UnsafeMutableBufferPointer<Slot>
    private let codeArena: UnsafeMutableBufferPointer<srd_code>
    private let floatArena: UnsafeMutableBufferPointer<Float>

    /// - Parameters:
    ///   - height, width: of the enlarged image.
    ///   - bandRows: see `StreamPlan`; results do not depend on it.
    init(
        _ graph: Graph, of model: QuantizedModel, layers: LayerCache, height: Int, width: Int, threads: Int,
        bandRows: (_ reduction: Int) -> Int
    ) {
        let plan = StreamPlan(graph, height: height, bandRows: bandRows)
        let stages = graph.nodes.enumerated().map { i, node -> Stage in
            let channels = RowRing<Float>.filledUp(node.output.shape.channels)
            var kind: Stage.Kind, int8: [PackedConvolution] = [], wide: [WideConvolution] = [], phases = 1, convolution: Convolution?
            switch node.operation {
            case .input: kind = .input(graph.inputs.firstIndex(of: node.output)!)
            case .convolution, .transposedConvolution:
                kind = layers.isInt8(node) ? .int8 : .wide
                if layers.isInt8(node) { int8 = layers.packed(node) } else { wide = layers.wide(node) }
                if case .convolution(let c) = node.operation { convolution = c }
                if case .transposedConvolution(let stride) = node.operation { phases = stride }
            case .nearestDouble: kind = .nearestDouble
            case .linearAttention: kind = .attention
            }
            var activation = convolution?.activation.kernelCode ?? SRD_ACTIVATION_NONE
            // Of what is kept in codes alone nobody sees a better one.
            if activation == SRD_ACTIVATION_MISH, !wide.isEmpty, model.activations[node.name]?.keepsFloat == false {
                activation = SRD_ACTIVATION_MISH_S8
            }
            return Stage(
                kind: kind, int8: .copy(of: int8.map { .passUnretained($0) }), wide: .copy(of: wide.map { .passUnretained($0) }),
                winogradChannels: layers.winogradChannels(node, rows: plan.mostRows[i], width: width / node.output.shape.reduction),
                inputs: .copy(of: node.inputs.map(\.index)), residuals: .copy(of: node.residuals.map(\.index)),
                residualGains: .copy(of: convolution?.residualGains ?? []), phases: phases, stride: convolution?.stride ?? 1,
                activation: activation, gain: convolution?.gain ?? 1,
                timeBias: convolution?.timeBias.map { _ in .copy(of: [Float](repeating: 0, count: (channels + 63) / 64 * 64)) },
                channels: channels)
        }
        let layout = SweepLayout(graph, of: model, width: width, plan: plan), places = layout.places, borders = graph.borders
        let codeArena = UnsafeMutableBufferPointer<srd_code>.aligned(layout.codeCount)
        codeArena.initialize(repeating: 0)
        let floatArena = UnsafeMutableBufferPointer<Float>.aligned(layout.floatCount)
        floatArena.initialize(repeating: 0)
        var slots: [Slot] = []
        for (i, node) in graph.nodes.enumerated() {
            let shape = node.output.shape
            func ring<Element>(_ arena: UnsafeMutableBufferPointer<Element>, _ place: SweepLayout.Place) -> RowRing<Element> {
                RowRing(
                    arena.baseAddress! + place.first, height: height / shape.reduction, width: width / shape.reduction,
                    channels: shape.channels, capacity: place.rows, border: borders[i])
            }
            slots.append(Slot(
                codes: places[i].codes.map { ring(codeArena, $0) },
                floats: places[i].floats.map { ring(floatArena, $0) },
                floatsAreExact: model.activations[node.name]?.keepsFloat ?? true, floatsAreTransient: layout.floatsAreTransient[i]
            ))
        }
        self.graph = graph
        self.plan = plan
        self.threads = threads
        timesteps = model.timesteps
        kernels = layers.kernels
        self.layers = layers
        attentions = Dictionary(uniqueKeysWithValues: graph.nodes.enumerated().compactMap { i, node in
            guard case .linearAttention = node.operation else { return nil }
            return (i, layers.attention(node))
        })
        activations = graph.nodes.map { model.activations[$0.name] }
        self.stages = .copy(of: stages)
        self.slots = .copy(of: slots)
        self.codeArena = codeArena
        self.floatArena = floatArena
    }

    deinit {
        codeArena.deallocate()
        floatArena.deallocate()
        stages.forEach { $0.deallocate() }
        stages.deallocate()
        slots.deallocate()
    }

    /// Called after each band of a node's rows, in order; for comparison. Costs a copy of each.
    var observe: ((Node, _ rows: Range<Int>, FloatTensor) -> Void)?

    /// Time spent on each node so far, where `measures` asks for it.
    private(set) var times: [Duration] = []
    var measures = false {
        didSet { times = measures ? [Duration](repeating: .zero, count: graph.nodes.count) : [] }
    }
    var timesByNode: [(node: Node, time: Duration)] { Array(zip(graph.nodes, times)) }

    /// - Parameters:
    ///   - sources: one per input of the graph.
    ///   - timestep: which quantizations to use, and whose biases `biases` holds; 0 for graphs without time.
    func run(_ sources: [StoredMap], timestep: Int = 0, biases: [String: [Float]] = [:]) -> [StoredMap] {
        prepare(timestep: timestep, biases: biases)
        let outputs = graph.outputs.map { value -> StoredMap in
            let slot = slots[value.index], ring = (slot.codes?.height ?? slot.floats?.height)!
            return StoredMap(
                height: ring, width: (slot.codes?.width ?? slot.floats?.width)!, channels: value.shape.channels,
                quantization: activations[value.index] == nil ? nil : slot.quantization
            )
        }
        sweep(sources) { run in
            for (value, output) in zip(graph.outputs, outputs) where value.index == run.node { copy(run.rows, of: value, to: output) }
        }
        return outputs
    }

    /// The same for a graph of one output, kept in float: calls `body(y, row y)`, `[width][channels]`, on several threads.
    func run(
        _ sources: [StoredMap], timestep: Int, biases: [String: [Float]], _ body: @Sendable (Int, UnsafePointer<Float>) -> Void
    ) {
        prepare(timestep: timestep, biases: biases)
        let output = graph.outputs[0], floats = slots[output.index].floats!, channels = output.shape.channels
        sweep(sources) { run in
            guard run.node == output.index else { return }
            Parallel.ranges(run.rows.count, threads: threads) { range in
                withUnsafeTemporaryAllocation(of: Float.self, capacity: floats.width * channels) { row in
                    for y in range.lowerBound + run.rows.lowerBound..<range.upperBound + run.rows.lowerBound {
                        Self.copy(
                            0..<floats.width, channels, floats.interior(y), pixel: floats.pixel, to: row.baseAddress!, pixel: channels)
                        body(y, UnsafePointer(row.baseAddress!))
                    }
                }
            }
        }
    }

    /// All rows of all nodes, `finished` after each band of a node's.
    private func sweep(_ sources: [StoredMap], finished: (StreamPlan.Run) -> Void) {
        for run in plan.runs {
            if measures {
                times[run.node] += ContinuousClock().measure { compute(run, sources) }
            } else {
                compute(run, sources)
            }
            finished(run)
            if let observe { observe(graph.nodes[run.node], run.rows, tensor(of: run)) }
        }
    }

    /// Sets what depends on the timestep: quantizations, the sums' starts, the rows beyond the edges, the biases.
    private func prepare(timestep: Int, biases: [String: [Float]]) {
        for i in slots.indices {
            if let activation = activations[i] { slots[i].quantization = activation.at(timestep, of: timesteps) }
            slots[i].codes?.fillOutside(with: slots[i].quantization.zeroPoint.encoded)
        }
        for (i, node) in graph.nodes.enumerated() {
            let zeroPoints = node.inputs.map { slots[$0.index].quantization.zeroPoint }
            for layer in stages[i].int8 { layer.takeUnretainedValue().start(zeroPoints: zeroPoints) }
            if case .convolution(let convolution) = node.operation, let name = convolution.timeBias {
                for (c, value) in biases[name]!.enumerated() { stages[i].timeBias![c] = value }
            }
        }
    }

    // MARK: One node's rows

    private func compute(_ run: StreamPlan.Run, _ sources: [StoredMap]) {
        let stage = stages[run.node], slot = slots[run.node]
        if case .attention = stage.kind { return attend(run.node) }
        if let channels = stage.winogradChannels, run.rows.count >= Kernels.leastWinogradRows {
            return computeByWinograd(run, channels)
        }
        // A band of few rows is cut into columns as well, so that every thread has work.
        let step = stage.phases, width = (slot.codes?.width ?? slot.floats?.width)! / step
        let units = run.rows.count
        let cuts = units % threads == 0 ? 1 : max(1, min(width / 16, (2 * threads + units - 1) / units))
        // Deep down rows are few and short, and channels many.
        let groups = (stage.channels + RowPart.channelStep - 1) / RowPart.channelStep
        var shares = 1
        if case .int8 = stage.kind { shares = min(groups, (threads + units * cuts - 1) / (units * cuts)) }
        Parallel.ranges(units * cuts * shares, threads: threads) { [shares] range in
            for item in range {
                let y = run.rows.lowerBound + item / shares / cuts, cut = item / shares % cuts, share = item % shares
                let part = RowPart(
                    columns: width * cut / cuts..<width * (cut + 1) / cuts,
                    channels: groups * share / shares * RowPart.channelStep
                        ..< min(stage.channels, groups * (share + 1) / shares * RowPart.channelStep))
                self.computeRow(run.node, y, part, sources)
                if shares == 1 { self.finishRow(run.node, y, part.columns.lowerBound * step..<part.columns.upperBound * step) }
            }
        }
        if shares > 1 {
            for y in run.rows { finishRow(run.node, y, 0..<width * step) }
        }
    }

    /// A thread makes the transformed weights of some output channels, then computes these of all rows.
    private func computeByWinograd(_ run: StreamPlan.Run, _ most: Int) {
        let slot = slots[run.node], channels = stages[run.node].channels, width = (slot.codes?.width ?? slot.floats?.width)!
        let share = ((channels + threads - 1) / threads + RowPart.channelStep - 1) / RowPart.channelStep * RowPart.channelStep
        let canCut = width / Int(kernels.int8.winograd_width)
        // Threads share out columns, each with weights of its own, or channels, each with codes of its own: whichever is less to make.
        let byColumns = canCut >= threads && 4 * channels <= run.rows.count * width
        let together = min(most, byColumns ? channels : share), groups = (channels + together - 1) / together
        let cuts = byColumns ? threads : max(1, min(canCut, (threads + groups - 1) / groups))
        Parallel.ranges(groups * cuts, threads: threads) { range in
            for item in range {
                let group = item % groups, cut = item / groups
                let part = RowPart(
                    columns: width * cut / cuts..<width * (cut + 1) / cuts, channels: group * together..<min(channels, (group + 1) * together))
                let weights = self.stages[run.node].int8[0]._withUnsafeGuaranteedRef { $0.winograd!.make(part.channels) }
                for y in stride(from: run.rows.lowerBound, to: run.rows.upperBound, by: Int(SRD_WINOGRAD_ROWS)) {
                    self.computeRows(run.node, y..<min(y + Int(SRD_WINOGRAD_ROWS), run.rows.upperBound), part, weights)
                }
                if groups == 1 { for y in run.rows { self.finishRow(run.node, y, part.columns) } }
            }
        }
        if groups > 1 { for y in run.rows { finishRow(run.node, y, 0..<width) } }
    }

    /// At most `SRD_WINOGRAD_ROWS` rows by Winograd's products, or where they are too few by the others.
    private func computeRows(_ i: Int, _ rows: Range<Int>, _ part: RowPart, _ weights: UnsafePointer<Int16>) {
        guard rows.count >= Kernels.leastWinogradRows else {
            for y in rows { computeRow(i, y, part, []) }
            return
        }
        let stage = stages[i]
        withInputs(stage) { inputs in
            withUnsafeTemporaryAllocation(of: srd_conv_row_s8_args.self, capacity: rows.count) { args in
                for (k, y) in rows.enumerated() { args.initializeElement(at: k, to: int8Arguments(i, y, firstPixel: 0, part.columns)) }
                stage.int8[0]._withUnsafeGuaranteedRef { $0.runWinograd(inputs, firstRow: rows.lowerBound, part, weights, args) }
            }
        }
    }

    private func withInputs(_ stage: Stage, _ body: (UnsafeBufferPointer<PackedConvolution.Input>) -> Void) {
        withUnsafeTemporaryAllocation(of: PackedConvolution.Input.self, capacity: stage.inputs.count) { inputs in
            for (k, value) in stage.inputs.enumerated() {
                inputs.initializeElement(at: k, to: .init(ring: slots[value].codes!, scale: slots[value].quantization.scale))
            }
            body(UnsafeBufferPointer(inputs))
        }
    }

    private func computeRow(_ i: Int, _ y: Int, _ part: RowPart, _ sources: [StoredMap]) {
        let stage = stages[i], columns = part.columns
        // An ordinary convolution is one phase; a transposed one has as many as its stride in each row.
        let firstPhase = y % stage.phases * stage.phases, inputRow = y / stage.phases * stage.stride
        switch stage.kind {
        case .input(let k): read(sources[k], y, columns, into: slots[i])
        case .int8:
            withInputs(stage) { inputs in
                for phase in 0..<stage.phases {
                    var args = int8Arguments(i, y, firstPixel: phase, columns)
                    stage.int8[firstPhase + phase]._withUnsafeGuaranteedRef {
                        $0.run(inputs, stride: stage.stride, inputRow: inputRow, part, &args)
                    }
                }
            }
        case .wide:
            withUnsafeTemporaryAllocation(of: RowRing<Float>.self, capacity: stage.inputs.count) { inputs in
                for (k, value) in stage.inputs.enumerated() { inputs.initializeElement(at: k, to: slots[value].floats!) }
                for phase in 0..<stage.phases {
                    var args = wideArguments(i, y, firstPixel: phase, columns)
                    stage.wide[firstPhase + phase]._withUnsafeGuaranteedRef {
                        $0.run(UnsafeBufferPointer(inputs), stride: stage.stride, inputRow: inputRow, columns: columns, &args)
                    }
                }
            }
        case .nearestDouble:
            let input = slots[stage.inputs[0]].floats!, from = input.row(y / 2), to = slots[i].floats!.interior(y)
            for x in columns { (to + x * input.pixel).update(from: from + x / 2 * input.pixel, count: input.pixel) }
        case .attention: break
        }
    }

    private func int8Arguments(_ i: Int, _ y: Int, firstPixel: Int, _ columns: Range<Int>) -> srd_conv_row_s8_args {
        let stage = stages[i], slot = slots[i], step = stage.phases, first = columns.lowerBound * step + firstPixel
        var args = srd_conv_row_s8_args()
        args.gain = stage.gain
        args.activation = stage.activation
        args.time_bias = UnsafePointer(stage.timeBias?.baseAddress)
        args.residual_count = Int32(stage.residuals.count)
        if stage.residuals.count > 0 { args.residual.0 = residual(slots[stage.residuals[0]], y, columns, gain: stage.residualGains[0]) }
        if stage.residuals.count > 1 { args.residual.1 = residual(slots[stage.residuals[1]], y, columns, gain: stage.residualGains[1]) }
        if let codes = slot.codes {
            args.codes = codes.interior(y) + first * codes.pixel
            args.codes_pixel = step * codes.pixel
            args.inverse_scale = 1 / slot.quantization.scale
            args.zero_point = Int32(slot.quantization.zeroPoint)
        }
        if let floats = slot.floats, slot.floatsAreExact {
            args.floats = floats.interior(y) + first * floats.pixel
            args.floats_pixel = step * floats.pixel
        }
        return args
    }

    private func residual(_ slot: Slot, _ y: Int, _ columns: Range<Int>, gain: Float) -> srd_residual_s8 {
        var residual = srd_residual_s8()
        if let floats = slot.floats, slot.floatsAreExact {
            residual.floats = UnsafePointer(floats.interior(y)) + columns.lowerBound * floats.pixel
            residual.pixel = floats.pixel
            residual.scale = gain
        } else {
            let codes = slot.codes!
            residual.codes = UnsafePointer(codes.interior(y)) + columns.lowerBound * codes.pixel
            residual.pixel = codes.pixel
            residual.zero_point = Int32(slot.quantization.zeroPoint)
            residual.scale = slot.quantization.scale * gain
        }
        return residual
    }

    private func wideArguments(_ i: Int, _ y: Int, firstPixel: Int, _ columns: Range<Int>) -> srd_conv_row_f32_args {
        let stage = stages[i], out = slots[i].floats!, step = stage.phases
        var args = srd_conv_row_f32_args()
        args.gain = stage.gain
        args.activation = stage.activation
        args.time_bias = UnsafePointer(stage.timeBias?.baseAddress)
        args.residual_count = Int32(stage.residuals.count)
        args.residual_pixel = out.pixel
        func row(_ k: Int) -> UnsafePointer<Float> { slots[stage.residuals[k]].floats!.row(y) + columns.lowerBound * out.pixel }
        if stage.residuals.count > 0 {
            args.residual.0 = row(0)
            args.residual_gain.0 = stage.residualGains[0]
        }
        if stage.residuals.count > 1 {
            args.residual.1 = row(1)
            args.residual_gain.1 = stage.residualGains[1]
        }
        args.output = out.interior(y) + (columns.lowerBound * step + firstPixel) * out.pixel
        args.output_pixel = step * out.pixel
        return args
    }

    /// Makes the value's other form from the one that was computed, and the border pixels beside these columns.
    private func finishRow(_ i: Int, _ y: Int, _ columns: Range<Int>) {
        let slot = slots[i]
        if let codes = slot.codes, let floats = slot.floats {
            let first = columns.lowerBound * codes.pixel, count = columns.count * codes.pixel
            if stages[i].madeInFloat {
                kernels.int8.quantize_row(
                    floats.interior(y) + first, count, 1 / slot.quantization.scale, Int32(slot.quantization.zeroPoint),
                    codes.interior(y) + first)
            }
            if !slot.floatsAreExact && !slot.floatsAreTransient {
                kernels.int8.dequantize_row(
                    codes.interior(y) + first, count, slot.quantization.scale, Int32(slot.quantization.zeroPoint),
                    floats.interior(y) + first)
            }
        }
        slot.codes?.close(y, columns: columns, zero: slot.quantization.zeroPoint.encoded)
        if !slot.floatsAreTransient { slot.floats?.close(y, columns: columns, zero: 0) }
    }

    // MARK: Maps between graphs

    /// Copies a row of a graph's input into its ring, in each form that is needed.
    private func read(_ source: StoredMap, _ y: Int, _ columns: Range<Int>, into slot: Slot) {
        let quantization = slot.quantization
        if source.quantization != nil {        // made with the same quantization: the entry is one, the name the same
            let codes = slot.codes!, first = columns.lowerBound * codes.pixel, count = columns.count * codes.pixel
            (codes.interior(y) + first).update(from: source.codeRow(y) + first, count: count)
            if let floats = slot.floats, slot.floatsAreExact {
                kernels.int8.dequantize_row(
                    codes.interior(y) + first, count, quantization.scale, Int32(quantization.zeroPoint), floats.interior(y) + first)
            }
        } else {
            let floats = slot.floats!
            source.readFloats(y) { row in
                Self.copy(columns, source.channels, row, pixel: source.channels, to: floats.interior(y), pixel: floats.pixel)
            }
        }
    }

    /// Copies some channels of pixels `columns`; `pixel` floats lie from one to the next.
    private static func copy(
        _ columns: Range<Int>, _ channels: Int, _ from: UnsafePointer<Float>, pixel fromPixel: Int,
        to: UnsafeMutablePointer<Float>, pixel toPixel: Int
    ) {
        for x in columns {
            for c in 0..<channels { to[x * toPixel + c] = from[x * fromPixel + c] }
        }
    }

    /// Copies finished rows of an output to where they stay.
    private func copy(_ rows: Range<Int>, of value: Value, to map: StoredMap) {
        let slot = slots[value.index]
        if let codes = slot.codes {
            for y in rows { map.codeRow(y).update(from: codes.interior(y), count: map.width * codes.pixel) }
        } else {
            let floats = slot.floats!
            map.writeFloats { base in
                for y in rows {
                    Self.copy(
                        0..<map.width, map.channels, floats.interior(y), pixel: floats.pixel,
                        to: base! + y * map.width * map.channels, pixel: map.channels)
                }
            }
        }
    }

    private func tensor(of run: StreamPlan.Run) -> FloatTensor {
        let slot = slots[run.node], channels = graph.nodes[run.node].output.shape.channels
        var values: [Float] = []
        for y in run.rows {
            if let floats = slot.floats, slot.floatsAreExact {
                for x in 0..<floats.width {
                    values += UnsafeBufferPointer(start: floats.interior(y) + x * floats.pixel, count: channels)
                }
            } else if let codes = slot.codes {
                for x in 0..<codes.width {
                    for c in 0..<channels {
                        values.append(slot.quantization.real(decoded(codes.interior(y)[x * codes.pixel + c])))
                    }
                }
            }
        }
        return FloatTensor(shape: [run.rows.count, values.count / channels / run.rows.count, channels], values: values)
    }

    // MARK: Attention: the whole level at once

    private func attend(_ i: Int) {
        let node = graph.nodes[i], (toQKV, toOut, gain) = attentions[i]!
        guard case .linearAttention(let heads, let headChannels) = node.operation else { return }
        let input = slots[node.inputs[0].index].floats!, output = slots[i].floats!, inner = heads * headChannels
        /// A map that lasts for this call.
        func temporary(channels: Int) -> (ring: RowRing<Float>, memory: UnsafeMutableBufferPointer<Float>) {
            let memory = UnsafeMutableBufferPointer<Float>.allocate(
                capacity: RowRing<Float>.count(capacity: input.height, width: input.width, channels: channels))
            memory.initialize(repeating: 0)
            return (RowRing(
                memory.baseAddress!, height: input.height, width: input.width, channels: channels, capacity: input.height,
                border: .zero), memory)
        }
        let (qkv, qkvMemory) = temporary(channels: 3 * inner), (attended, attendedMemory) = temporary(channels: inner)
        defer {
            qkvMemory.deallocate()
            attendedMemory.deallocate()
        }
        func pointwise(_ layer: WideConvolution, _ from: RowRing<Float>, _ to: RowRing<Float>, residual: RowRing<Float>?) {
            Parallel.ranges(from.height, threads: threads) { rows in
                for y in rows {
                    var args = srd_conv_row_f32_args()
                    args.gain = 1
                    if let residual {
                        args.gain = gain
                        args.residual_count = 1
                        args.residual.0 = residual.row(y)
                        args.residual_gain.0 = 1
                        args.residual_pixel = residual.pixel
                    }
                    args.output = to.interior(y)
                    args.output_pixel = to.pixel
                    withUnsafePointer(to: from) {
                        layer.run(UnsafeBufferPointer(start: $0, count: 1), stride: 1, inputRow: y, columns: 0..<from.width, &args)
                    }
                }
            }
        }
        pointwise(toQKV, input, qkv, residual: nil)
        var values: [Float] = []
        for y in 0..<qkv.height { values += UnsafeBufferPointer(start: qkv.interior(y), count: qkv.width * 3 * inner) }
        let result = LinearAttention.attend(values, heads: heads, headChannels: headChannels)
        for y in 0..<qkv.height {
            for j in 0..<qkv.width * inner { attended.interior(y)[j] = result[y * qkv.width * inner + j] }
        }
        pointwise(toOut, attended, output, residual: input)
        for y in 0..<output.height { finishRow(i, y, 0..<output.width) }
    }
}

extension Activation {
    var kernelCode: srd_activation {
        switch self {
        case .none: return SRD_ACTIVATION_NONE
        case .mish: return SRD_ACTIVATION_MISH
        case .leakyReLU: return SRD_ACTIVATION_LEAKY_RELU
        }
    }
}
