import SRDFile
import SRDTensor

/// What a checkpoint holds, whatever its format.
struct Contents {
    private(set) var tensors: [String: FloatTensor] = [:]
    private(set) var types: [String: ElementType] = [:]
    private(set) var epoch: Int?
    private(set) var globalStep: Int?
    /// Where the weights are in the file, in words.
    private(set) var location = ""
    private(set) var warnings: [String] = []

    /// Tensors of a checkpoint. Models have some hundreds; a pickle of more exceeds the limit of instructions.
    private static let mostTensors = 1 << 14

    /// Memory for the tensors is at most four times the file. Whatever else is in the file is not loaded.
    init(_ torch: some TorchFile, fileCount: Int) throws(CheckpointError) {
        epoch = torch.epoch
        globalStep = torch.globalStep
        let found = torch.pickle.tensorMaps()
        let selection = try Selection(found.map(\.map), contents: torch.pickle.contents)
        location = selection.location
        warnings = selection.warnings
        // Shared and expanded tensors could describe more than memory holds.
        var total = 0
        for item in selection.items {
            let (sum, overflow) = total.addingReportingOverflow(
                try found[item.map].tensors[item.index].checkedCount(name: item.name))
            guard !overflow, sum <= fileCount else { throw .tooMuch("values for the file's size", limit: fileCount) }
            total = sum
        }
        // By storage, so that each is found, checked and kept in memory once.
        for (_, items) in Dictionary(grouping: selection.items, by: { found[$0.map].tensors[$0.index].storage.key }) {
            let elements = try torch.elements(of: found[items[0].map].tensors[items[0].index].storage)
            for item in items {
                let tensor = found[item.map].tensors[item.index], count = try tensor.checkedCount(name: item.name)
                let values = elements.withBytes { tensor.values(count: count, elements: $0) }
                try insert(item.name, FloatTensor(shape: tensor.shape, values: values), tensor.storage.type)
            }
        }
    }

    /// The float tensors of one safetensors file, or of several.
    ///
    /// - Parameter parts: the files, each with the names of its tensors, or nil for all of them.
    init(safetensors parts: [(file: Safetensors, names: [String]?)]) throws(CheckpointError) {
        var entries: [(entry: Safetensors.Entry, file: Safetensors)] = [], others: [String] = []
        guard parts.reduce(0, { $0 + ($1.names?.count ?? $1.file.entries.count) }) <= Self.mostTensors else {
            throw .tooMuch("tensors", limit: Self.mostTensors)
        }
        for (file, names) in parts {
            for entry in try names.map({ names throws(CheckpointError) in try Self.entries(names, of: file) })
                ?? Array(file.entries)
            {
                if entry.type.isFloat {
                    entries.append((entry, file))
                } else if others.count < Selection.mostFindings {
                    others.append("\"\(entry.name.printable(limit: 60))\": \(entry.type.rawValue)")
                }
            }
        }
        epoch = parts.first?.file.metadata["epoch"].flatMap { Int($0) }
        globalStep = parts.first?.file.metadata["global_step"].flatMap { Int($0) }
        let maps = entries.isEmpty ? [] : [TensorMap(path: [], names: entries.map(\.entry.name))]
        let selection = try Selection(maps, contents: others)
        location = selection.location
        warnings = selection.warnings
        for item in selection.items {
            let (entry, file) = entries[item.index]
            let values: [Float]
            do throws(SafetensorsError) { values = try file.floats(entry.name) } catch { throw .safetensors(error) }
            try insert(item.name, FloatTensor(shape: entry.shape, values: values), entry.type)
        }
    }

    private static func entries(_ names: [String], of file: Safetensors) throws(CheckpointError) -> [Safetensors.Entry]
    {
        var entries: [Safetensors.Entry] = []
        for name in names {
            guard let entry = file[name] else { throw .safetensors(.missing(key: name)) }
            entries.append(entry)
        }
        return entries
    }

    private mutating func insert(_ name: String, _ tensor: FloatTensor, _ type: ElementType) throws(CheckpointError) {
        let name = WeightNorm.pairName(name)
        guard tensors.updateValue(tensor, forKey: name) == nil else { throw .duplicateTensor(name: name) }
        types[name] = type
    }
}
