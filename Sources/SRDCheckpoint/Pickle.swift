import SRDFile

/// The objects that a pickle describes, as far as a checkpoint needs them.
///
/// Containers are indices into tables, so that shared and self-containing ones need no references, nothing nests in
/// memory, and nothing here recurses.
struct Pickle {
    enum Value {
        case none, bool(Bool), int(Int), float(Double), string(String)
        case bytes(Range<Int>)  // in the file
        case longInteger(Range<Int>)  // of more than 8 bytes, in the file
        case sequence(Int)  // tuple, list, set or torch.Size
        case dictionary(Int)
        case global(Global)
        case storage(Int), tensor(Int)
        /// The result of a class or function that is unknown here.
        case opaque(Int)
    }

    /// A name that a pickle asks for. It selects a rule in `Unpickler.call`; nothing is looked up or run.
    enum Global: Equatable {
        case orderedDict, size, rebuildTensor, rebuildParameter, rebuildFromType
        case storage(ElementType)
        /// Any other; an index into `unknownNames`.
        case unknown(Int)

        static let known: [String: Global] = [
            "collections.OrderedDict": .orderedDict,
            "torch.Size": .size,
            "torch._utils._rebuild_tensor_v2": .rebuildTensor,
            "torch._utils._rebuild_parameter": .rebuildParameter,
            "torch._utils._rebuild_parameter_with_state": .rebuildParameter,
            "torch._tensor._rebuild_from_type_v2": .rebuildFromType,
            "torch.DoubleStorage": .storage(.f64),
            "torch.FloatStorage": .storage(.f32),
            "torch.HalfStorage": .storage(.f16),
            "torch.BFloat16Storage": .storage(.bf16),
            "torch.LongStorage": .storage(.i64),
            "torch.IntStorage": .storage(.i32),
            "torch.ShortStorage": .storage(.i16),
            "torch.CharStorage": .storage(.i8),
            "torch.ByteStorage": .storage(.u8),
            "torch.BoolStorage": .storage(.bool),
        ]
    }

    /// Elements kept outside the pickle, or a part of them.
    struct Storage: Equatable {
        let key: String
        let type: ElementType
        let wholeCount: Int  // elements kept under `key`
        let part: Range<Int>  // of those, what tensors may see
    }

    /// Sizes as the pickle gives them, not yet checked against the storage.
    struct Tensor {
        let storage: Storage
        let offset: Int
        let shape: [Int], strides: [Int]  // not negative, equally many
    }

    /// An object whose class is unknown: its name, and what was put into it as into a dict.
    struct Opaque {
        let name: Int  // in `unknownNames`
        var members: [Member] = []
        /// The attributes given to it (BUILD).
        var state = Value.none
    }

    typealias Member = (key: Value, value: Value)

    var sequences: [[Value]] = []
    var dictionaries: [[Member]] = []
    var storages: [Storage] = []
    var wholes: [String: Storage] = [:]  // any of each key, for type and whole count, in which all of a key agree
    var tensors: [Tensor] = []
    var opaques: [Opaque] = []
    var unknownNames: [String] = []
    var root = Value.none
    /// The end of the pickle, in bytes of the file.
    var end = 0
}

extension Pickle {
    /// The members of a dictionary, or of an object that was filled like one; nil for any other value.
    func members(_ value: Value?) -> [Member]? {
        switch value {
        case .dictionary(let index)?: dictionaries[index]
        case .opaque(let index)? where !opaques[index].members.isEmpty: opaques[index].members
        default: nil
        }
    }

    func sequence(_ value: Value?) -> [Value]? {
        guard case .sequence(let index)? = value else { return nil }
        return sequences[index]
    }

    /// The value under a string key. As in Python the last assignment counts.
    func member(_ key: String, of value: Value?) -> Value? {
        members(value)?.last { $0.key.string == key }?.value
    }

    /// The class or function that made an opaque value.
    func className(_ value: Value) -> String? {
        guard case .opaque(let index) = value else { return nil }
        return unknownNames[opaques[index].name]
    }

    /// What a value is, for a message.
    func kind(_ value: Value) -> String {
        if let name = className(value) { return name.printable(limit: 60) }
        if case .global(.unknown(let index)) = value { return unknownNames[index].printable(limit: 60) }
        if let members = members(value) { return "a dict of \(members.count)" }
        return value.kind
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
        case .opaque: "an object"
        }
    }
}
