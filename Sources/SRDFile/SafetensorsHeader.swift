/// The header of a safetensors file: {"__metadata__": {string: string}, name: {"dtype": string, "shape": [n…],
/// "data_offsets": [from, to]}, …}.
///
/// Reading takes time and memory proportional to the header: names stay in its text, and a
/// tensor takes 32 bytes and an entry of a hash table. Names and shapes are created on demand.
final class SafetensorsHeader: Sendable {
    /// Dimensions of a tensor.
    static let mostDimensions = 32
    /// Tensors of a file, and members of its metadata.
    static let mostTensors = 1 << 17, mostMetadata = 1 << 12

    let metadata: [String: String]
    /// In the order of the header, and their numbers in the order of the data.
    private let records: [Record], order: [UInt32]
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
        order = parser.order
        table = parser.names
        dataStart = parser.dataStart
        self.text = text
    }

    var count: Int { records.count }

    /// The `i`-th tensor in the order of the data.
    subscript(i: Int) -> Safetensors.Entry { entry(records[Int(order[i])]) }

    /// The tensor of this name.
    subscript(name: String) -> Safetensors.Entry? {
        let row = text.withBytes { bytes in
            table.first(hash: NameTable.hash(name)) { records[$0].name(in: bytes) == name }
        }
        return row.map { entry(records[$0]) }
    }

    private func entry(_ record: Record) -> Safetensors.Entry {
        text.withBytes { bytes in
            Safetensors.Entry(
                name: record.name(in: bytes), type: record.type, shape: record.shape(in: bytes),
                range: dataStart + record.start..<dataStart + record.end)
        }
    }
}

extension SafetensorsHeader.Record {
    func name(in bytes: UnsafeRawBufferPointer) -> String {
        let range = Int(nameStart)..<Int(nameStart + nameCount)
        let token = JSONReader.Token(range: range, hasEscapes: hasEscapes, isASCII: isASCII)
        return (try? JSONReader(bytes, base: 0).text(of: token)) ?? ""  // its text was read before
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
    private struct Slot {
        var hash: UInt32 = 0
        var row: UInt32 = 0  // plus 1; 0 in an empty slot
    }

    private var slots = [Slot](repeating: Slot(), count: 1024)
    private var count = 0

    static func hash(_ name: String) -> UInt32 { UInt32(truncatingIfNeeded: name.hashValue) }

    /// Adds a row whose name is not in the table.
    mutating func insert(_ row: Int, hash: UInt32) {
        if 2 * count >= slots.count {
            let old = slots
            slots = [Slot](repeating: Slot(), count: 2 * old.count)
            for slot in old where slot.row != 0 { place(slot) }
        }
        place(Slot(hash: hash, row: UInt32(row) + 1))
        count += 1
    }

    private mutating func place(_ slot: Slot) {
        var i = Int(slot.hash) & (slots.count - 1)
        while slots[i].row != 0 { i = (i + 1) & (slots.count - 1) }
        slots[i] = slot
    }

    /// The first row of this hash that `isRow` accepts.
    func first(hash: UInt32, where isRow: (Int) -> Bool) -> Int? {
        var i = Int(hash) & (slots.count - 1)
        while slots[i].row != 0 {
            if slots[i].hash == hash, isRow(Int(slots[i].row - 1)) { return Int(slots[i].row - 1) }
            i = (i + 1) & (slots.count - 1)
        }
        return nil
    }
}
