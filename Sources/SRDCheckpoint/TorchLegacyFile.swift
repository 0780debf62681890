import SRDFile

/// The format of `torch.save` until 1.6, and of the authors' own files: five pickles (magic number, protocol, the
/// writer's system, the objects, the storages' keys), then for each key an element count and the elements.
struct TorchLegacyFile: TorchFile {
    let pickle: Pickle
    private let file: MappedFile
    private let elements: [String: Range<Int>]  // by storage key, in bytes of the file

    private static let magic: [UInt8] = [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19]
    /// The pickles are at the start of the file, and take about 200 bytes per tensor.
    private static let longestPickles = 64 << 20

    init(_ file: MappedFile) throws(CheckpointError) {
        self.file = file
        let start = try file.read(0..<min(file.count, Self.longestPickles))
        let (pickle, keys) = try start.withBytes { bytes throws(CheckpointError) -> (Pickle, Pickle) in
            let magic = try Unpickler.read(bytes, at: 0)
            guard case .longInteger(let range) = magic.root, bytes[range].elementsEqual(Self.magic) else {
                throw .unsupported("a pickle that torch.save did not write")
            }
            let version = try Unpickler.read(bytes, at: magic.end)
            guard version.root.int == 1001 else { throw .unsupported("a torch file of another version than 1001") }
            let system = try Unpickler.read(bytes, at: version.end)
            if case .bool(false)? = system.member("little_endian", of: system.root) {
                throw .unsupported("a big-endian checkpoint")
            }

            let pickle = try Unpickler.read(bytes, at: system.end)
            return (pickle, try Unpickler.read(bytes, at: pickle.end))
        }
        self.pickle = pickle
        elements = try Self.findElements(file, keys, pickle)
    }

    func elements(of storage: Pickle.Storage) throws(CheckpointError) -> FileSlice {
        guard let range = elements[storage.key] else { throw .missingStorage(key: storage.key) }
        return try file.read(range)
    }

    /// Goes from storage to storage. The elements, most of them optimizer state, are not read.
    private static func findElements(
        _ file: MappedFile, _ keys: Pickle, _ pickle: Pickle
    ) throws(CheckpointError) -> [String: Range<Int>] {
        var elements: [String: Range<Int>] = [:]
        var position = keys.end
        func advance(by count: Int) throws(CheckpointError) -> Range<Int> {
            guard count <= file.count - position else {
                throw .truncated(what: "the list of storages", needs: position.addingClamped(count), has: file.count)
            }
            defer { position += count }
            return position..<position + count
        }
        for value in keys.sequence(keys.root) ?? [] {
            let start = position
            guard let key = value.string, let storage = pickle.wholes[key], elements[key] == nil else {
                throw .malformed("a storage that the objects do not name, or a second one of its key", at: start)
            }
            let count = try file.read(try advance(by: 8)).withBytes {
                Int64(littleEndian: $0.loadUnaligned(as: Int64.self))
            }
            guard count == Int64(storage.wholeCount) else {
                throw .malformed(
                    "storage \"\(key.printable)\" has \(count) elements, expected \(storage.wholeCount)", at: start)
            }
            let (size, overflow) = storage.wholeCount.multipliedReportingOverflow(by: storage.type.size)
            elements[key] = try advance(by: overflow ? .max : size)
        }
        return elements
    }
}
