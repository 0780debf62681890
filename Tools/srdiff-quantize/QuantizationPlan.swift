import SRDFile
import SRDQuantizer
import SRDiff
import ToolSupport

/// What would be done, for `--dry-run`.
struct QuantizationPlan {
    let source: LoadedModel
    let output: String
    let model: Model
    let recipe: Recipe
    let set: CalibrationSet
    let settings: QuantizerSettings

    var text: String {
        let nodes = model.network.graphs(withPreview: model.hasPreview).flatMap(\.nodes).filter(\.isConvolution)
        let float = nodes.filter { recipe.decisions[$0.name]?.weights == .float }
        var before = 0, after = 0
        for node in nodes {
            let count = model.layers[node.name]!.shape.reduce(1, *)
            before += 4 * count
            after += float.contains(node) ? 4 * count : count
        }
        let lines = [
            """
            \(source.path) → \(output)\(FilePath.exists(output) ? " (exists)" : "")
            \(nodes.count - float.count) layers int8, \(float.count) float; weights \
            \(ByteCount.text(before)) → \(ByteCount.text(after))
            calibration: \(set.description)
            settings: \(settings.description)
            """
        ]
        return (lines + float.map { "float: \($0.name)  (\(recipe.decisions[$0.name]!.reason))" }).joined(
            separator: "\n")
    }
}
