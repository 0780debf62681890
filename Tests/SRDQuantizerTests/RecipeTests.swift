import SRDQuantizer
import SRDModel
import TestSupport
import Testing

@Suite("Recipes")
struct RecipeTests {
    private let network = Network(TinyModel.configuration)
    private var recipe: Recipe {
        Recipe(for: network, hasPreview: true, keepFloat: ["denoise_fn.ups.0.0.block1.block.1": "a test"])
    }

    @Test("a recipe that is written and parsed is unchanged")
    func roundTrip() throws {
        let text = recipe.text(for: network, hasPreview: true)
        let read = try Recipe(parsing: text, for: network, hasPreview: true)
        #expect(read.text(for: network, hasPreview: true) == text)
        for (name, decision) in recipe.decisions {
            #expect(
                read.decisions[name]?.weights == decision.weights && read.decisions[name]?.output == decision.output,
                "\(name)")
        }
    }

    @Test("layers that read images or write the result are float, all others int8")
    func ordinary() {
        let recipe = Recipe(for: network, hasPreview: true)
        let float = network.graphs(withPreview: true).flatMap(\.nodes)
            .filter { $0.isConvolution && recipe.decisions[$0.name]!.weights == .float }.map(\.name)
        #expect(
            Set(float) == [
                "rrdb.conv_first", "denoise_fn.downs.0.0.block1.block.1", "denoise_fn.downs.0.0.res_conv",
                "denoise_fn.final_conv.1",
            ])
    }

    private func error(_ change: (String) -> String) -> String? {
        do {
            _ = try Recipe(parsing: change(recipe.text(for: network, hasPreview: true)), for: network, hasPreview: true)
        } catch { return "\(error)" }
        return nil
    }

    private func edit(_ layer: String, _ body: ([Substring]) -> String) -> String? {
        error { text in
            text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
                let columns = line.split(separator: " ")
                return columns.first.map(String.init) == layer ? body(columns) : String(line)
            }.joined(separator: "\n")
        }
    }

    @Test("errors name the line and the layer")
    func errors() {
        let layer = "denoise_fn.downs.1.0.block1.block.1", input = "denoise_fn.downs.0.2.conv.1"
        #expect(edit(layer) { _ in "" } == "layer `\(layer)` is missing")
        #expect(edit(layer) { "\($0[0]) int4 \($0[2])" }?.contains("\"int4\", expected int8 or float") == true)
        #expect(edit(layer) { "\($0[0]) int8 bits" }?.contains("\"bits\", expected int8") == true)
        #expect(edit(layer) { "\($0[0]) int8" }?.contains("expected layer, weights and output") == true)
        #expect(edit(layer) { "\($0[0])x int8 int8" }?.contains("no layer `\(layer)x`") == true)
        #expect(
            edit(layer) {
                let line = $0.joined(separator: " "); return "\(line)\n\(line)"
            }?.contains("comes twice") == true)
        #expect(edit(input) { "\($0[0]) int8 float" }?.contains("its input `\(input)` is kept in float") == true)
        #expect(edit("denoise_fn.final_conv.1") { "\($0[0]) float int8" }?.contains("puts out is float") == true)
        #expect(error { $0 + "\n# a remark\n\n" } == nil)
    }
}
