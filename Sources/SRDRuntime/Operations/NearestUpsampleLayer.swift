import SRDModel

/// Nearest-neighbour upsampling by 2.
struct NearestUpsampleLayer: LayerOperation {
    var needsWholeMap: Bool { false }

    func inputRows(for rows: Range<Int>, of height: Int) -> Range<Int> {
        rows.lowerBound / 2..<min(height, (rows.upperBound - 1) / 2 + 1)
    }

    func macsPerOutputPixel(_ node: Node) -> Double { 0 }
    func compile(_ node: Node, _ compiler: inout Compiler) -> CompiledOperation { .nearestUpsample }
}

func upsampleNearest(_ y: Int, _ columns: Range<Int>, _ context: NodeContext) {
    let input = context.input(0).floats!, from = input.row(y / 2), to = context.output.floats!.interior(y)
    for x in columns { (to + x * input.pixel).update(from: from + x / 2 * input.pixel, count: input.pixel) }
}
