/// The name of a tensor in a checkpoint, taken apart into the wrapper that training code put around the model and the
/// model's own name.
struct WeightName {
    /// The wrapper: "module._orig_mod.", "model.", "ema_model." or "".
    let prefix: Substring
    /// The model's own name, without the wrappers of parts of it.
    let name: String

    /// Every SRDiff model has tensors of these names; all of its names stand behind the same prefix.
    private static let landmark = "denoise_fn."
    /// Longer names are not a model's; looking through their components could take long.
    private static let longest = 1024

    /// Models that are told apart in one map.
    private static let mostPrefixes = 64

    /// The prefixes of the SRDiff models among these names, longest first.
    static func prefixes(in names: [String]) -> [Substring] {
        var prefixes: Set<Substring> = []
        for name in names where name.utf8.count <= longest && prefixes.count < mostPrefixes {
            guard let start = start(of: landmark, in: name) else { continue }
            prefixes.insert(name[..<start])
        }
        return prefixes.sorted { ($1.utf8.count, $0) < ($0.utf8.count, $1) }
    }

    /// The position of a dotted name inside another, at the start of a component.
    private static func start(of part: String, in name: String) -> String.Index? {
        let bytes = name.utf8, part = part.utf8
        var start = bytes.startIndex
        while true {
            if bytes[start...].starts(with: part) { return start }
            guard let dot = bytes[start...].firstIndex(of: UInt8(ascii: ".")) else { return nil }
            start = bytes.index(after: dot)
        }
    }

    /// Takes apart a name of a model with one of these prefixes, the first that fits; nil if none does.
    init?(_ name: String, prefixes: [Substring]) {
        guard name.utf8.count <= Self.longest, let prefix = prefixes.first(where: { name.utf8.starts(with: $0.utf8) })
        else { return nil }
        let end = name.utf8.index(name.startIndex, offsetBy: prefix.utf8.count)
        self.prefix = prefix
        // torch.compile and data-parallel wrappers of a part of the model.
        let components = name[end...].split(separator: ".", omittingEmptySubsequences: false)
        self.name =
            components.contains("_orig_mod") || components.contains("module")
            ? components.filter { $0 != "_orig_mod" && $0 != "module" }.joined(separator: ".") : String(name[end...])
    }

    /// A name without the wrappers of `torch.compile` and data-parallel training in front, for models of any kind.
    static func unwrapped(_ name: String) -> String {
        var rest = name[...]
        while let wrapper = ["module.", "_orig_mod."].first(where: rest.hasPrefix) {
            rest = rest.dropFirst(wrapper.count)
        }
        return String(rest)
    }

    /// Whether a dict key or prefix says that it holds averaged weights: "params_ema", "model_ema.", "swa_state_dict".
    static func isAverage(_ text: some StringProtocol) -> Bool {
        text.lowercased().split { !$0.isLetter }.contains { ["ema", "swa", "averaged", "shadow"].contains($0) }
    }

    /// Whether a prefix stands for the weights that an average follows, in the state of the average.
    static func isOnline(_ text: some StringProtocol) -> Bool {
        text.lowercased().split { !$0.isLetter }.contains("online")
    }
}
