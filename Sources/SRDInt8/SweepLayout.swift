import CSRDKernels
import SRDModel

/// Where each value's living rows lie, as codes, as floats or both. Numbers only: no memory.
struct SweepLayout {
    struct Place {
        /// The first element, and how many rows are kept.
        let first, rows: Int
    }

    /// By value; nil where there is no such form.
    let places: [(codes: Place?, floats: Place?)]
    /// Whether the value's floats become codes, and nobody else reads them.
    let floatsAreTransient: [Bool]
    let codeCount, floatCount: Int

    var bytes: Int { codeCount + 4 * floatCount }

    /// - Parameter width: of the enlarged image.
    init(_ graph: Graph, of model: QuantizedModel, width: Int, plan: StreamPlan) {
        func isInt8(_ node: Node) -> Bool { model.layers[node.name]?.isInt8 ?? false }
        // Who reads a value's floats?
        var readsFloats = [Bool](repeating: false, count: graph.nodes.count)
        for node in graph.nodes where !isInt8(node) {
            for value in node.inputs + node.residuals { readsFloats[value.index] = true }
        }
        for node in graph.nodes where isInt8(node) {
            for value in node.inputs {
                let name = graph.node(of: value).name
                precondition(model.activations[name] != nil, "\(node.name) is an int8 layer, but \(name) has no codes")
            }
        }
        var codeCount = 0, floatCount = 0, places: [(codes: Place?, floats: Place?)] = [], floatsAreTransient: [Bool] = []
        for (i, node) in graph.nodes.enumerated() {
            let activation = model.activations[node.name], shape = node.output.shape
            let madeInFloat = !isInt8(node) && node.operation != .input
            let keepsFloats = activation.map { $0.keepsFloat || readsFloats[i] } ?? true
            func place(_ count: inout Int, rows: Int) -> Place {
                let place = Place(first: count, rows: rows)
                count += RowRing<Float>.count(capacity: rows, width: width / shape.reduction, channels: shape.channels)
                return place
            }
            let codes = activation == nil ? nil : place(&codeCount, rows: plan.capacities[i])
            let floats = keepsFloats || madeInFloat
                ? place(&floatCount, rows: keepsFloats ? plan.capacities[i] : plan.mostRows[i]) : nil
            places.append((codes, floats))
            floatsAreTransient.append(!keepsFloats)
        }
        self.places = places
        self.floatsAreTransient = floatsAreTransient
        self.codeCount = codeCount
        self.floatCount = floatCount
    }
}
