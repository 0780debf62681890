/// The operands of the instructions: the stack, the objects on it, and values that follow an instruction.
extension Unpickler {
    func malformed(_ what: String) -> CheckpointError { .malformed(what, at: start) }

    func top() throws(CheckpointError) -> Pickle.Value {
        guard stack.count > marks.last ?? 0, let top = stack.last else {
            throw malformed("the pickle's stack is empty")
        }
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

    mutating func newDictionary() -> Pickle.Value {
        pickle.dictionaries.append([])
        return .dictionary(pickle.dictionaries.count - 1)
    }

    mutating func pushGlobal(_ module: String, _ name: String) throws(CheckpointError) {
        guard module.utf8.count + name.utf8.count < Self.longestName else {
            throw malformed("the name of a class is too long")
        }
        let path = "\(module).\(name)"
        if let known = Pickle.Global.known[path] { return stack.append(.global(known)) }
        stack.append(.global(.unknown(try number(ofUnknown: path))))
    }

    mutating func number(ofUnknown path: String) throws(CheckpointError) -> Int {
        if let number = unknownNames[path] { return number }
        guard pickle.unknownNames.count < Self.mostUnknownNames else {
            throw .tooMuch("classes", limit: Self.mostUnknownNames)
        }
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
