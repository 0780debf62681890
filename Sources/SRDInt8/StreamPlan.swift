import SRDModel

/// In what order rows are computed, so that an image is swept once from top to bottom, and how many rows of each value
/// must be kept for that. Numbers only: no memory, no arithmetic.
package struct StreamPlan: Sendable {
    /// Rows of one node to compute; its inputs' rows are there by then.
    package struct Run: Equatable, Sendable {
        package let node: Int
        package let rows: Range<Int>
    }

    /// Bands of so many rows are long.
    private static let long = 8

    package let runs: [Run]
    /// Rows of each node's value that are alive at the same time; row y lives in place y modulo this.
    package let capacities: [Int]
    /// Rows of each node in its longest run.
    package let mostRows: [Int]

    /// A node advances by a band of rows in its turn, or by what its inputs allow. Wide and shallow maps have bands of few rows,
    /// which stay in the caches from layer to layer; narrow and deep ones of many, since every band takes in all of a layer's
    /// weights anew. A node with longer bands has its turn less often, so that all go down the image equally fast and none
    /// runs ahead of those that read it. Where bands are long, the last one is up to a quarter longer and waits for all it reads: one of a few
    /// rows would take in all of the weights as well.
    ///
    /// - Parameters:
    ///   - height: of the enlarged image; a multiple of every node's reduction.
    ///   - bandRows: rows of a band of nodes of some reduction, at least 1.
    package init(_ graph: Graph, height: Int, bandRows: (_ reduction: Int) -> Int) {
        let reductions = graph.nodes.map(\.output.shape.reduction)
        /// Rows of the enlarged image.
        let round = reductions.map { bandRows($0) * $0 }.min() ?? 1
        // What is read has no weights, and nobody should wait for a long band of it.
        let bands = zip(graph.nodes, reductions).map { $0.operation == .input ? max(1, round / $1) : bandRows($1) }
        let advances = zip(bands, reductions).map { $0 * $1 }
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
        var reached = 0
        while graph.outputs.contains(where: { done[$0.index] < heights[$0.index] }) {
            let before = reached
            reached += round
            for (i, node) in graph.nodes.enumerated() where done[i] < heights[i] {
                guard reached / advances[i] > before / advances[i] || reached >= height else { continue }
                var takesRest = bands[i] >= Self.long && heights[i] - done[i] <= bands[i] + bands[i] / 4
                if case .linearAttention = node.operation { takesRest = true }
                var end = takesRest ? heights[i] : min(heights[i], done[i] + bands[i])
                for value in node.residuals { end = min(end, done[value.index]) }
                func isThere(_ value: Value) -> Bool {
                    node.inputRows(for: done[i]..<end, of: heights[value.index]).upperBound <= done[value.index]
                }
                while end > done[i], !node.inputs.allSatisfy(isThere) { end -= 1 }
                guard end > done[i], !takesRest || end == heights[i] else { continue }
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
