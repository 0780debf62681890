import SRDFile

/// Why a file is not a checkpoint we can use. Offsets count bytes from the start of the pickle or file they speak of.
public enum CheckpointError: Error, Equatable, CustomStringConvertible, Sendable {
    /// Neither a torch pickle, a torch zip nor safetensors; with its first bytes, printable.
    case notACheckpoint(startsWith: String)
    case truncated(what: String, needs: Int, has: Int)
    case unsupported(String)
    /// Bytes that contradict the format: what, and where.
    case malformed(String, at: Int)

    /// A class or function that only its own program could give a meaning to. Nothing in a checkpoint is ever run.
    case unknownGlobal(String, at: Int)
    case unknownOpcode(UInt8, at: Int)
    /// More than any checkpoint needs, or than the file could hold.
    case tooMuch(String, limit: Int)

    case badChecksum(member: String)
    case missingStorage(key: String)
    case wrongStorageSize(key: String, found: Int, expected: Int)

    /// A tensor reaches outside its storage.
    case tensorOutsideStorage(name: String, shape: [Int], strides: [Int], offset: Int, storageCount: Int)
    case duplicateTensor(name: String)
    case weightNormPair(name: String, g: [Int]?, v: [Int]?)
    case noTensors

    case safetensors(SafetensorsError)

    public var description: String {
        switch self {
        case .notACheckpoint(let start): "not a checkpoint (torch pickle, torch zip or safetensors): it starts with \"\(start)\""
        case .truncated(let what, let needs, let has): "file is cut short: \(what) needs \(needs) bytes, \(has) are there"
        case .unsupported(let what): "\(what) is not supported"
        case .malformed(let what, let offset): "damaged at byte \(offset): \(what)"
        case .unknownGlobal(let name, let offset):
            "the pickle asks for \(name) at byte \(offset), which is not allowed: save the bare {name: tensor} map"
        case .unknownOpcode(let code, let offset): "unknown pickle opcode 0x\(String(code, radix: 16)) at byte \(offset)"
        case .tooMuch(let what, let limit): "too many \(what): at most \(limit) are allowed"
        case .badChecksum(let member): "\(member) is damaged: its CRC-32 differs"
        case .missingStorage(let key): "storage \"\(key)\" is missing"
        case .wrongStorageSize(let key, let found, let expected): "storage \"\(key)\" has \(found) bytes, expected \(expected)"
        case .tensorOutsideStorage(let name, let shape, let strides, let offset, let count):
            "tensor \"\(name)\" of shape \(shape), strides \(strides), offset \(offset) does not fit its storage of \(count) elements"
        case .duplicateTensor(let name): "tensor \"\(name)\" comes twice"
        case .weightNormPair(let name, let g, let v):
            "\"\(name)_g\" (\(Self.shape(g))) and \"\(name)_v\" (\(Self.shape(v))) are no weight-norm pair"
        case .noTensors: "no named float tensors in it"
        case .safetensors(let error): error.description
        }
    }

    private static func shape(_ shape: [Int]?) -> String { shape.map { "shape \($0)" } ?? "missing" }
}
