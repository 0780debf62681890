import SRDiff

/// In what order rows are computed, so that a picture is swept once from top to bottom, and how many rows of each value
/// must be kept for that. Numbers only: no memory, no arithmetic.
struct StreamPlan: Sendable {
    /// Rows of one node to compute; its inputs' rows are there by then.
    struct Run: Equatable, Sendable {
        let node: Int
        let rows: Range<Int>
    }

    let runs: [Run]
    /// Rows of each node's value that are alive at the same time; row y lives in place y modulo this.
    let capacities: [Int]

    /// - Parameters:
    ///   - height: of the enlarged picture; a multiple of every node's reduction.
    ///   - bandRows: rows of the enlarged picture per band.
    init(_ graph: Graph, height: Int, bandRows: Int) {
        let heights = graph.nodes.map { height / $0.output.shape.reduction }
        var consumers = [[Int]](repeating: [], count: graph.nodes.count)
        for (i, node) in graph.nodes.enumerated() {
            for value in node.inputs + node.residuals { consumers[value.index].append(i) }
        }
        var done = [Int](repeating: 0, count: graph.nodes.count), capacities = done, runs: [Run] = []
        let outputs = Set(graph.outputs.map(\.index))
        var target = 0
        while outputs.contains(where: { done[$0] < heights[$0] }) {
            target = min(target + bandRows, height)
            // What this band needs, from the outputs back to the inputs …
            var needed = done
            for i in graph.nodes.indices.reversed() {
                let node = graph.nodes[i]
                if outputs.contains(i) {
                    let reduction = node.output.shape.reduction
                    needed[i] = max(needed[i], (target + reduction - 1) / reduction)
                }
                guard needed[i] > done[i] else { continue }
                if case .linearAttention = node.operation { needed[i] = heights[i] }      // all of it or nothing
                for value in node.inputs {
                    let rows = node.inputRows(for: done[i]..<needed[i], of: heights[value.index])
                    needed[value.index] = max(needed[value.index], rows.upperBound)
                }
                for value in node.residuals { needed[value.index] = max(needed[value.index], needed[i]) }
            }
            // … and then forth, noting what is still alive when new rows come.
            for (i, node) in graph.nodes.enumerated() where needed[i] > done[i] {
                let oldest = consumers[i].map { consumer -> Int in
                    let next = done[consumer]
                    guard next < heights[consumer] else { return needed[i] }
                    let reader = graph.nodes[consumer]
                    let asInput = reader.inputs.contains(node.output)
                        ? reader.inputRows(for: next..<next + 1, of: heights[i]).lowerBound : next
                    return reader.residuals.contains(node.output) ? min(asInput, next) : asInput
                }.min() ?? done[i]
                capacities[i] = max(capacities[i], needed[i] - min(oldest, done[i]))
                runs.append(Run(node: i, rows: done[i]..<needed[i]))
                done[i] = needed[i]
            }
        }
        self.runs = runs
        self.capacities = capacities
    }
}

extension Node {
    /// The rows of an input, `height` rows high, that are read for some output rows.
    func inputRows(for rows: Range<Int>, of height: Int) -> Range<Int> {
        func clamped(_ low: Int, _ high: Int) -> Range<Int> { max(0, low)..<min(height, high) }
        switch operation {
        case .input: return 0..<0
        case .convolution(let c):
            let pad = (c.kernel - 1) / 2
            // What reflection reads beyond an edge, row 1 or the last but one, is among these rows anyway.
            return clamped(rows.lowerBound * c.stride - pad, (rows.upperBound - 1) * c.stride + pad + 1)
        case .transposedConvolution(let stride):
            let half = stride / 2
            return clamped((rows.lowerBound + half) / stride - 1, (rows.upperBound - 1 + half) / stride + 1)
        case .nearestDouble: return clamped(rows.lowerBound / 2, (rows.upperBound - 1) / 2 + 1)
        case .linearAttention: return 0..<height
        }
    }
}
