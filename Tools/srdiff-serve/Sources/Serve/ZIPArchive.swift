import ServeHTTP

/// Files as one ZIP archive, stored as they are (images do not shrink) and written while it is sent.
struct ZIPArchive: Sendable {
    struct Entry: Sendable {
        let name: String
        let file: OpenFile
    }

    let entries: [Entry]

    /// Archives of 4 GiB and more need another format.
    var isPossible: Bool { entries.reduce(0) { $0 + $1.file.count + 512 } < 1 << 32 && entries.count < 1 << 16 }

    func write(to writer: HTTPWriter) async throws {
        var offset = 0, directory: [UInt8] = []
        for entry in entries {
            let name = Array(entry.name.utf8)
            // Flags: sizes and checksum follow the data; the name is UTF-8.
            let common = Self.bytes(20, 2) + Self.bytes(0x0808, 2) + Self.bytes(0, 2) + Self.bytes(0x0021_0000, 4)
            let head =
                Self.bytes(0x0403_4b50, 4) + common + Self.bytes(0, 12) + Self.bytes(name.count, 2) + Self.bytes(0, 2)
                + name
            try await writer.write(head)
            var checksum = CRC32(), position = 0
            while position < entry.file.count {
                let bytes = try entry.file.read(at: position, count: min(128 << 10, entry.file.count - position))
                checksum.add(bytes)
                position += bytes.count
                try await writer.write(bytes)
            }
            let sizes = Self.bytes(Int(checksum.value), 4) + Self.bytes(position, 4) + Self.bytes(position, 4)
            try await writer.write(Self.bytes(0x0807_4b50, 4) + sizes)
            directory += Self.bytes(0x0201_4b50, 4) + Self.bytes(20, 2) + common + sizes + Self.bytes(name.count, 2)
            directory += Self.bytes(0, 12) + Self.bytes(offset, 4) + name
            offset += head.count + position + 16
        }
        let count = Self.bytes(entries.count, 2)
        let end = Self.bytes(0x0605_4b50, 4) + Self.bytes(0, 4) + count + count + Self.bytes(directory.count, 4)
        try await writer.write(directory + end + Self.bytes(offset, 4) + Self.bytes(0, 2))
    }

    /// A number in little-endian order.
    private static func bytes(_ value: Int, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: $0 < 8 ? value >> (8 * $0) : 0) }
    }
}

/// The checksum of ZIP and PNG.
struct CRC32 {
    private var state: UInt32 = 0xffff_ffff

    private static let table: [UInt32] = (0..<256).map { index in
        (0..<8).reduce(UInt32(index)) { value, _ in value & 1 == 1 ? 0xedb8_8320 ^ value >> 1 : value >> 1 }
    }

    mutating func add(_ bytes: [UInt8]) {
        let table = Self.table
        for byte in bytes { state = table[Int((state ^ UInt32(byte)) & 0xff)] ^ state >> 8 }
    }

    var value: UInt32 { ~state }
}
