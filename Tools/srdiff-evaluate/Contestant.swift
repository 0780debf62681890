import SRDFile
import SRDiff
import ToolSupport

/// A model that is compared with others.
struct Contestant {
    let name: String
    let loaded: LoadedModel
    let isReference: Bool

    /// Loads the models, the reference first. Names are unique.
    static func load(_ models: [String], reference: String?) throws -> [Contestant] {
        var contestants: [Contestant] = [], names: [String: Int] = [:]
        for (i, path) in ((reference.map { [$0] } ?? []) + models).enumerated() {
            let isReference = i == 0 && reference != nil
            let loaded = try LoadedModel.read(path)
            if isReference { _ = try loaded.float() }
            if let other = contestants.first(where: { $0.loaded.sha256 == loaded.sha256 }) {
                guard other.isReference else { throw ToolError("\(path) and \(other.loaded.path) are the same model") }
                continue  // the reference is measured anyway
            }
            if let first = contestants.first, first.loaded.configuration.scale != loaded.configuration.scale {
                throw ToolError(
                    """
                    \(path) upscales by \(loaded.configuration.scale), \(first.loaded.path) by \
                    \(first.loaded.configuration.scale)
                    """
                )
            }
            let stem = FilePath.stem(of: path), count = names[stem, default: 0] + 1
            names[stem] = count
            contestants.append(
                Contestant(name: count == 1 ? stem : "\(stem)-\(count)", loaded: loaded, isReference: isReference))
        }
        return contestants
    }
}
