import SRDModel

/// The order in which rows are computed, so that a graph streams through an image once from top to bottom, and the
/// number of rows of each value that must be kept for that.
package struct StreamPlan: Sendable {
    /// Consecutive rows of one node. The rows that they read have been computed before.
    package struct Band: Equatable, Sendable {
        package let node: Int
        package let rows: Range<Int>
    }

    /// The height from which bands are long.
    private static let long = 8

    package let bands: [Band]
    /// Rows of each node that are alive at the same time; row y is stored at index y modulo this.
    package let capacities: [Int]
    /// Rows of each node in its longest band.
    package let mostRows: [Int]

    /// Nodes take turns. In its turn a node advances by one band of rows, or by as many as its inputs allow.
    ///
    /// Wide, shallow maps have bands of few rows, which stay in cache from layer to layer. Narrow, deep maps have bands
    /// of many rows, since every band reads all weights of a layer again. A node with longer bands has its turn less
    /// often, so that all nodes move down the image equally fast. Where bands are long, the last one may be a quarter
    /// longer, and waits for all its inputs: a last band of a few rows would read all weights once more.
    ///
    /// - Parameters:
    ///   - height: of the upscaled image; a multiple of every node's reduction.
    ///   - bandRows: the band height of nodes with a given reduction, at least 1.
    package init(_ graph: Graph, height: Int, bandRows: (_ reduction: Int) -> Int) {
        let reductions = graph.nodes.map(\.output.shape.reduction), operations = graph.nodes.map(\.layerOperation)
        /// The advance of a round of turns, in rows of the upscaled image.
        let round = reductions.map { bandRows($0) * $0 }.min() ?? 1
        // Inputs have no weights, and no node should wait for a long band of one.
        let bandHeights = zip(graph.nodes, reductions).map {
            $0.operation == .input ? max(1, round / $1) : bandRows($1)
        }
        let advances = zip(bandHeights, reductions).map { $0 * $1 }
        let heights = reductions.map { height / $0 }
        var consumers = [[Int]](repeating: [], count: graph.nodes.count)
        for (i, node) in graph.nodes.enumerated() {
            for value in node.inputs + node.residuals { consumers[value.index].append(i) }
        }
        var done = [Int](repeating: 0, count: graph.nodes.count), capacities = done, bands: [Band] = []
        /// The first row of node i that a consumer has yet to read.
        func oldest(of i: Int, for consumer: Int) -> Int {
            let next = done[consumer], reader = graph.nodes[consumer], value = graph.nodes[i].output
            guard next < heights[consumer] else { return heights[i] }
            let asInput =
                reader.inputs.contains(value)
                ? operations[consumer].inputRows(for: next..<next + 1, of: heights[i]).lowerBound : heights[i]
            return reader.residuals.contains(value) ? min(asInput, next) : asInput
        }
        var reached = 0
        while graph.outputs.contains(where: { done[$0.index] < heights[$0.index] }) {
            let before = reached
            reached += round
            for (i, node) in graph.nodes.enumerated() where done[i] < heights[i] {
                guard reached / advances[i] > before / advances[i] || reached >= height else { continue }
                var takesRest =
                    bandHeights[i] >= Self.long && heights[i] - done[i] <= bandHeights[i] + bandHeights[i] / 4
                if operations[i].needsWholeMap { takesRest = true }
                var end = takesRest ? heights[i] : min(heights[i], done[i] + bandHeights[i])
                for value in node.residuals { end = min(end, done[value.index]) }
                func isComputed(_ value: Value) -> Bool {
                    operations[i].inputRows(for: done[i]..<end, of: heights[value.index]).upperBound
                        <= done[value.index]
                }
                while end > done[i], !node.inputs.allSatisfy(isComputed) { end -= 1 }
                guard end > done[i], !takesRest || end == heights[i] else { continue }
                let first = consumers[i].map { oldest(of: i, for: $0) }.min() ?? done[i]
                capacities[i] = max(capacities[i], end - min(first, done[i]))
                bands.append(Band(node: i, rows: done[i]..<end))
                done[i] = end
            }
        }
        var mostRows = [Int](repeating: 0, count: graph.nodes.count)
        for band in bands { mostRows[band.node] = max(mostRows[band.node], band.rows.count) }
        self.mostRows = mostRows
        self.bands = bands
        self.capacities = capacities
    }
}
