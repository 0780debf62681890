import SRDFile

/// The tensors of a checkpoint that are the model's, among all maps that the file holds.
///
/// Averaged weights (EMA) are preferred: they are what published results are made with. Tensors that the average leaves
/// out, such as buffers, come from the weights it follows.
struct Selection {
    struct Item {
        /// The model's own name.
        let name: String
        /// The map, and the name's place in it.
        let map: Int, index: Int
    }

    private(set) var items: [Item] = []
    /// Where the weights are, in words.
    private(set) var location = ""
    private(set) var warnings: [String] = []

    /// Findings that a message lists.
    static let mostFindings = 8

    private init() {}

    /// Throws `.noTensors` if there is no map, and `.opaqueTensor` if a weight could not be read.
    init(_ maps: [TensorMap], contents: [String]) throws(CheckpointError) {
        guard !maps.isEmpty else { throw .noTensors(found: contents) }
        let models = Self.models(in: maps)
        guard let best = models.first else {
            let index = Self.preferred(maps)
            items = maps[index].names.indices.map {
                Item(name: WeightName.unwrapped(maps[index].names[$0]), map: index, index: $0)
            }
            location = maps[index].location
            try Self.checkOpaque(maps[index]) { WeightName.unwrapped($0) }
            return
        }
        self = best.selection
        let prefixes = [best.prefix]
        try Self.checkOpaque(maps[best.map]) { WeightName($0, prefixes: prefixes)?.name }
        if best.isAverage, let base = models.first(where: { !$0.isAverage }) {
            let known = Set(items.map(\.name)), missing = base.selection.items.filter { !known.contains($0.name) }
            items += missing
            if !missing.isEmpty {
                let count = missing.count == 1 ? "1 tensor is" : "\(missing.count) tensors are"
                warnings.append(
                    "\(count) not among the averaged weights and taken from those \(base.selection.location)")
            }
        }
        let others = models.dropFirst().filter { $0.isAverage == best.isAverage }
        if !others.isEmpty {
            let list = others.prefix(Self.mostFindings).map(\.selection.location).joined(separator: ", ")
            warnings.append(
                "the file contains \(others.count + 1) models; using the one \(location), not those \(list)")
        }
    }

    private struct Model {
        let map: Int, prefix: Substring
        let isAverage: Bool
        var selection: Selection
    }

    /// The SRDiff models in the maps, best first.
    private static func models(in maps: [TensorMap]) -> [Model] {
        var models: [(rank: Int, model: Model)] = []
        for (m, map) in maps.enumerated() {
            let prefixes = WeightName.prefixes(in: map.names)
            if prefixes.isEmpty { continue }
            var selections: [Substring: Selection] = [:]
            for (i, name) in map.names.enumerated() {
                guard let parts = WeightName(name, prefixes: prefixes) else { continue }
                selections[parts.prefix, default: Selection()].items.append(Item(name: parts.name, map: m, index: i))
            }
            let pathIsAverage = map.path.contains { WeightName.isAverage($0) }
            for (prefix, var selection) in selections.sorted(by: { ($0.key.count, $0.key) < ($1.key.count, $1.key) }) {
                selection.location =
                    map.location + (prefix.isEmpty ? "" : " with prefix \"\(String(prefix).printable(limit: 60))\"")
                let isAverage = WeightName.isAverage(prefix) || pathIsAverage && !WeightName.isOnline(prefix)
                // Of an average's state, the prefix that names it comes before the others.
                models.append(
                    (
                        isAverage ? (WeightName.isAverage(prefix) ? 0 : 1) : 2,
                        Model(
                            map: m, prefix: prefix, isAverage: isAverage, selection: selection)
                    ))
            }
        }
        let order = maps.indices.sorted { precedence(maps[$0]) < precedence(maps[$1]) }
        let place = Dictionary(uniqueKeysWithValues: order.enumerated().map { ($1, $0) })
        return models.enumerated().sorted { a, b in
            (a.element.rank, place[a.element.model.map]!, a.offset) < (
                b.element.rank, place[b.element.model.map]!, b.offset
            )
        }.map(\.element.model)
    }

    /// Where training code puts the weights, best first; other maps follow in the file's order.
    private static let usual: [[String]] = [
        ["state_dict", "model"], ["state_dict"], ["params_ema"], ["ema_state_dict"], ["model_ema"], ["ema"],
        ["model_state_dict"],
        ["params"], ["model"], [], ["net"], ["network"], ["generator"], ["weights"],
    ]

    private static func precedence(_ map: TensorMap) -> Int { usual.firstIndex(of: map.path) ?? usual.count }

    private static func preferred(_ maps: [TensorMap]) -> Int {
        maps.indices.min { (precedence(maps[$0]), $0) < (precedence(maps[$1]), $1) }!
    }

    /// Throws if an object of an unknown class is where a weight should be.
    private static func checkOpaque(_ map: TensorMap, _ name: (String) -> String?) throws(CheckpointError) {
        for (key, className) in map.opaque.sorted(by: { $0.key < $1.key }) {
            guard let name = name(key) else { continue }
            let endings = [".weight", ".bias", ".weight_g", ".weight_v", ".original0", ".original1"]
            // Functions that make tensors: torch._utils._rebuild_sparse_tensor and its like.
            let isTensor =
                className.hasPrefix("torch.") && (className.contains("._rebuild") || className.hasSuffix("Storage"))
            if isTensor || endings.contains(where: name.hasSuffix) {
                throw .opaqueTensor(name: name, className: className)
            }
        }
    }
}
