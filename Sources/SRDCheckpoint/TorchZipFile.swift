import SRDFile

/// What `torch.save` writes since 1.6: a zip of `NAME/data.pkl` and a member `NAME/data/KEY` for each storage.
struct TorchZipFile: TorchFile {
    let pickle: Pickle
    private let archive: ZipArchive
    private let folder: String     // with its slash

    init(_ bytes: UnsafeRawBufferPointer) throws(CheckpointError) {
        archive = try ZipArchive(bytes)
        let pickles = archive.names.filter { $0 == "data.pkl" || $0.hasSuffix("/data.pkl") }
        guard let path = pickles.min(by: { $0.utf8.count < $1.utf8.count }) else {
            throw .unsupported("a zip that torch.save did not write (no data.pkl in it)")
        }
        folder = String(path.dropLast("data.pkl".count))
        if let order = try archive.contents(folder + "byteorder"), !order.elementsEqual("little".utf8) {
            throw .unsupported("a big-endian checkpoint")
        }
        pickle = try Unpickler.read(try archive.contents(path) ?? .init(start: nil, count: 0), at: 0)
    }

    func elements(of storage: Pickle.Storage) throws(CheckpointError) -> UnsafeRawBufferPointer {
        guard let contents = try archive.contents("\(folder)data/\(storage.key)") else { throw .missingStorage(key: storage.key) }
        let (size, overflow) = storage.wholeCount.multipliedReportingOverflow(by: storage.type.size)
        guard !overflow, contents.count == size else {
            throw .wrongStorageSize(key: storage.key, found: contents.count, expected: overflow ? .max : size)
        }
        return contents
    }
}
