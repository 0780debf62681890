import SRDTensor
import SRDModel

/// A safetensors file, open for reading: named tensors and string metadata.
///
/// Eight bytes of header length, a JSON header, then the tensors' bytes without gaps or overlaps. Opening parses the
/// header alone.
public struct Safetensors: Sendable {
    public struct Entry: Equatable, Sendable {
        public let name: String
        public let type: ElementType
        public let shape: [Int]
        /// The bytes of the file that hold the elements.
        public let range: Range<Int>

        public var count: Int { range.count / type.size }
    }

    /// The limit of the reference implementation.
    static let longestHeader = 100_000_000

    public let file: MappedFile
    private let header: SafetensorsHeader

    /// In the order of their data.
    public var entries: Entries { Entries(header) }
    public var metadata: [String: String] { header.metadata }

    /// Throws `FileError` or `SafetensorsError`.
    public init(path: String) throws {
        try self.init(MappedFile(path: path))
    }

    public init(_ file: MappedFile) throws(SafetensorsError) {
        self.file = file
        header = try Self.header(file)
    }

    private static func header(_ file: MappedFile) throws(SafetensorsError) -> SafetensorsHeader {
        guard file.count >= 8 else { throw .truncated(needs: 8, has: file.count) }
        let length = try slice(file, 0..<8).withBytes { UInt64(littleEndian: $0.loadUnaligned(as: UInt64.self)) }
        guard length <= longestHeader else { throw .headerTooLong(length) }
        let dataStart = 8 + Int(length)
        guard dataStart <= file.count else { throw .truncated(needs: dataStart, has: file.count) }
        return try SafetensorsHeader(slice(file, 8..<dataStart), dataCount: file.count - dataStart)
    }

    fileprivate static func slice(_ file: MappedFile, _ range: Range<Int>) throws(SafetensorsError) -> FileSlice {
        do throws(FileError) { return try file.slice(range) } catch { throw .file(error) }
    }

    public subscript(name: String) -> Entry? { header[name] }

    /// The tensors of a file. An entry is made when it is asked for.
    public struct Entries: RandomAccessCollection, Sendable {
        private let header: SafetensorsHeader

        init(_ header: SafetensorsHeader) { self.header = header }

        public var startIndex: Int { 0 }
        public var endIndex: Int { header.count }
        public subscript(i: Int) -> Entry { header[i] }
    }
}

extension Safetensors {
    /// Calls `body` with the elements as they are in the file, at any alignment. The pointer is valid inside `body`
    /// only.
    ///
    /// Throws `SafetensorsError.file` if they cannot be read, or what `body` throws.
    public func withBytes<Result>(of entry: Entry, _ body: (UnsafeRawBufferPointer) throws -> Result) throws -> Result {
        try Self.slice(file, entry.range).withBytes(body)
    }

    /// A tensor of any float type, rounded to `Float` where it is wider.
    /// Throws unless it is there with such a type and, where one is given, that shape.
    public func floats(_ name: String, shape: [Int]? = nil) throws(SafetensorsError) -> [Float] {
        let entry = try entry(name, types: [.f32, .f16, .bf16, .f64], shape)
        return try Self.slice(file, entry.range).withBytes { entry.type.floats(in: $0) }
    }

    public func tensor(_ name: String, shape: [Int]? = nil) throws(SafetensorsError) -> FloatTensor {
        let values = try floats(name, shape: shape)
        return FloatTensor(shape: self[name]?.shape ?? [], values: values)
    }

    public func int8s(_ name: String, shape: [Int]? = nil) throws(SafetensorsError) -> [Int8] {
        let entry = try entry(name, types: [.i8], shape)
        return try Self.slice(file, entry.range).withBytes { $0.map { Int8(bitPattern: $0) } }
    }

    /// An int8 tensor as `int8s` returns it, without a copy if the file is in memory.
    public func quantizedWeights(_ name: String, shape: [Int]? = nil) throws(SafetensorsError) -> QuantizedWeights {
        let entry = try entry(name, types: [.i8], shape), file = file
        guard file.isInMemory else { return QuantizedWeights(try int8s(name, shape: shape)) }
        let values = try Self.slice(file, entry.range).withBytes { $0.assumingMemoryBound(to: Int8.self) }
        return QuantizedWeights(values, in: file) { file.evict(entry.range) }
    }

    public func uint8s(_ name: String, shape: [Int]? = nil) throws(SafetensorsError) -> [UInt8] {
        let entry = try entry(name, types: [.u8], shape)
        return try Self.slice(file, entry.range).withBytes { Array($0) }
    }

    public func int32s(_ name: String, shape: [Int]? = nil) throws(SafetensorsError) -> [Int32] {
        let entry = try entry(name, types: [.i32], shape)
        return try Self.slice(file, entry.range).withBytes { bytes in
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
