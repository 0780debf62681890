import SRDFile

/// What a pickle describes, as far as a checkpoint needs it.
///
/// Containers are indices into tables, so that shared and self-containing ones need no references, nothing nests in
/// memory, and nothing here recurses.
struct Pickle {
    enum Value {
        case none, bool(Bool), int(Int), float(Double), string(String)
        case bytes(Range<Int>)             // in the file
        case longInteger(Range<Int>)       // of more than 8 bytes, in the file
        case sequence(Int)                 // tuple, list or torch.Size
        case dictionary(Int)
        case global(Global)
        case storage(Int), tensor(Int)
    }

    /// The only names a pickle may ask for. They select a rule in `Unpickler.call`; nothing is looked up or run.
    enum Global: Equatable {
        case orderedDict, size, rebuildTensor, rebuildParameter
        case storage(ElementType)

        static let allowed: [String: Global] = [
            "collections.OrderedDict": .orderedDict,
            "torch.Size": .size,
            "torch._utils._rebuild_tensor_v2": .rebuildTensor,
            "torch._utils._rebuild_parameter": .rebuildParameter,
            "torch.DoubleStorage": .storage(.f64),
            "torch.FloatStorage": .storage(.f32),
            "torch.HalfStorage": .storage(.f16),
            "torch.BFloat16Storage": .storage(.bf16),
            "torch.LongStorage": .storage(.i64),
            "torch.IntStorage": .storage(.i32),
            "torch.ShortStorage": .storage(.i16),
            "torch.CharStorage": .storage(.i8),
            "torch.ByteStorage": .storage(.u8),
            "torch.BoolStorage": .storage(.bool)
        ]
    }

    /// A run of elements kept outside the pickle, or a part of one.
    struct Storage: Equatable {
        let key: String
        let type: ElementType
        let wholeCount: Int        // elements kept under `key`
        let part: Range<Int>       // of those, what tensors may see
    }

    /// Sizes as the pickle gives them, not yet checked against the storage.
    struct Tensor {
        let storage: Storage
        let offset: Int
        let shape: [Int], strides: [Int]       // not negative, equally many
    }

    typealias Member = (key: Value, value: Value)

    var sequences: [[Value]] = []
    var dictionaries: [[Member]] = []
    var storages: [Storage] = []
    var wholes: [String: Storage] = [:]        // any of each key, for type and whole count, in which all of a key agree
    var tensors: [Tensor] = []
    var root = Value.none
    /// Where the pickle stops, in bytes of the file.
    var end = 0
}

extension Pickle {
    /// Members of a dictionary; nil for any other value.
    func members(_ value: Value?) -> [Member]? {
        guard case .dictionary(let index)? = value else { return nil }
        return dictionaries[index]
    }

    func sequence(_ value: Value?) -> [Value]? {
        guard case .sequence(let index)? = value else { return nil }
        return sequences[index]
    }

    /// What a dictionary holds under a string; as in Python the last assignment counts.
    func member(_ key: String, of value: Value?) -> Value? {
        members(value)?.last { $0.key.string == key }?.value
    }
}

extension Pickle.Value {
    var string: String? { if case .string(let text) = self { text } else { nil } }
    var int: Int? { if case .int(let value) = self { value } else { nil } }

    var kind: String {
        switch self {
        case .none: "None"
        case .bool: "a bool"
        case .int, .longInteger: "an integer"
        case .float: "a float"
        case .string: "a string"
        case .bytes: "bytes"
        case .sequence: "a list"
        case .dictionary: "a dict"
        case .global: "a class"
        case .storage: "a storage"
        case .tensor: "a tensor"
        }
    }
}
