import ArgumentParser
import SRDFile
import SRDQuantizer
import SRDiff
import ToolSupport

/// The choice of layers that stay in float.
struct RecipeOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Keep layers in float whose name matches, as \"ups.0|mid\". May be repeated.", valueName: "regex"))
    var keepFloat: [String] = []

    @Option(
        help: ArgumentHelp(
            "Keep the most harmful layers in float until the integers cost no more PSNR than this.", valueName: "dB"))
    var maxLoss: Double?

    @Option(
        help: ArgumentHelp(
            "A text file with the decision for every layer: written if it does not exist, followed if it does.",
            valueName: "file"))
    var recipe: String?

    func validate() throws {
        if let maxLoss, !(maxLoss > 0 && maxLoss.isFinite) {
            throw ValidationError("--max-loss \(maxLoss): more than 0 dB")
        }
        for pattern in keepFloat {
            do { _ = try Regex(pattern) } catch {
                throw ValidationError("--keep-float \(pattern): not a regular expression")
            }
        }
    }

    /// The layers that match --keep-float, with the reason.
    func keptLayers(of network: Network) throws -> [String: String] {
        let names = network.graphs(withPreview: true).flatMap(\.nodes).filter(\.isConvolution).map(\.name)
        var kept: [String: String] = [:]
        for pattern in keepFloat {
            let regex = try Regex(pattern), matches = names.filter { $0.contains(regex) }
            if matches.isEmpty { throw ToolError("--keep-float \(pattern): no layer's name matches") }
            for name in matches { kept[name] = "asked for by --keep-float \(pattern)" }
        }
        return kept
    }

    /// The recipe in the file, or nil if there is no file yet.
    func read(for model: Model) throws -> Recipe? {
        guard let path = recipe, FilePath.exists(path) else { return nil }
        if !keepFloat.isEmpty || maxLoss != nil {
            throw ToolError(
                """
                \(path) exists and decides about every layer: leave out --keep-float and \
                --max-loss, or name another file
                """
            )
        }
        let text = try MappedFile(path: path).withBytes { String(decoding: $0, as: UTF8.self) }
        do {
            return try Recipe(parsing: text, for: model.network, hasPreview: model.hasPreview)
        } catch {
            throw ToolError("\(path): \(error)")
        }
    }
}
