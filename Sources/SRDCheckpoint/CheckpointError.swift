import SRDFile
import SRDModel

/// Why a file is not a checkpoint we can use. Offsets count bytes from the start of the pickle or of the file.
public enum CheckpointError: Error, Equatable, CustomStringConvertible, Sendable {
    /// Neither a torch pickle, a torch zip nor safetensors; with its first bytes, printable.
    case notACheckpoint(startsWith: String)
    /// A file of another kind, and what to do with it.
    case foreign(ForeignFormat)
    case truncated(what: String, needs: Int, has: Int)
    case unsupported(String)
    /// Bytes that contradict the format: what, and where.
    case malformed(String, at: Int)

    case unknownOpcode(UInt8, at: Int)
    /// More than any checkpoint needs, or than the file could hold.
    case tooMuch(String, limit: Int)

    case badChecksum(member: String)
    case missingStorage(key: String)
    case wrongStorageSize(key: String, found: Int, expected: Int)

    /// A tensor reaches outside its storage.
    case tensorOutsideStorage(name: String, shape: [Int], strides: [Int], offset: Int, storageCount: Int)
    /// A weight is an object of a class that only its own program could make. Nothing in a checkpoint is ever run.
    case opaqueTensor(name: String, className: String)
    case duplicateTensor(name: String)
    case weightNormPair(name: String, g: [Int]?, v: [Int]?)
    /// No float tensor has a name; `found` says what the file holds instead.
    case noTensors(found: [String])
    /// The tensors are not those of an SRDiff model.
    case notAModel(ModelError, found: [String])

    /// What is wrong with the index of a model in several files.
    case index(String)
    /// What is wrong with one of these files.
    indirect case shard(name: String, CheckpointError)

    case safetensors(SafetensorsError)
    case file(FileError)

    public var description: String {
        switch self {
        case .notACheckpoint(let start):
            "not a checkpoint (starts with \"\(start)\", expected a torch pickle, a torch zip or safetensors)"
        case .foreign(let format): "\(format.name), not a checkpoint. \(format.advice)"
        case .truncated(let what, let needs, let has):
            "the file is truncated: \(what.printable) (\(has) bytes, expected \(needs))"
        case .unsupported(let what): "\(what.printable) is not supported"
        case .malformed(let what, let offset): "damaged at byte \(offset): \(what.printable)"
        case .unknownOpcode(let code, let offset):
            "unknown pickle opcode 0x\(String(code, radix: 16)) at byte \(offset)"
        case .tooMuch(let what, let limit): "too many \(what): at most \(limit) are allowed"
        case .badChecksum(let member): "\(member.printable) is damaged: its CRC-32 differs"
        case .missingStorage(let key): "storage \"\(key.printable)\" is missing"
        case .wrongStorageSize(let key, let found, let expected):
            "storage \"\(key.printable)\" has the wrong size (\(found) bytes, expected \(expected))"
        case .tensorOutsideStorage(let name, let shape, let strides, let offset, let count):
            """
            tensor "\(name.printable)" of shape \(shape), strides \(strides), offset \(offset) exceeds \
            its storage of \(count) elements
            """
        case .opaqueTensor(let name, let className):
            "tensor \"\(name.printable)\" is made by \(className.printable), which is not supported. "
                + "Save model.state_dict() with plain tensors."
        case .duplicateTensor(let name): "tensor \"\(name.printable)\" occurs twice"
        case .weightNormPair(let name, let g, let v):
            """
            "\(name.printable)_g" (\(Self.shape(g))) and "\(name.printable)_v" \
            (\(Self.shape(v))) are no weight-norm pair
            """
        case .noTensors(let found):
            "no named float tensors (found \(Self.list(found))). Save model.state_dict() or a dict that contains it."
        case .notAModel(let error, let found): "\(error) (found \(Self.list(found)))"
        case .index(let what): what
        case .shard(let name, let error): "\(name.printable): \(error)"
        case .safetensors(let error): error.description
        case .file(let error): error.description
        }
    }

    private static func shape(_ shape: [Int]?) -> String { shape.map { "shape \($0)" } ?? "missing" }

    /// `found` is bounded where it is made.
    private static func list(_ found: [String]) -> String { found.isEmpty ? "nothing" : found.joined(separator: ", ") }
}
