/// The header of a safetensors file: {"__metadata__": {string: string}, name: {"dtype": string, "shape": [n…],
/// "data_offsets": [from, to]}, …}.
///
/// Reading takes time and memory proportional to the header: names stay where they are in its text, in 32 bytes per
/// tensor beside a hash table. Names and shapes are made when they are asked for.
final class SafetensorsHeader: Sendable {
    /// Dimensions of a tensor.
    static let mostDimensions = 32
    /// Tensors of a file, and members of its metadata.
    static let mostTensors = 1 << 17, mostMetadata = 1 << 16

    let metadata: [String: String]
    /// In the order of their data.
    private let records: [Record]
    private let table: NameTable
    private let text: FileSlice
    private let dataStart: Int

    struct Record {
        /// The name's bytes between its quotes, and where the shape's "[" is.
        let nameStart: UInt32, nameCount: UInt32, shape: UInt32
        let type: ElementType
        let hasEscapes: Bool, isASCII: Bool
        let start: Int, end: Int
    }

    /// - Parameters:
    ///   - text: the header's bytes.
    ///   - dataCount: bytes that follow the header in the file.
    init(_ text: FileSlice, dataCount: Int) throws(SafetensorsError) {
        var parser = HeaderParser(dataStart: 8 + text.count, dataCount: dataCount)
        try text.withBytes { bytes throws(SafetensorsError) in
            try parser.parse(bytes)
            try parser.sortAndCheck(bytes)
        }
        metadata = parser.metadata ?? [:]
        records = parser.records
        table = text.withBytes { bytes in
            var table = NameTable(capacity: parser.records.count)
            for (i, record) in parser.records.enumerated() { table.insert(i, hash: record.name(in: bytes).hashValue) }
            return table
        }
        dataStart = parser.dataStart
        self.text = text
    }

    var count: Int { records.count }

    subscript(i: Int) -> Safetensors.Entry {
        let record = records[i]
        return text.withBytes { bytes in
            Safetensors.Entry(
                name: record.name(in: bytes), type: record.type, shape: record.shape(in: bytes),
                range: dataStart + record.start..<dataStart + record.end)
        }
    }

    func index(of name: String) -> Int? {
        text.withBytes { bytes in table.first(hash: name.hashValue) { records[$0].name(in: bytes) == name } }
    }
}

extension SafetensorsHeader.Record {
    func name(in bytes: UnsafeRawBufferPointer) -> String {
        let range = Int(nameStart)..<Int(nameStart + nameCount)
        let token = JSONReader.Token(range: range, hasEscapes: hasEscapes, isASCII: isASCII)
        return (try? JSONReader(bytes, base: 0).text(of: token)) ?? ""       // its text was read before
    }

    /// The name's bytes as they are in the header, escapes included.
    func rawName(in bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: bytes[Int(nameStart)..<Int(nameStart + nameCount)])
    }

    func shape(in bytes: UnsafeRawBufferPointer) -> [Int] {
        var json = JSONReader(bytes, base: 0, at: Int(shape)), shape: [Int] = []
        guard (try? json.open("[")) != nil else { return shape }
        while (try? json.hasNext(before: "]")) == true, let size = try? json.integer() { shape.append(size) }
        return shape
    }
}

/// Row numbers by the hash of their name: open addressing, never more than half full.
struct NameTable: Sendable {
    private var slots: [UInt32]            // row + 1, or 0
    private var count = 0

    init(capacity: Int) {
        var size = 16
        while size < 2 * capacity { size *= 2 }
        slots = [UInt32](repeating: 0, count: size)
    }

    mutating func insert(_ row: Int, hash: Int) {
        var i = hash & (slots.count - 1)
        while slots[i] != 0 { i = (i + 1) & (slots.count - 1) }
        slots[i] = UInt32(row + 1)
        count += 1
    }

    /// The first row of this hash that `isRow` accepts.
    func first(hash: Int, where isRow: (Int) throws -> Bool) rethrows -> Int? {
        var i = hash & (slots.count - 1)
        while slots[i] != 0 {
            let row = Int(slots[i] - 1)
            if try isRow(row) { return row }
            i = (i + 1) & (slots.count - 1)
        }
        return nil
    }

    var isFull: Bool { 2 * count >= slots.count }
}
