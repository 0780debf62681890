import SRDFile

/// What `torch.save` wrote until 1.6, and the authors' own files: five pickles (magic number, protocol, the writer's
/// system, the objects, the storages' keys), then for each key an element count and the elements.
struct TorchLegacyFile: TorchFile {
    let bytes: UnsafeRawBufferPointer
    let pickle: Pickle
    private let elements: [String: Range<Int>]      // by storage key, in bytes of the file

    private static let magic: [UInt8] = [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19]

    init(_ bytes: UnsafeRawBufferPointer) throws(CheckpointError) {
        let magic = try Unpickler.read(bytes, at: 0)
        guard case .longInteger(let range) = magic.root, bytes[range].elementsEqual(Self.magic) else {
            throw .unsupported("a pickle that torch.save did not write")
        }
        let version = try Unpickler.read(bytes, at: magic.end)
        guard version.root.int == 1001 else { throw .unsupported("a torch file of another version than 1001") }
        let system = try Unpickler.read(bytes, at: version.end)
        if case .bool(false)? = system.member("little_endian", of: system.root) { throw .unsupported("a big-endian checkpoint") }

        pickle = try Unpickler.read(bytes, at: system.end)
        let keys = try Unpickler.read(bytes, at: pickle.end)
        elements = try Self.findElements(bytes, keys, pickle)
        self.bytes = bytes
    }

    func elements(of storage: Pickle.Storage) throws(CheckpointError) -> UnsafeRawBufferPointer {
        guard let range = elements[storage.key] else { throw .missingStorage(key: storage.key) }
        return bytes.slice(range)
    }

    /// Steps from storage to storage; the elements, optimizer state for the most part, are not touched.
    private static func findElements(
        _ bytes: UnsafeRawBufferPointer, _ keys: Pickle, _ pickle: Pickle
    ) throws(CheckpointError) -> [String: Range<Int>] {
        var elements: [String: Range<Int>] = [:]
        var reader = try ByteReader(bytes, at: keys.end, of: "the list of storages")
        for value in keys.sequence(keys.root) ?? [] {
            let start = reader.position
            guard let key = value.string, let storage = pickle.wholes[key], elements[key] == nil else {
                throw .malformed("a storage that the objects do not name, or a second one of its key", at: start)
            }
            let count = try reader.integer(Int64.self)
            guard count == Int64(storage.wholeCount) else {
                throw .malformed("storage \"\(key)\" has \(count) elements, expected \(storage.wholeCount)", at: start)
            }
            let (size, overflow) = storage.wholeCount.multipliedReportingOverflow(by: storage.type.size)
            elements[key] = try reader.take(overflow ? .max : size)
        }
        return elements
    }
}
