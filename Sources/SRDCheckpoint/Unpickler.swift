import SRDFile

/// Reads one pickle of protocol 2–5: a little stack machine, of which we know only the instructions checkpoints use.
struct Unpickler {
    /// Instructions per pickle. A tensor takes about 60, so this is for some 16,000 of them; and since each makes at
    /// most one small object, it bounds memory too.
    static let mostInstructions = 1 << 20
    /// Dimensions of a tensor; weights have four.
    static let mostDimensions = 8

    private var reader: ByteReader
    private var pickle = Pickle()
    private var stack: [Pickle.Value] = []
    private var marks: [Int] = []          // heights of the stack, ascending
    private var memo: [Int: Pickle.Value] = [:]
    private var start = 0                  // of the instruction being carried out

    private init(_ reader: ByteReader) { self.reader = reader }

    /// The pickle that starts at `position`.
    static func read(_ bytes: UnsafeRawBufferPointer, at position: Int) throws(CheckpointError) -> Pickle {
        var machine = Unpickler(try ByteReader(bytes, at: position, of: "the pickle"))
        for _ in 0..<mostInstructions {
            machine.start = machine.reader.position
            let code = try machine.reader.integer(UInt8.self)
            guard let opcode = Opcode(rawValue: code) else { throw .unknownOpcode(code, at: machine.start) }
            if opcode == .stop {
                machine.pickle.root = try machine.pop()
                machine.pickle.end = machine.reader.position
                return machine.pickle
            }
            try machine.carryOut(opcode)
        }
        throw .tooMuch("pickle instructions", limit: mostInstructions)
    }

    /// Names and codes of Python's pickletools.
    private enum Opcode: UInt8 {
        case proto = 0x80, frame = 0x95, stop = 0x2e
        case mark = 0x28, pop = 0x30, popMark = 0x31, dup = 0x32
        case none = 0x4e, newTrue = 0x88, newFalse = 0x89
        case binInt = 0x4a, binInt1 = 0x4b, binInt2 = 0x4d, long1 = 0x8a, long4 = 0x8b, binFloat = 0x47
        case binUnicode = 0x58, shortBinUnicode = 0x8c, binUnicode8 = 0x8d, binString = 0x54, shortBinString = 0x55
        case binBytes = 0x42, shortBinBytes = 0x43, binBytes8 = 0x8e
        case emptyTuple = 0x29, tuple = 0x74, tuple1 = 0x85, tuple2 = 0x86, tuple3 = 0x87
        case emptyList = 0x5d, append = 0x61, appends = 0x65
        case emptyDict = 0x7d, setItem = 0x73, setItems = 0x75
        case binPut = 0x71, longBinPut = 0x72, memoize = 0x94, binGet = 0x68, longBinGet = 0x6a
        case global = 0x63, stackGlobal = 0x93, reduce = 0x52, build = 0x62, binPersID = 0x51
    }

    private mutating func carryOut(_ opcode: Opcode) throws(CheckpointError) {
        switch opcode {
        case .stop: break
        case .proto:
            let version = try reader.integer(UInt8.self)
            guard (2...5).contains(version) else { throw .unsupported("pickle protocol \(version)") }
        case .frame: _ = try reader.integer(UInt64.self)       // a hint for readers of streams

        case .mark: marks.append(stack.count)
        case .pop: _ = try pop()
        case .popMark: _ = try popToMark()
        case .dup: stack.append(try top())

        case .none: stack.append(.none)
        case .newTrue: stack.append(.bool(true))
        case .newFalse: stack.append(.bool(false))
        case .binInt: stack.append(.int(Int(try reader.integer(Int32.self))))
        case .binInt1: stack.append(.int(Int(try reader.integer(UInt8.self))))
        case .binInt2: stack.append(.int(Int(try reader.integer(UInt16.self))))
        case .long1: stack.append(integer(try reader.take(countedBy: UInt8.self)))
        case .long4: stack.append(integer(try reader.take(countedBy: Int32.self)))
        case .binFloat: stack.append(.float(Double(bitPattern: try reader.integer(UInt64.self).byteSwapped)))

        case .shortBinUnicode, .shortBinString: stack.append(.string(try reader.text(try reader.take(countedBy: UInt8.self))))
        case .binUnicode: stack.append(.string(try reader.text(try reader.take(countedBy: UInt32.self))))
        case .binUnicode8: stack.append(.string(try reader.text(try reader.take(countedBy: UInt64.self))))
        case .binString: stack.append(.string(try reader.text(try reader.take(countedBy: Int32.self))))
        case .shortBinBytes: stack.append(.bytes(try reader.take(countedBy: UInt8.self)))
        case .binBytes: stack.append(.bytes(try reader.take(countedBy: UInt32.self)))
        case .binBytes8: stack.append(.bytes(try reader.take(countedBy: UInt64.self)))

        case .emptyTuple, .emptyList: pushSequence([])
        case .tuple: pushSequence(try popToMark())
        case .tuple1: pushSequence([try pop()])
        case .tuple2: pushSequence([try pop(), try pop()].reversed())
        case .tuple3: pushSequence([try pop(), try pop(), try pop()].reversed())
        case .append:
            let item = try pop()
            pickle.sequences[try topSequence()].append(item)
        case .appends:
            let items = try popToMark()
            pickle.sequences[try topSequence()] += items

        case .emptyDict: pushDictionary()
        case .setItem:
            let value = try pop(), key = try pop()
            pickle.dictionaries[try topDictionary()].append((key, value))
        case .setItems:
            let items = try popToMark()
            let dictionary = try topDictionary()
            guard items.count.isMultiple(of: 2) else { throw malformed("a dict key without a value") }
            for i in stride(from: 0, to: items.count, by: 2) {
                pickle.dictionaries[dictionary].append((items[i], items[i + 1]))
            }

        case .binPut: memo[Int(try reader.integer(UInt8.self))] = try top()
        case .longBinPut: memo[Int(try reader.integer(UInt32.self))] = try top()
        case .memoize: memo[memo.count] = try top()
        case .binGet: try recall(Int(try reader.integer(UInt8.self)))
        case .longBinGet: try recall(Int(try reader.integer(UInt32.self)))

        case .global:
            let module = try line(), name = try line()
            try pushGlobal("\(module).\(name)")
        case .stackGlobal:
            guard let name = try pop().string, let module = try pop().string else { throw malformed("the name of a class is no string") }
            try pushGlobal("\(module).\(name)")
        case .binPersID:
            let storage = try storage(persistentID: try pop())
            let whole = pickle.wholes[storage.key] ?? storage
            guard whole.type == storage.type, whole.wholeCount == storage.wholeCount else {
                throw malformed("storage \"\(storage.key)\" is described in two ways")
            }
            pickle.wholes[storage.key] = whole
            pickle.storages.append(storage)
            stack.append(.storage(pickle.storages.count - 1))
        case .reduce:
            let arguments = try pop(), function = try pop()
            guard case .global(let global) = function, let arguments = pickle.sequence(arguments) else {
                throw malformed("a call of \(function.kind) with \(arguments.kind)")
            }
            try call(global, arguments)
        case .build:       // the attributes of a state dict, such as _metadata
            _ = try pop()
            _ = try topDictionary()
        }
    }

    /// What the allowed globals mean.
    private mutating func call(_ global: Pickle.Global, _ arguments: [Pickle.Value]) throws(CheckpointError) {
        switch global {
        case .orderedDict:
            guard arguments.isEmpty else { throw malformed("OrderedDict with arguments") }
            pushDictionary()
        case .size:
            guard arguments.count == 1, pickle.sequence(arguments[0]) != nil else { throw malformed("torch.Size of no list") }
            stack.append(arguments[0])
        case .rebuildTensor:           // storage, offset, size, stride, requires_grad, backward_hooks
            guard arguments.count >= 4, case .storage(let index) = arguments[0], let offset = arguments[1].int,
                  let shape = try dimensions(arguments[2]), let strides = try dimensions(arguments[3]) else {
                throw malformed("a tensor is not made of storage, offset, size and stride")
            }
            guard offset >= 0, shape.count == strides.count, (shape + strides).allSatisfy({ $0 >= 0 }) else {
                throw malformed("a tensor of size \(shape), stride \(strides), offset \(offset)")
            }
            pickle.tensors.append(.init(storage: pickle.storages[index], offset: offset, shape: shape, strides: strides))
            stack.append(.tensor(pickle.tensors.count - 1))
        case .rebuildParameter:        // data, requires_grad, backward_hooks
            guard case .tensor? = arguments.first else { throw malformed("a parameter that is no tensor") }
            stack.append(arguments[0])
        case .storage:
            throw malformed("a storage inside the pickle")
        }
    }

    /// ("storage", class, key, location, count) and, in older files, None or the (key, offset, count) of a part.
    private func storage(persistentID: Pickle.Value) throws(CheckpointError) -> Pickle.Storage {
        guard let id = pickle.sequence(persistentID), id.count == 5 || id.count == 6, id[0].string == "storage",
              case .global(.storage(let type)) = id[1], let key = id[2].string, let count = id[4].int, count >= 0 else {
            throw malformed("a persistent id that is no storage")
        }
        var part = 0..<count
        if id.count == 6, let view = pickle.sequence(id[5]) {
            guard view.count == 3, let first = view[1].int, let partCount = view[2].int,
                  first >= 0, partCount >= 0, first <= count, partCount <= count - first else {
                throw malformed("a part outside storage \"\(key)\"")
            }
            part = first..<first + partCount
        }
        return Pickle.Storage(key: key, type: type, wholeCount: count, part: part)
    }

    /// nil unless a list of integers. Its length is checked first: a long one may be shared by many tensors.
    private func dimensions(_ value: Pickle.Value) throws(CheckpointError) -> [Int]? {
        guard let values = pickle.sequence(value) else { return nil }
        guard values.count <= Self.mostDimensions else { throw .tooMuch("dimensions", limit: Self.mostDimensions) }
        let integers = values.compactMap(\.int)
        return integers.count == values.count ? integers : nil
    }
}

extension Unpickler {
    private func malformed(_ what: String) -> CheckpointError { .malformed(what, at: start) }

    private func top() throws(CheckpointError) -> Pickle.Value {
        guard stack.count > marks.last ?? 0, let top = stack.last else { throw malformed("the pickle's stack is empty") }
        return top
    }

    private mutating func pop() throws(CheckpointError) -> Pickle.Value {
        let top = try top()
        stack.removeLast()
        return top
    }

    private mutating func popToMark() throws(CheckpointError) -> [Pickle.Value] {
        guard let mark = marks.popLast() else { throw malformed("the pickle's mark is missing") }
        defer { stack.removeSubrange(mark...) }
        return Array(stack[mark...])
    }

    private func topSequence() throws(CheckpointError) -> Int {
        let top = try top()
        guard case .sequence(let index) = top else { throw malformed("items for \(top.kind)") }
        return index
    }

    private func topDictionary() throws(CheckpointError) -> Int {
        let top = try top()
        guard case .dictionary(let index) = top else { throw malformed("members for \(top.kind)") }
        return index
    }

    private mutating func pushSequence(_ items: [Pickle.Value]) {
        pickle.sequences.append(items)
        stack.append(.sequence(pickle.sequences.count - 1))
    }

    private mutating func pushDictionary() {
        pickle.dictionaries.append([])
        stack.append(.dictionary(pickle.dictionaries.count - 1))
    }

    private mutating func pushGlobal(_ name: String) throws(CheckpointError) {
        guard let global = Pickle.Global.allowed[name] else { throw .unknownGlobal(name, at: start) }
        stack.append(.global(global))
    }

    private mutating func recall(_ index: Int) throws(CheckpointError) {
        guard let value = memo[index] else { throw malformed("nothing is remembered under \(index)") }
        stack.append(value)
    }

    /// Two's complement, little-endian, of any length.
    private func integer(_ range: Range<Int>) -> Pickle.Value {
        guard range.count <= 8 else { return .longInteger(range) }
        var value: UInt64 = range.isEmpty || reader.bytes[range.upperBound - 1] < 0x80 ? 0 : .max
        for byte in reader.bytes[range].reversed() { value = value << 8 | UInt64(byte) }
        return .int(Int(Int64(bitPattern: value)))
    }

    /// Text up to a line feed; names of classes are short.
    private mutating func line() throws(CheckpointError) -> String {
        let first = reader.position
        for length in 0..<256 {
            if try reader.integer(UInt8.self) == 0x0a { return try reader.text(first..<first + length) }
        }
        throw malformed("the name of a class is too long")
    }
}
