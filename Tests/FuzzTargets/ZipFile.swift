/// Torch's zip container around a pickle, with one storage.
enum ZipFile {
    /// Bytes of the storage "0".
    static let storage = [UInt8](repeating: 0x3f, count: 4096)

    static func archive(pickle: [UInt8]) -> [UInt8] {
        let members = [
            ("archive/data.pkl", pickle), ("archive/data/0", storage), ("archive/version", Array("3\n".utf8)),
        ]
        var file: [UInt8] = [], directory: [UInt8] = []
        for (name, bytes) in members {
            var common: [UInt8] = little(0, 2)  // flags
            common += little(0, 2) + little(0, 4) + little(Int(Checksum.crc32(bytes)), 4)
            common += little(bytes.count, 4) + little(bytes.count, 4) + little(name.utf8.count, 2) + little(0, 2)
            let offset = file.count
            file += little(0x0403_4b50, 4) + little(20, 2) + common + Array(name.utf8) + bytes
            directory += little(0x0201_4b50, 4) + little(20, 2) + little(20, 2) + common
            directory += [UInt8](repeating: 0, count: 10) + little(offset, 4) + Array(name.utf8)
        }
        let start = file.count
        file += directory
        file += little(0x0605_4b50, 4) + little(0, 4) + little(members.count, 2) + little(members.count, 2)
        return file + little(directory.count, 4) + little(start, 4) + little(0, 2)
    }

    /// The pickle in a file that torch wrote: its first member, which is stored.
    static func pickle(in archive: [UInt8]) -> [UInt8]? {
        guard archive.count > 30, archive.starts(with: [0x50, 0x4b, 3, 4]) else { return nil }
        let start = 30 + Int(archive[26]) + Int(archive[27]) << 8 + Int(archive[28]) + Int(archive[29]) << 8
        // Up to the next signature: torch leaves the sizes of the header zero.
        let end = archive.indices.dropFirst(start).first { i in
            i + 4 <= archive.count && archive[i] == 0x50 && archive[i + 1] == 0x4b
                && (archive[i + 2] == 7 && archive[i + 3] == 8 || archive[i + 2] == 3 && archive[i + 3] == 4)
        }
        return end.map { Array(archive[start..<$0]) }
    }

    private static func little(_ value: Int, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
}

enum Checksum {
    private static let table: [UInt32] = (0..<256).map { byte in
        (0..<8).reduce(UInt32(byte)) { crc, _ in crc & 1 == 0 ? crc >> 1 : (crc >> 1) ^ 0xedb8_8320 }
    }

    /// CRC-32 of zip and PNG.
    static func crc32(_ bytes: some Sequence<UInt8>) -> UInt32 {
        ~bytes.reduce(UInt32.max) { $0 >> 8 ^ table[Int(($0 ^ UInt32($1)) & 0xff)] }
    }
}
