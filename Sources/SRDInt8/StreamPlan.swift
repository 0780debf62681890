import SRDiff

/// In what order rows are computed, so that a picture is swept once from top to bottom, and how many rows of each value
/// must be kept for that. Numbers only: no memory, no arithmetic.
package struct StreamPlan: Sendable {
    /// Rows of one node to compute; its inputs' rows are there by then.
    package struct Run: Equatable, Sendable {
        package let node: Int
        package let rows: Range<Int>
    }

    package let runs: [Run]
    /// Rows of each node's value that are alive at the same time; row y lives in place y modulo this.
    package let capacities: [Int]
    /// Rows of each node in its longest run.
    package let mostRows: [Int]

    /// In each round every node advances by a band of rows, or by what its inputs allow: so none runs ahead of those that
    /// read it, neither while the first rows work their way through the layers nor while the last ones do.
    ///
    /// - Parameters:
    ///   - height: of the enlarged picture; a multiple of every node's reduction.
    ///   - bandRows: rows of the enlarged picture per band; rounded up to a multiple of every node's reduction.
    package init(_ graph: Graph, height: Int, bandRows: Int) {
        let reductions = graph.nodes.map(\.output.shape.reduction), largest = reductions.max() ?? 1
        let band = (bandRows + largest - 1) / largest * largest
        let heights = reductions.map { height / $0 }
        var consumers = [[Int]](repeating: [], count: graph.nodes.count)
        for (i, node) in graph.nodes.enumerated() {
            for value in node.inputs + node.residuals { consumers[value.index].append(i) }
        }
        var done = [Int](repeating: 0, count: graph.nodes.count), capacities = done, runs: [Run] = []
        /// The first row of a value that a consumer still reads.
        func oldest(of i: Int, for consumer: Int) -> Int {
            let next = done[consumer], reader = graph.nodes[consumer], value = graph.nodes[i].output
            guard next < heights[consumer] else { return heights[i] }
            let asInput = reader.inputs.contains(value)
                ? reader.inputRows(for: next..<next + 1, of: heights[i]).lowerBound : heights[i]
            return reader.residuals.contains(value) ? min(asInput, next) : asInput
        }
        while graph.outputs.contains(where: { done[$0.index] < heights[$0.index] }) {
            for (i, node) in graph.nodes.enumerated() where done[i] < heights[i] {
                var end = min(heights[i], done[i] + band / reductions[i])
                if case .linearAttention = node.operation { end = heights[i] }      // all of it or nothing
                for value in node.residuals { end = min(end, done[value.index]) }
                func isThere(_ value: Value) -> Bool {
                    node.inputRows(for: done[i]..<end, of: heights[value.index]).upperBound <= done[value.index]
                }
                while end > done[i], !node.inputs.allSatisfy(isThere) { end -= 1 }
                if case .linearAttention = node.operation, end < heights[i] { continue }
                guard end > done[i] else { continue }
                let first = consumers[i].map { oldest(of: i, for: $0) }.min() ?? done[i]
                capacities[i] = max(capacities[i], end - min(first, done[i]))
                runs.append(Run(node: i, rows: done[i]..<end))
                done[i] = end
            }
        }
        var mostRows = [Int](repeating: 0, count: graph.nodes.count)
        for run in runs { mostRows[run.node] = max(mostRows[run.node], run.rows.count) }
        self.mostRows = mostRows
        self.runs = runs
        self.capacities = capacities
    }
}

extension Node {
    /// The rows of an input, `height` rows high, that are read for some output rows.
    package func inputRows(for rows: Range<Int>, of height: Int) -> Range<Int> {
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
