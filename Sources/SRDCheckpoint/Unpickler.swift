import SRDFile

/// Reads one pickle of protocol 2–5. A pickle is a program for a stack machine; only the instructions that checkpoints
/// use are known here.
///
/// Nothing is ever looked up, called or imported. Classes and functions that are not in `Pickle.Global.known` give
/// opaque values, which may accompany the weights but not become one.
struct Unpickler {
    /// Instructions per pickle. A tensor takes about 60, so this suffices for about 16,000 of them. Each instruction
    /// makes at most one small object, so this also bounds the memory.
    static let mostInstructions = 1 << 20
    /// Dimensions of a tensor; weights have four.
    static let mostDimensions = 8
    /// Different classes and functions that are unknown, and the bytes of a name.
    static let mostUnknownNames = 4096, longestName = 256

    var reader: ByteReader
    var pickle = Pickle()
    var stack: [Pickle.Value] = []
    var marks: [Int] = []  // heights of the stack, ascending
    var memo: [Int: Pickle.Value] = [:]
    var unknownNames: [String: Int] = [:]
    var start = 0  // of the instruction being carried out

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
        case .frame: _ = try reader.integer(UInt64.self)  // a hint for readers of streams

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

        case .shortBinUnicode, .shortBinString:
            stack.append(.string(try reader.text(try reader.take(countedBy: UInt8.self))))
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

        case .emptyDict: stack.append(newDictionary())
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
            guard let name = try pop().string, let module = try pop().string else {
                throw malformed("the name of a class is no string")
            }
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
            _ = try pop()  // keyword arguments
            let arguments = try pop()
            stack.append(try new(try pop(), arguments))
        case .build:
            let state = try pop()
            switch try top() {
            case .dictionary: break  // the attributes of a state dict, such as _metadata
            case .opaque(let index): pickle.opaques[index].state = state
            case let other: throw malformed("attributes for \(other.kind)")
            }
        }
    }
}
