/// Reads and checks a safetensors header: every size before it is used, every name once, the data without gap or
/// overlap.
struct HeaderParser {
    typealias Record = SafetensorsHeader.Record

    let dataStart: Int, dataCount: Int
    private(set) var records: [Record] = []
    private(set) var metadata: [String: String]?
    private(set) var names = NameTable()
    /// The records in the order of their data.
    private(set) var order: [UInt32] = []

    init(dataStart: Int, dataCount: Int) {
        self.dataStart = dataStart
        self.dataCount = dataCount
    }

    mutating func parse(_ text: UnsafeRawBufferPointer) throws(SafetensorsError) {
        var json = JSONReader(text, base: 8)
        try json.open("{")
        while try json.hasNext(before: "}") {
            let key = try json.key()
            if json.isEqual(key, "__metadata__") {
                guard metadata == nil else { throw .duplicateKey("__metadata__") }
                metadata = try Self.strings(&json)
            } else {
                guard records.count < SafetensorsHeader.mostTensors else {
                    throw .tooMany("tensors", limit: SafetensorsHeader.mostTensors)
                }
                let name = try json.text(of: key)
                guard name != "__metadata__" else { throw json.error("\"__metadata__\" without escapes") }
                try insert(name, text)
                records.append(try record(key, name, &json))
            }
        }
        try json.end()
    }

    /// Throws if there is a tensor of this name; else remembers that the next record has it.
    private mutating func insert(_ name: String, _ text: UnsafeRawBufferPointer) throws(SafetensorsError) {
        // Strings are compared, not bytes: equal strings must not become two keys of a dictionary.
        let hash = NameTable.hash(name)
        if names.first(hash: hash, where: { records[$0].name(in: text) == name }) != nil { throw .duplicateKey(name) }
        names.insert(records.count, hash: hash)
    }

    private static func strings(_ json: inout JSONReader) throws(SafetensorsError) -> [String: String] {
        var strings: [String: String] = [:]
        try json.open("{")
        while try json.hasNext(before: "}") {
            guard strings.count < SafetensorsHeader.mostMetadata else {
                throw .tooMany("metadata entries", limit: SafetensorsHeader.mostMetadata)
            }
            let key = try json.text(of: try json.key())
            guard strings.updateValue(try json.string(), forKey: key) == nil else { throw .duplicateKey(key) }
        }
        return strings
    }

    /// Where the shape starts, and its number of elements; nil if that is more than `Int` can hold.
    private static func shape(_ json: inout JSONReader) throws(SafetensorsError) -> (position: Int, count: Int?) {
        try json.open("[")
        let position = json.position - 1
        var count: Int? = 1, dimensions = 0
        while try json.hasNext(before: "]") {
            guard dimensions < SafetensorsHeader.mostDimensions else {
                throw json.error("at most \(SafetensorsHeader.mostDimensions) dimensions")
            }
            let size = try json.integer()
            dimensions += 1
            let product = count.map { $0.multipliedReportingOverflow(by: size) }
            count = product.flatMap { $0.overflow ? nil : $0.partialValue }
        }
        return (position, count)
    }

    private func record(_ key: JSONReader.Token, _ name: String, _ json: inout JSONReader) throws(SafetensorsError)
        -> Record
    {
        var typeName: JSONReader.Token?, shape: (position: Int, count: Int?)?, offsets: (Int, Int)?
        try json.open("{")
        while try json.hasNext(before: "}") {
            let key = try json.key()
            if json.isEqual(key, "dtype"), typeName == nil {
                typeName = try json.token()
            } else if json.isEqual(key, "shape"), shape == nil {
                shape = try Self.shape(&json)
            } else if json.isEqual(key, "data_offsets"), offsets == nil {
                offsets = try Self.pair(&json)
            } else {
                let other = try json.text(of: key)
                if ["dtype", "shape", "data_offsets"].contains(other) { throw .duplicateKey("\(name).\(other)") }
                throw json.error("dtype, shape or data_offsets of \"\(name)\", not \"\(other)\",")
            }
        }
        guard let typeName, let shape, let (start, end) = offsets, start <= end else {
            throw json.error("dtype, shape and two ascending data_offsets of \"\(name)\"")
        }
        guard let type = json.elementType(typeName) else {
            throw .unknownType(key: name, found: try json.text(of: typeName))
        }
        guard end <= dataCount else {
            throw .truncated(needs: dataStart.addingClamped(end), has: dataStart + dataCount)
        }
        let size = shape.count?.multipliedReportingOverflow(by: type.size)
        guard let size, !size.overflow, size.partialValue == end - start else {
            throw .wrongSize(
                key: name, found: end - start, expected: size.flatMap { $0.overflow ? nil : $0.partialValue })
        }
        return Record(
            nameStart: UInt32(key.range.lowerBound), nameCount: UInt32(key.range.count), shape: UInt32(shape.position),
            type: type,
            hasEscapes: key.hasEscapes, isASCII: key.isASCII, start: start, end: end)
    }

    private static func pair(_ json: inout JSONReader) throws(SafetensorsError) -> (Int, Int) {
        var values = [0, 0], count = 0
        try json.open("[")
        while try json.hasNext(before: "]") {
            guard count < 2 else { throw json.error("two data_offsets") }
            values[count] = try json.integer()
            count += 1
        }
        guard count == 2 else { throw json.error("two data_offsets") }
        return (values[0], values[1])
    }

    /// Finds the order of the records in the data. Throws unless they fill it without gap or overlap.
    mutating func sortAndCheck(_ text: UnsafeRawBufferPointer) throws(SafetensorsError) {
        order = Array(0..<UInt32(records.count))
        let isSorted = zip(records, records.dropFirst()).allSatisfy { $0.end <= $1.start && $0.start < $1.end }
        if !isSorted {
            order.sort { [records] i, j in  // an empty tensor comes before the one that starts where it does
                let a = records[Int(i)], b = records[Int(j)]
                if a.start != b.start { return a.start < b.start }
                if a.end != b.end { return a.end < b.end }
                return a.rawName(in: text).lexicographicallyPrecedes(b.rawName(in: text))
            }
        }
        var next = 0
        for i in order {
            let record = records[Int(i)]
            guard record.start >= next else {
                throw .overlap(key: record.name(in: text), found: record.start, expected: next)
            }
            guard record.start == next else {
                throw .gap(key: record.name(in: text), found: record.start, expected: next)
            }
            next = record.end
        }
        guard next == dataCount else { throw .trailingBytes(dataCount - next) }
    }
}

extension JSONReader {
    fileprivate func elementType(_ token: Token) -> ElementType? {
        ElementType.allNames.first { isEqual(token, $0.name) }?.type
    }
}

extension ElementType {
    fileprivate static let allNames = allCases.map { (type: $0, name: $0.staticName) }
}

extension ElementType {
    fileprivate var staticName: StaticString {
        switch self {
        case .f64: "F64"
        case .f32: "F32"
        case .f16: "F16"
        case .bf16: "BF16"
        case .i64: "I64"
        case .i32: "I32"
        case .i16: "I16"
        case .i8: "I8"
        case .u8: "U8"
        case .bool: "BOOL"
        }
    }
}

extension Int {
    fileprivate func addingClamped(_ other: Int) -> Int {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? .max : sum
    }
}
