import SRDFile

/// The meaning of the classes and functions that a pickle names.
extension Unpickler {
    /// The value of `function(*arguments)`.
    mutating func call(_ function: Pickle.Value, _ arguments: [Pickle.Value]) throws(CheckpointError) -> Pickle.Value {
        switch function {
        case .global(let global): return try call(global, arguments)
        case .opaque(let index): return opaque(pickle.opaques[index].name)
        default: throw malformed("a call of \(function.kind)")
        }
    }

    /// The value of `class.__new__(class, *arguments)`.
    mutating func new(_ type: Pickle.Value, _ arguments: Pickle.Value) throws(CheckpointError) -> Pickle.Value {
        guard pickle.sequence(arguments) != nil else { throw malformed("a new object with \(arguments.kind)") }
        switch type {
        case .global(.unknown(let name)): return opaque(name)
        case .opaque(let index): return opaque(pickle.opaques[index].name)
        case .global(.orderedDict): return newDictionary()
        default: throw malformed("a new object of \(type.kind)")
        }
    }

    private mutating func call(_ global: Pickle.Global, _ arguments: [Pickle.Value]) throws(CheckpointError)
        -> Pickle.Value
    {
        switch global {
        case .unknown(let name): return opaque(name)
        case .orderedDict:
            guard arguments.isEmpty else { throw malformed("OrderedDict with arguments") }
            return newDictionary()
        case .size:
            guard arguments.count == 1, pickle.sequence(arguments[0]) != nil else {
                throw malformed("torch.Size of no list")
            }
            return arguments[0]
        case .rebuildTensor: return try tensor(arguments)
        case .rebuildParameter:  // data, requires_grad, backward_hooks
            switch arguments.first {
            case .tensor?, .opaque?: return arguments[0]
            default: throw malformed("a parameter that is no tensor")
            }
        case .rebuildFromType:  // a function, the tensor's class, the function's arguments, attributes
            guard arguments.count == 4, let inner = pickle.sequence(arguments[2]) else {
                throw malformed("a tensor of a class without function and arguments")
            }
            if case .global(.rebuildFromType) = arguments[0] { throw malformed("a tensor of a class inside another") }
            return try call(arguments[0], inner)
        case .storage: throw malformed("a storage inside the pickle")
        }
    }

    /// Arguments: storage, offset, size, stride, requires_grad, backward_hooks.
    private mutating func tensor(_ arguments: [Pickle.Value]) throws(CheckpointError) -> Pickle.Value {
        if case .opaque? = arguments.first { return arguments[0] }  // a storage of an unknown element type
        guard arguments.count >= 4, case .storage(let index) = arguments[0], let offset = arguments[1].int,
            let shape = try dimensions(arguments[2]), let strides = try dimensions(arguments[3])
        else {
            throw malformed("a tensor is not made of storage, offset, size and stride")
        }
        guard offset >= 0, shape.count == strides.count, (shape + strides).allSatisfy({ $0 >= 0 }) else {
            throw malformed("a tensor of size \(shape), stride \(strides), offset \(offset)")
        }
        pickle.tensors.append(.init(storage: pickle.storages[index], offset: offset, shape: shape, strides: strides))
        return .tensor(pickle.tensors.count - 1)
    }

    /// A persistent id: ("storage", class, key, location, count) and, in older files, None or the (key, offset, count)
    /// of a part.
    mutating func value(persistentID: Pickle.Value) throws(CheckpointError) -> Pickle.Value {
        guard let id = pickle.sequence(persistentID), id.count == 5 || id.count == 6, id[0].string == "storage",
            let key = id[2].string, let count = id[4].int, count >= 0
        else { throw malformed("a persistent id that is no storage") }
        if case .global(.unknown(let name)) = id[1] { return opaque(name) }
        guard case .global(.storage(let type)) = id[1] else { throw malformed("a persistent id that is no storage") }
        var part = 0..<count
        if id.count == 6, let view = pickle.sequence(id[5]) {
            guard view.count == 3, let first = view[1].int, let partCount = view[2].int,
                first >= 0, partCount >= 0, first <= count, partCount <= count - first
            else {
                throw malformed("a part outside storage \"\(key)\"")
            }
            part = first..<first + partCount
        }
        let storage = Pickle.Storage(key: key, type: type, wholeCount: count, part: part)
        let whole = pickle.wholes[key] ?? storage
        guard whole.type == type, whole.wholeCount == count else {
            throw malformed("storage \"\(key)\" is described in two ways")
        }
        pickle.wholes[key] = whole
        pickle.storages.append(storage)
        return .storage(pickle.storages.count - 1)
    }

    /// nil unless a list of integers. Its length is checked first: a long one may be shared by many tensors.
    private func dimensions(_ value: Pickle.Value) throws(CheckpointError) -> [Int]? {
        guard let values = pickle.sequence(value) else { return nil }
        guard values.count <= Self.mostDimensions else { throw .tooMuch("dimensions", limit: Self.mostDimensions) }
        let integers = values.compactMap(\.int)
        return integers.count == values.count ? integers : nil
    }

    private mutating func opaque(_ name: Int) -> Pickle.Value {
        pickle.opaques.append(.init(name: name))
        return .opaque(pickle.opaques.count - 1)
    }
}
