import SRDFile
import SRDModel
import SRDTensor

/// The float tensors of a trained model, under the names its code gave them.
public struct Checkpoint: Sendable {
    public enum Format: String, Sendable {
        case legacyPickle = "torch pickle", torchZip = "torch zip", safetensors
        case shardedSafetensors = "safetensors in several files"
    }

    public let format: Format
    /// Without the prefixes of training wrappers, and with weight normalization folded in. Shapes are the checkpoint's:
    /// [outC, inC, h, w] for a convolution.
    public let tensors: [String: FloatTensor]
    /// How the file stores each tensor. For weight normalization, how it stores the direction (`X.weight_v`).
    public let types: [String: ElementType]
    public let epoch: Int?
    public let globalStep: Int?
    /// The SHA-256 of the whole file, 64 hexadecimal digits. For several files, see `ShardedModel.sha256`.
    public let sourceSHA256: String
    /// Where the weights are in the file, in words: `in "state_dict" with prefix "model."`.
    public let location: String
    /// The files that were read.
    public let paths: [String]
    /// What a user should know about the weights that were chosen, one sentence each without a full stop.
    public let warnings: [String]

    /// Reads a torch pickle, a torch zip, a safetensors file, or a model in several safetensors files, given by their
    /// index or folder. Nothing in a file is executed.
    ///
    /// Throws `FileError` or `CheckpointError`.
    public static func read(_ path: String) throws -> Checkpoint {
        guard let index = try ShardedModel.indexPath(path) else { return try Checkpoint(MappedFile(path: path)) }
        let model = try ShardedModel(indexAt: index)
        return try Checkpoint(.shardedSafetensors, model.contents(), sourceSHA256: model.sha256(), paths: model.paths)
    }

    /// Reads a file that is open. Memory for the tensors is at most four times the file; whatever else is in the file
    /// is not loaded.
    public init(_ file: MappedFile) throws(CheckpointError) {
        let format = try Format(of: file)
        switch format {
        case .legacyPickle: try self.init(format, Contents(TorchLegacyFile(file), fileCount: file.count), of: file)
        case .torchZip: try self.init(format, Contents(TorchZipFile(file), fileCount: file.count), of: file)
        case .safetensors, .shardedSafetensors: try self.init(Self.open(file))
        }
    }

    /// Reads the float tensors of a safetensors file that is open.
    public init(_ safetensors: Safetensors) throws(CheckpointError) {
        try self.init(.safetensors, Contents(safetensors: [(safetensors, nil)]), of: safetensors.file)
    }

    private init(_ format: Format, _ contents: Contents, of file: MappedFile) throws(CheckpointError) {
        let hash: String
        do throws(FileError) { hash = try file.sha256() } catch { throw .file(error) }
        try self.init(format, contents, sourceSHA256: hash, paths: [file.path])
    }

    private init(
        _ format: Format, _ contents: Contents, sourceSHA256: String, paths: [String]
    ) throws(CheckpointError) {
        let tensors = try WeightNorm.folded(contents.tensors), types = contents.types
        self.format = format
        self.tensors = tensors
        self.types = types.merging(tensors.keys.compactMap { name in types["\(name)_v"].map { (name, $0) } }) {
            stored, _ in stored
        }
        epoch = contents.epoch
        globalStep = contents.globalStep
        self.sourceSHA256 = sourceSHA256
        location = contents.location
        self.paths = paths
        let schedule = tensors["betas"] == nil ? nil : try? NoiseSchedule(tensors: tensors)
        warnings = contents.warnings + (schedule?.warning.map { [$0] } ?? [])
    }

    /// The SRDiff model in the checkpoint. Throws `.notAModel`, which lists what was found, if it is none.
    public func model() throws(CheckpointError) -> Model {
        do throws(ModelError) {
            return try Model(tensors: tensors)
        } catch {
            throw .notAModel(error, found: found)
        }
    }

    /// Some of the tensors, for a message.
    private var found: [String] {
        let names = tensors.keys.sorted().prefix(Selection.mostFindings).map { "\"\($0.printable(limit: 60))\"" }
        return ["\(tensors.count) tensor\(tensors.count == 1 ? "" : "s") \(location)"] + names
            + (tensors.count > names.count ? ["…"] : [])
    }

    /// Writes the tensors as F32, with epoch, step and the source's SHA-256 added to the metadata.
    public func writeSafetensors(to path: String, metadata: [String: String] = [:]) throws(FileError) {
        var metadata = metadata
        metadata["source_sha256"] = sourceSHA256
        metadata["epoch"] = epoch.map(String.init)
        metadata["global_step"] = globalStep.map(String.init)
        try Safetensors.write(tensors.map { SafetensorsTensor($0.key, $0.value) }, metadata: metadata, to: path)
    }

    private static func open(_ file: MappedFile) throws(CheckpointError) -> Safetensors {
        do throws(SafetensorsError) { return try Safetensors(file) } catch { throw .safetensors(error) }
    }
}

extension Checkpoint.Format {
    fileprivate init(of file: MappedFile) throws(CheckpointError) {
        let head = try file.read(0..<min(file.count, 4096))
        self = try head.withBytes { bytes throws(CheckpointError) in
            // First safetensors: the length before its header may look like anything.
            if bytes.count > 8, bytes[8] == UInt8(ascii: "{"), bytes[7] == 0 { return .safetensors }
            if bytes.starts(with: "PK".utf8) { return .torchZip }
            if bytes.first == 0x80 { return .legacyPickle }  // the first instruction of every pickle since protocol 2
            if let foreign = ForeignFormat(bytes, fileCount: file.count) { throw .foreign(foreign) }
            if SafetensorsIndex.recognizes(file) {
                throw .index(
                    """
                    an index or another JSON file. Pass the path of a \(SafetensorsIndex.suffix) \
                    file in the folder of its files.
                    """
                )
            }
            let start = bytes.prefix(32).map { 0x20..<0x7f ~= $0 ? String(Unicode.Scalar($0)) : "." }
            throw .notACheckpoint(startsWith: start.joined())
        }
    }
}
