import SRDFile

/// The format of `torch.save` since 1.6: a zip of `NAME/data.pkl` and a member `NAME/data/KEY` for each storage.
struct TorchZipFile: TorchFile {
    let pickle: Pickle
    private let archive: ZipArchive
    private let folder: String  // with its slash

    init(_ file: MappedFile) throws(CheckpointError) {
        archive = try ZipArchive(file)
        let names = archive.names
        let pickles = names.filter { $0 == "data.pkl" || $0.hasSuffix("/data.pkl") }
        guard let path = pickles.min(by: { $0.utf8.count < $1.utf8.count }) else {
            if let foreign = ForeignFormat(zipMembers: names) { throw .foreign(foreign) }
            throw .unsupported("a zip that torch.save did not write (no data.pkl in it)")
        }
        folder = String(path.dropLast("data.pkl".count))
        if names.contains(folder + "constants.pkl") { throw .foreign(.torchScript) }
        if let order = try archive.contents(folder + "byteorder"), !order.withBytes({ $0.elementsEqual("little".utf8) })
        {
            throw .unsupported("a big-endian checkpoint")
        }
        let contents = try archive.contents(path)
        pickle =
            try contents?.withBytes { bytes throws(CheckpointError) in try Unpickler.read(bytes, at: 0) } ?? Pickle()
    }

    func elements(of storage: Pickle.Storage) throws(CheckpointError) -> FileSlice {
        guard let contents = try archive.contents("\(folder)data/\(storage.key)") else {
            throw .missingStorage(key: storage.key)
        }
        let (size, overflow) = storage.wholeCount.multipliedReportingOverflow(by: storage.type.size)
        guard !overflow, contents.count == size else {
            throw .wrongStorageSize(key: storage.key, found: contents.count, expected: overflow ? .max : size)
        }
        return contents
    }
}
