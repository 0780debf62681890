import CSRDKernels
import SRDModel

/// The form and place of every node's live rows in two arenas, one of quantized values and one of floats. It is also
/// the estimate of a program's memory.
struct BufferPlan {
    enum Form {
        case float, quantized, quantizedFromFloat, dequantized, quantizedFromBand
    }

    struct Entry {
        let form: Form
        /// Rows that are kept; of `quantizedFromBand`, rows of quantized values.
        let rows: Int
        /// Rows of floats.
        let floatRows: Int
        /// The first element in each arena.
        let firstQuantized, firstFloat: Int
    }

    /// By node index.
    let entries: [Entry]
    let quantizedCount, floatCount: Int

    var bytes: Int { quantizedCount + 4 * floatCount }

    /// - Parameter width: of the upscaled image.
    init(_ graph: Graph, of model: Model, width: Int, plan: StreamPlan) {
        func isInt8(_ node: Node) -> Bool { model.layers[node.name]?.isInt8 ?? false }
        // Float layers read floats, as inputs and as residuals.
        var readInFloat = [Bool](repeating: false, count: graph.nodes.count)
        for node in graph.nodes where !isInt8(node) {
            for value in node.inputs + node.residuals { readInFloat[value.index] = true }
        }
        for node in graph.nodes where isInt8(node) {
            for value in node.inputs {
                let name = graph.node(of: value).name
                precondition(
                    model.activations[name] != nil, "\(node.name) is an int8 layer, but \(name) is not quantized")
            }
        }
        var quantizedCount = 0, floatCount = 0
        entries = graph.nodes.enumerated().map { i, node in
            let activation = model.activations[node.name], shape = node.output.shape
            let computedInFloat = !isInt8(node) && node.operation != .input
            let form: Form =
                switch activation {
                case nil: .float
                case let activation? where activation.keepsFloat: .quantizedFromFloat
                case _ where readInFloat[i]: .dequantized
                case _: computedInFloat ? .quantizedFromBand : .quantized
                }
            let rows = plan.capacities[i]
            let floatRows = form == .quantized ? 0 : form == .quantizedFromBand ? plan.mostRows[i] : rows
            func size(_ rows: Int) -> Int {
                rows == 0
                    ? 0 : RowRing<Float>.count(capacity: rows, width: width / shape.reduction, channels: shape.channels)
            }
            let entry = Entry(
                form: form, rows: rows, floatRows: floatRows, firstQuantized: quantizedCount, firstFloat: floatCount)
            quantizedCount += form == .float ? 0 : size(rows)
            floatCount += size(floatRows)
            return entry
        }
        self.quantizedCount = quantizedCount
        self.floatCount = floatCount
    }
}

/// The memory of a program's rows.
final class Arenas {
    private let quantized: LargeBuffer<srd_quantized>
    private let floats: LargeBuffer<Float>
    let buffers: UnsafeMutableBufferPointer<NodeBuffer>

    init(_ graph: Graph, _ plan: BufferPlan, height: Int, width: Int) {
        let quantized = LargeBuffer<srd_quantized>(count: plan.quantizedCount),
            floats = LargeBuffer<Float>(count: plan.floatCount)
        let borders = graph.borders
        self.quantized = quantized
        self.floats = floats
        buffers = .copy(
            of: zip(graph.nodes, plan.entries).enumerated().map { i, pair in
                let (node, entry) = pair, shape = node.output.shape
                func ring<Element>(_ base: UnsafeMutablePointer<Element>, _ rows: Int) -> RowRing<Element> {
                    RowRing(
                        base, height: height / shape.reduction, width: width / shape.reduction,
                        channels: shape.channels, capacity: rows,
                        border: borders[i])
                }
                func quantizedRing() -> RowRing<srd_quantized> {
                    ring(quantized.elements.baseAddress! + entry.firstQuantized, entry.rows)
                }
                func floatRing() -> RowRing<Float> {
                    ring(floats.elements.baseAddress! + entry.firstFloat, entry.floatRows)
                }
                let storage: NodeBuffer.Storage =
                    switch entry.form {
                    case .float: .float(floatRing())
                    case .quantized: .quantized(quantizedRing())
                    case .quantizedFromFloat: .quantizedFromFloat(quantizedRing(), floatRing())
                    case .dequantized: .dequantized(quantizedRing(), floatRing())
                    case .quantizedFromBand: .quantizedFromBand(quantizedRing(), floatRing())
                    }
                return NodeBuffer(storage)
            })
    }

    deinit { buffers.deallocate() }
}
