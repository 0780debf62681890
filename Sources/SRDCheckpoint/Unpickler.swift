import SRDFile

/// Reads one pickle of protocol 2–5. A pickle is a program for a stack machine; only the instructions that checkpoints use
/// are known here.
///
/// Nothing is ever looked up, called or imported. Classes and functions that are not in `Pickle.Global.known` give opaque
/// values, which may stand beside the weights but not become one.
struct Unpickler {
    /// Instructions per pickle. A tensor takes about 60, so this suffices for about 16,000 of them. Each instruction makes
    /// at most one small object, so this also bounds the memory.
    static let mostInstructions = 1 << 20
    /// Dimensions of a tensor; weights have four.
    static let mostDimensions = 8
    /// Different classes and functions that are unknown, and the bytes of a name.
    static let mostUnknownNames = 4096, longestName = 256

    var reader: ByteReader
    var pickle = Pickle()
    var stack: [Pickle.Value] = []
    var marks: [Int] = []          // heights of the stack, ascending
    var memo: [Int: Pickle.Value] = [:]
    var unknownNames: [String: Int] = [:]
    var start = 0                          // of the instruction being carried out

    private init(_ reader: ByteReader) { self.reader = reader }

    /// The pickle that starts at `position`.
    static func read(_ bytes: UnsafeRawBufferPointer, at position: Int) throws(CheckpointError) -> Pickle {
        var machine = Unpickler(try ByteReader(bytes, at: position, of: "the pickle"))
        for _ in 0..<mostInstructions {
            machine.start = machine.reader.position
            let code = try machine.reader.integer(UInt8.self)
            guard let opcode = PickleOpcode(rawValue: code) else { throw .unknownOpcode(code, at: machine.start) }
            if opcode == .stop {
                machine.pickle.root = try machine.pop()
                machine.pickle.end = machine.reader.position
                return machine.pickle
            }
            try machine.carryOut(opcode)
        }
        throw .tooMuch("pickle instructions", limit: mostInstructions)
    }

    mutating func carryOut(_ opcode: PickleOpcode) throws(CheckpointError) {
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
        case .binBytes8, .byteArray8: stack.append(.bytes(try reader.take(countedBy: UInt64.self)))

        case .emptyTuple, .emptyList: pushSequence([])
        case .tuple: pushSequence(try popToMark())
        case .tuple1: pushSequence([try pop()])
        case .tuple2: pushSequence([try pop(), try pop()].reversed())
        case .tuple3: pushSequence([try pop(), try pop(), try pop()].reversed())
        case .append:
            let item = try pop()
            try append([item])
        case .appends, .addItems: try append(try popToMark())
        case .emptySet: pushSequence([])
        case .frozenSet: pushSequence(try popToMark())

        case .emptyDict: pushDictionary()
        case .setItem:
            let value = try pop(), key = try pop()
            try set([(key, value)])
        case .setItems:
            let items = try popToMark()
            guard items.count.isMultiple(of: 2) else { throw malformed("a dict key without a value") }
            try set(stride(from: 0, to: items.count, by: 2).map { (items[$0], items[$0 + 1]) })

        case .binPut: memo[Int(try reader.integer(UInt8.self))] = try top()
        case .longBinPut: memo[Int(try reader.integer(UInt32.self))] = try top()
        case .memoize: memo[memo.count] = try top()
        case .binGet: try recall(Int(try reader.integer(UInt8.self)))
        case .longBinGet: try recall(Int(try reader.integer(UInt32.self)))

        case .global:
            let module = try line(), name = try line()
            try pushGlobal(module, name)
        case .stackGlobal:
            guard let name = try pop().string, let module = try pop().string else { throw malformed("the name of a class is no string") }
            try pushGlobal(module, name)
        case .binPersID: stack.append(try value(persistentID: try pop()))
        case .reduce:
            let arguments = try pop(), function = try pop()
            guard let arguments = pickle.sequence(arguments) else { throw malformed("a call with \(arguments.kind)") }
            stack.append(try call(function, arguments))
        case .newObject:
            let arguments = try pop()
            stack.append(try new(try pop(), arguments))
        case .newObjectEx:
            _ = try pop()          // keyword arguments
            let arguments = try pop()
            stack.append(try new(try pop(), arguments))
        case .build:
            let state = try pop()
            switch try top() {
            case .dictionary: break                        // the attributes of a state dict, such as _metadata
            case .opaque(let index): pickle.opaques[index].state = state
            case let other: throw malformed("attributes for \(other.kind)")
            }
        }
    }
}

extension Unpickler {
    func malformed(_ what: String) -> CheckpointError { .malformed(what, at: start) }

    func top() throws(CheckpointError) -> Pickle.Value {
        guard stack.count > marks.last ?? 0, let top = stack.last else { throw malformed("the pickle's stack is empty") }
        return top
    }

    mutating func pop() throws(CheckpointError) -> Pickle.Value {
        let top = try top()
        stack.removeLast()
        return top
    }

    mutating func popToMark() throws(CheckpointError) -> [Pickle.Value] {
        guard let mark = marks.popLast() else { throw malformed("the pickle's mark is missing") }
        defer { stack.removeSubrange(mark...) }
        return Array(stack[mark...])
    }

    mutating func append(_ items: [Pickle.Value]) throws(CheckpointError) {
        switch try top() {
        case .sequence(let index): pickle.sequences[index] += items
        case .opaque: break
        case let other: throw malformed("items for \(other.kind)")
        }
    }

    mutating func set(_ members: [Pickle.Member]) throws(CheckpointError) {
        switch try top() {
        case .dictionary(let index): pickle.dictionaries[index] += members
        case .opaque(let index): pickle.opaques[index].members += members
        case let other: throw malformed("members for \(other.kind)")
        }
    }

    mutating func pushSequence(_ items: [Pickle.Value]) {
        pickle.sequences.append(items)
        stack.append(.sequence(pickle.sequences.count - 1))
    }

    mutating func pushDictionary() {
        pickle.dictionaries.append([])
        stack.append(.dictionary(pickle.dictionaries.count - 1))
    }

    mutating func pushGlobal(_ module: String, _ name: String) throws(CheckpointError) {
        guard module.utf8.count + name.utf8.count < Self.longestName else { throw malformed("the name of a class is too long") }
        let path = "\(module).\(name)"
        if let known = Pickle.Global.known[path] { return stack.append(.global(known)) }
        stack.append(.global(.unknown(try number(ofUnknown: path))))
    }

    mutating func number(ofUnknown path: String) throws(CheckpointError) -> Int {
        if let number = unknownNames[path] { return number }
        guard pickle.unknownNames.count < Self.mostUnknownNames else { throw .tooMuch("classes", limit: Self.mostUnknownNames) }
        unknownNames[path] = pickle.unknownNames.count
        pickle.unknownNames.append(path)
        return pickle.unknownNames.count - 1
    }

    mutating func recall(_ index: Int) throws(CheckpointError) {
        guard let value = memo[index] else { throw malformed("nothing is remembered under \(index)") }
        stack.append(value)
    }

    /// An integer in two's complement, little-endian, of any length.
    func integer(_ range: Range<Int>) -> Pickle.Value {
        guard range.count <= 8 else { return .longInteger(range) }
        let bytes = reader[range]
        var value: UInt64 = range.isEmpty || bytes[bytes.count - 1] < 0x80 ? 0 : .max
        for byte in bytes.reversed() { value = value << 8 | UInt64(byte) }
        return .int(Int(Int64(bitPattern: value)))
    }

    /// Text up to a line feed; names of classes are short.
    mutating func line() throws(CheckpointError) -> String {
        let first = reader.position
        for length in 0..<Self.longestName {
            if try reader.integer(UInt8.self) == 0x0a { return try reader.text(first..<first + length) }
        }
        throw malformed("the name of a class is too long")
    }
}
