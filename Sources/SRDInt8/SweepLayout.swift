import CSRDKernels
import SRDiff

/// Where each value's living rows lie, as codes, as floats or both. Numbers only: no memory.
struct SweepLayout {
    /// The first element of each form, by value; nil where there is no such form.
    let places: [(codes: Int?, floats: Int?)]
    let codeCount, floatCount: Int

    var bytes: Int { codeCount + 4 * floatCount }

    /// - Parameter width: of the enlarged picture.
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
        var codeCount = 0, floatCount = 0, places: [(codes: Int?, floats: Int?)] = []
        for (i, node) in graph.nodes.enumerated() {
            let activation = model.activations[node.name], shape = node.output.shape
            let madeInFloat = !isInt8(node) && node.operation != .input
            let needsFloats = activation.map { $0.keepsFloat || readsFloats[i] || madeInFloat } ?? true
            func place(_ count: inout Int) -> Int {
                let start = count
                count += RowRing<Float>.count(
                    capacity: plan.capacities[i], width: width / shape.reduction, channels: shape.channels)
                return start
            }
            places.append((activation == nil ? nil : place(&codeCount), needsFloats ? place(&floatCount) : nil))
        }
        self.places = places
        self.codeCount = codeCount
        self.floatCount = floatCount
    }
}
