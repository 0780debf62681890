import SRDFile
import SRDTensor

/// The float tensors of a trained model, under the names its code gave them.
public struct Checkpoint: Sendable {
    public enum Format: String, Sendable {
        case legacyPickle = "torch pickle", torchZip = "torch zip", safetensors
    }

    public let format: Format
    /// Without `module.` prefixes, weight normalisation folded in. Shapes are the checkpoint's, convolutions [outC, inC, h, w].
    public let tensors: [String: FloatTensor]
    /// How the file stores each; of a weight normalisation's pair, `X.weight`, as it stores `X.weight_v`.
    public let types: [String: ElementType]
    public let epoch: Int?
    public let globalStep: Int?
    /// Of the whole file, 64 hexadecimal digits.
    public let sourceSHA256: String

    /// Reads a torch pickle, a torch zip or a safetensors file, whichever it is; nothing in it is executed.
    /// Throws `FileError` or `CheckpointError`.
    public static func read(_ path: String) throws -> Checkpoint {
        try Checkpoint(MappedFile(path: path))
    }

    /// Memory for the tensors is at most four times the file; whatever else is in the file is not loaded.
    public init(_ file: MappedFile) throws(CheckpointError) {
        format = try file.withBytes(Format.init(of:))
        let contents = switch format {
        case .legacyPickle: try file.withBytes(Contents.init(legacyPickle:))
        case .torchZip: try file.withBytes(Contents.init(torchZip:))
        case .safetensors: try Contents(safetensors: file)
        }
        let tensors = try WeightNorm.folded(contents.tensors), types = contents.types
        self.tensors = tensors
        self.types = types.merging(tensors.keys.compactMap { name in types["\(name)_v"].map { (name, $0) } }) { stored, _ in stored }
        epoch = contents.epoch
        globalStep = contents.globalStep
        sourceSHA256 = file.withBytes { SHA256.hex($0) }
    }

    /// Writes the tensors as F32, with epoch, step and the source's SHA-256 added to the metadata.
    public func writeSafetensors(to path: String, metadata: [String: String] = [:]) throws(FileError) {
        var metadata = metadata
        metadata["source_sha256"] = sourceSHA256
        metadata["epoch"] = epoch.map(String.init)
        metadata["global_step"] = globalStep.map(String.init)
        try Safetensors.write(tensors.map { SafetensorsTensor($0.key, $0.value) }, metadata: metadata, to: path)
    }
}

extension Checkpoint.Format {
    fileprivate init(of bytes: UnsafeRawBufferPointer) throws(CheckpointError) {
        if bytes.count > 8, bytes[8] == UInt8(ascii: "{") {     // first: the length before it may look like anything
            self = .safetensors
        } else if bytes.starts(with: "PK".utf8) {
            self = .torchZip
        } else if bytes.first == 0x80 {        // the first instruction of every pickle since protocol 2
            self = .legacyPickle
        } else {
            let start = bytes.prefix(32).map { 0x20..<0x7f ~= $0 ? String(Unicode.Scalar($0)) : "." }
            throw .notACheckpoint(startsWith: start.joined())
        }
    }
}

/// What every format comes down to.
private struct Contents {
    var tensors: [String: FloatTensor] = [:]
    var types: [String: ElementType] = [:]
    var epoch: Int?
    var globalStep: Int?

    init(legacyPickle bytes: UnsafeRawBufferPointer) throws(CheckpointError) {
        try self.init(try TorchLegacyFile(bytes), fileCount: bytes.count)
    }

    init(torchZip bytes: UnsafeRawBufferPointer) throws(CheckpointError) {
        try self.init(try TorchZipFile(bytes), fileCount: bytes.count)
    }

    private init(_ torch: some TorchFile, fileCount: Int) throws(CheckpointError) {
        epoch = torch.epoch
        globalStep = torch.globalStep
        let named = try torch.namedTensors()
        // Shared and expanded tensors could describe more than memory holds.
        var total = 0
        for (name, tensor) in named {
            let (sum, overflow) = total.addingReportingOverflow(try tensor.checkedCount(name: name))
            guard !overflow, sum <= fileCount else { throw .tooMuch("values for the file's size", limit: fileCount) }
            total = sum
        }
        var elements: [String: UnsafeRawBufferPointer] = [:]       // by storage: each is found and checked once
        for (name, tensor) in named {
            let key = tensor.storage.key
            if elements[key] == nil { elements[key] = try torch.elements(of: tensor.storage) }
            let values = tensor.values(count: try tensor.checkedCount(name: name), elements: elements[key]!)
            try insert(name, FloatTensor(shape: tensor.shape, values: values), tensor.storage.type)
        }
    }

    init(safetensors file: MappedFile) throws(CheckpointError) {
        var named: [(name: String, tensor: FloatTensor, type: ElementType)] = []
        do throws(SafetensorsError) {
            let safetensors = try Safetensors(file)
            epoch = safetensors.metadata["epoch"].flatMap { Int($0) }
            globalStep = safetensors.metadata["global_step"].flatMap { Int($0) }
            for entry in safetensors.entries where entry.type.isFloat {
                named.append((entry.name, try safetensors.tensor(entry.name), entry.type))
            }
        } catch {
            throw .safetensors(error)
        }
        if named.isEmpty { throw .noTensors }
        for (name, tensor, type) in named { try insert(name, tensor, type) }
    }

    /// Data-parallel training puts `module.` before every name.
    private mutating func insert(_ name: String, _ tensor: FloatTensor, _ type: ElementType) throws(CheckpointError) {
        let name = name.hasPrefix("module.") ? String(name.dropFirst("module.".count)) : name
        guard tensors.updateValue(tensor, forKey: name) == nil else { throw .duplicateTensor(name: name) }
        types[name] = type
    }
}
