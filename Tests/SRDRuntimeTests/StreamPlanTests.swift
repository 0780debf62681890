import SRDRuntime
import SRDModel
import TestSupport
import Testing

@Suite("The order of rows")
struct StreamPlanTests {
    static let graphs: [Graph] = ExecutorTests.configurations.flatMap { configuration -> [Graph] in
        let network = Network(configuration)
        return network.graphs(withPreview: true) + [
            Graph(joining: network.conditioner, to: network.noisePredictor, as: .conditionedNoisePredictor)
        ]
    }
    /// Rows at each level, from the finest on; the last one's go for those beyond.
    static let bands = [[1], [3, 5, 2], [4, 4, 2, 2], [4, 8, 16, 16], [16, 8, 4, 2], [16, 32, 64, 128], [10_000]]

    static func rows(_ band: [Int], _ reduction: Int) -> Int {
        band[min(reduction.trailingZeroBitCount, band.count - 1)]
    }

    /// A walk that keeps only as many rows as the plan says: every row must be there when it is read.
    @Test("every row is computed once, in order, from rows that are there", arguments: graphs, bands)
    func complete(_ graph: Graph, _ band: [Int]) {
        let height = 128, plan = StreamPlan(graph, height: height) { Self.rows(band, $0) }
        let heights = graph.nodes.map { height / $0.output.shape.reduction }
        var done = [Int](repeating: 0, count: graph.nodes.count), missing: [String] = []
        for run in plan.bands {
            let node = graph.nodes[run.node]
            #expect(run.rows.lowerBound == done[run.node])
            // Rows of this run may be written before the first of them is read by anyone, so all of them count.
            done[run.node] = run.rows.upperBound
            for value in node.inputs + node.residuals {
                let rows =
                    node.residuals.contains(value) && !node.inputs.contains(value)
                    ? run.rows : node.inputRows(for: run.rows, of: heights[value.index])
                let kept = max(0, done[value.index] - plan.capacities[value.index])..<done[value.index]
                if rows.lowerBound < kept.lowerBound || rows.upperBound > kept.upperBound {
                    missing.append("\(node.name) reads rows \(rows) of \(graph.node(of: value).name), kept are \(kept)")
                }
            }
        }
        #expect(missing.isEmpty)
        for value in graph.outputs { #expect(done[value.index] == heights[value.index]) }
    }

    @Test("rows that are kept do not grow with the height")
    func bounded() {
        let network = Network(TinyModel.configuration)
        for graph in [network.encoder, network.conditioner, network.noisePredictor, network.preview] {
            for band in Self.bands.dropLast() {
                let plans = [1024, 4096].map { StreamPlan(graph, height: $0) { Self.rows(band, $0) } }
                #expect(plans[0].capacities == plans[1].capacities)
            }
        }
    }

    @Test("long bands end without a short one, and a map of one band is one", arguments: graphs)
    func longBands(_ graph: Graph) {
        let height = 256, plan = StreamPlan(graph, height: height) { Self.rows([16, 32, 64, 128], $0) }
        for (i, node) in graph.nodes.enumerated() where node.operation != .input {
            let reduction = node.output.shape.reduction, runs = plan.bands.filter { $0.node == i }.map(\.rows)
            // 256 rows and their halves are 16, 4, 1 and ¼ bands: a first one that is cut short adds one, and the last
            // takes up what is left.
            #expect(runs.count <= max(1, 16 / reduction / reduction) + 1, "\(node.name): \(runs)")
            if reduction >= 8 { #expect(runs == [0..<height / reduction]) }
        }
    }
}
