import SRDTensor
import SRDModel

/// A safetensors file, open for reading: named tensors and string metadata.
///
/// Eight bytes of header length, a JSON header, then the tensors' bytes without gaps or overlaps. Opening reads the
/// header alone; a tensor's pages come from the disk when it is asked for.
public struct Safetensors: Sendable {
    public struct Entry: Equatable, Sendable {
        public let name: String
        public let type: ElementType
        public let shape: [Int]
        /// Where the elements are, in bytes of the file.
        public let range: Range<Int>

        public var count: Int { range.count / type.size }
    }

    /// The reference implementation's bound.
    static let longestHeader = 100_000_000

    public let file: MappedFile
    /// In the order of their data.
    public let entries: [Entry]
    public let metadata: [String: String]
    private let indices: [String: Int]

    /// Throws `FileError` or `SafetensorsError`.
    public init(path: String) throws {
        try self.init(MappedFile(path: path))
    }

    public init(_ file: MappedFile) throws(SafetensorsError) {
        let header = try file.withBytes(Header.read)
        entries = try header.contiguousEntries()
        indices = Dictionary(uniqueKeysWithValues: entries.enumerated().map { ($1.name, $0) })
        metadata = header.metadata ?? [:]
        self.file = file
    }

    public subscript(name: String) -> Entry? { indices[name].map { entries[$0] } }
}

extension Safetensors {
    /// The elements as they lie in the file, at any alignment. The pointer is valid inside `body` only.
    public func withBytes<Result>(of entry: Entry, _ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        precondition(entry.range.upperBound <= file.count, "an entry of another file")
        return try file.withBytes { try body(UnsafeRawBufferPointer(rebasing: $0[entry.range])) }
    }

    /// A tensor of any float type, rounded to `Float` where it is wider.
    /// Throws unless it is there with such a type and, where one is given, that shape.
    public func floats(_ name: String, shape: [Int]? = nil) throws(SafetensorsError) -> [Float] {
        let entry = try entry(name, types: [.f32, .f16, .bf16, .f64], shape)
        return withBytes(of: entry) { entry.type.floats(in: $0) }
    }

    public func tensor(_ name: String, shape: [Int]? = nil) throws(SafetensorsError) -> FloatTensor {
        let values = try floats(name, shape: shape)
        return FloatTensor(shape: indices[name].map { entries[$0].shape } ?? [], values: values)
    }

    public func int8s(_ name: String, shape: [Int]? = nil) throws(SafetensorsError) -> [Int8] {
        let entry = try entry(name, types: [.i8], shape)
        return withBytes(of: entry) { $0.map { Int8(bitPattern: $0) } }
    }

    /// The same, left where they are.
    public func codes(_ name: String, shape: [Int]? = nil) throws(SafetensorsError) -> QuantizedWeights {
        let entry = try entry(name, types: [.i8], shape), file = file
        let codes = withBytes(of: entry) { $0.assumingMemoryBound(to: Int8.self) }
        return QuantizedWeights(codes, in: file) { file.evict(entry.range) }
    }

    public func uint8s(_ name: String, shape: [Int]? = nil) throws(SafetensorsError) -> [UInt8] {
        let entry = try entry(name, types: [.u8], shape)
        return withBytes(of: entry) { Array($0) }
    }

    public func int32s(_ name: String, shape: [Int]? = nil) throws(SafetensorsError) -> [Int32] {
        let entry = try entry(name, types: [.i32], shape)
        return withBytes(of: entry) { bytes in
            (0..<entry.count).map { Int32(littleEndian: bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Int32.self)) }
        }
    }

    private func entry(_ name: String, types: [ElementType], _ shape: [Int]?) throws(SafetensorsError) -> Entry {
        guard let entry = self[name] else { throw .missing(key: name) }
        guard types.contains(entry.type) else { throw .wrongType(key: name, found: entry.type, expected: types) }
        if let shape, shape != entry.shape { throw .wrongShape(key: name, found: entry.shape, expected: shape) }
        return entry
    }
}

/// {"__metadata__": {string: string}, name: {"dtype": string, "shape": [n…], "data_offsets": [from, to]}, …}
private struct Header {
    let dataStart: Int, dataCount: Int
    var entries: [String: Safetensors.Entry] = [:]
    var metadata: [String: String]?

    static func read(_ bytes: UnsafeRawBufferPointer) throws(SafetensorsError) -> Header {
        guard bytes.count >= 8 else { throw .truncated(needs: 8, has: bytes.count) }
        let length = UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
        guard length <= Safetensors.longestHeader else { throw .headerTooLong(length) }
        let dataStart = 8 + Int(length)
        guard dataStart <= bytes.count else { throw .truncated(needs: dataStart, has: bytes.count) }
        var header = Header(dataStart: dataStart, dataCount: bytes.count - dataStart)
        try header.parse(UnsafeRawBufferPointer(rebasing: bytes[8..<dataStart]))
        return header
    }

    private mutating func parse(_ text: UnsafeRawBufferPointer) throws(SafetensorsError) {
        var json = JSONReader(text, base: 8)
        try json.open("{")
        while try json.hasNext(before: "}") {
            let key = try json.key()
            if key == "__metadata__" {
                guard metadata == nil else { throw .duplicateKey(key) }
                metadata = try Self.strings(&json)
            } else {
                guard entries[key] == nil else { throw .duplicateKey(key) }
                entries[key] = try entry(key, &json)
            }
        }
        try json.end()
    }

    private static func strings(_ json: inout JSONReader) throws(SafetensorsError) -> [String: String] {
        var strings: [String: String] = [:]
        try json.open("{")
        while try json.hasNext(before: "}") {
            let key = try json.key()
            guard strings[key] == nil else { throw .duplicateKey(key) }
            strings[key] = try json.string()
        }
        return strings
    }

    private static func integers(_ json: inout JSONReader) throws(SafetensorsError) -> [Int] {
        var integers: [Int] = []
        try json.open("[")
        while try json.hasNext(before: "]") { integers.append(try json.integer()) }
        return integers
    }

    private func entry(_ name: String, _ json: inout JSONReader) throws(SafetensorsError) -> Safetensors.Entry {
        var typeName: String?, shape: [Int]?, offsets: [Int]?
        try json.open("{")
        while try json.hasNext(before: "}") {
            let key = try json.key()
            switch key {
            case "dtype" where typeName == nil: typeName = try json.string()
            case "shape" where shape == nil: shape = try Self.integers(&json)
            case "data_offsets" where offsets == nil: offsets = try Self.integers(&json)
            case "dtype", "shape", "data_offsets": throw .duplicateKey("\(name).\(key)")
            default: throw json.error("dtype, shape or data_offsets of \"\(name)\", not \"\(key)\",")
            }
        }
        guard let typeName, let shape, let offsets, offsets.count == 2, offsets[0] <= offsets[1] else {
            throw json.error("dtype, shape and two ascending data_offsets of \"\(name)\"")
        }
        guard let type = ElementType(rawValue: typeName) else { throw .unknownType(key: name, found: typeName) }
        guard offsets[1] <= dataCount else { throw .truncated(needs: dataStart.addingClamped(offsets[1]), has: dataStart + dataCount) }
        let size = ElementType.count(of: shape)?.multipliedReportingOverflow(by: type.size)
        guard let size, !size.overflow, size.partialValue == offsets[1] - offsets[0] else {
            throw .wrongSize(key: name, found: offsets[1] - offsets[0], expected: size.flatMap { $0.overflow ? nil : $0.partialValue })
        }
        return Safetensors.Entry(name: name, type: type, shape: shape, range: dataStart + offsets[0]..<dataStart + offsets[1])
    }

    /// In data order, and proved to fill the data without gap or overlap.
    func contiguousEntries() throws(SafetensorsError) -> [Safetensors.Entry] {
        let sorted = entries.values.sorted {     // an empty tensor stands before the one that starts where it does
            ($0.range.lowerBound, $0.range.upperBound, $0.name) < ($1.range.lowerBound, $1.range.upperBound, $1.name)
        }
        var next = dataStart
        for entry in sorted {
            let found = entry.range.lowerBound - dataStart, expected = next - dataStart
            guard entry.range.lowerBound >= next else { throw .overlap(key: entry.name, found: found, expected: expected) }
            guard entry.range.lowerBound == next else { throw .gap(key: entry.name, found: found, expected: expected) }
            next = entry.range.upperBound
        }
        guard next == dataStart + dataCount else { throw .trailingBytes(dataStart + dataCount - next) }
        return sorted
    }
}

extension Int {
    fileprivate func addingClamped(_ other: Int) -> Int {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? .max : sum
    }
}
