/// The members of a zip archive (PKWARE APPNOTE 6.3), zip64 included, as far as torch writes them: stored, not compressed.
struct ZipArchive {
    private struct Member {
        let method: UInt16, isEncrypted: Bool
        let crc: UInt32
        let storedSize: UInt64, size: UInt64, localHeader: UInt64
    }

    private let bytes: UnsafeRawBufferPointer
    private let members: [String: Member]

    var names: [String] { members.keys.sorted() }

    init(_ bytes: UnsafeRawBufferPointer) throws(CheckpointError) {
        self.bytes = bytes
        let directory = try Self.findDirectory(bytes)
        var reader = try ByteReader(bytes, at: directory.start, of: "the zip directory")
        var members: [String: Member] = [:]
        var total: UInt64 = 0
        for _ in 0..<directory.count {
            let start = reader.position
            let (name, member) = try Self.member(&reader)
            guard members.updateValue(member, forKey: name) == nil else { throw .malformed("zip member \(name) comes twice", at: start) }
            // Members that shared their bytes could make a small file endless.
            let (sum, overflow) = total.addingReportingOverflow(member.storedSize)
            guard !overflow, sum <= UInt64(bytes.count) else { throw .malformed("zip members larger than the file", at: start) }
            total = sum
        }
        self.members = members
    }

    /// A member's bytes, proved by their checksum; nil when there is none of this name.
    func contents(_ name: String) throws(CheckpointError) -> UnsafeRawBufferPointer? {
        guard let member = members[name] else { return nil }
        guard !member.isEncrypted else { throw .unsupported("the encrypted zip member \(name)") }
        guard member.method == 0, member.storedSize == member.size else {
            throw .unsupported("the compressed zip member \(name) (method \(member.method))")
        }
        var reader = try ByteReader(bytes, at: Int(clamping: member.localHeader), of: "zip member \(name)")
        let start = reader.position
        guard try reader.integer(UInt32.self) == 0x0403_4b50 else { throw .malformed("zip member \(name) has no header", at: start) }
        _ = try reader.take(22)        // all that counts is in the directory
        let nameCount = Int(try reader.integer(UInt16.self)), extraCount = Int(try reader.integer(UInt16.self))
        _ = try reader.take(nameCount + extraCount)
        let contents = bytes.slice(try reader.take(Int(clamping: member.size)))
        guard CRC32.of(contents) == member.crc else { throw .badChecksum(member: name) }
        return contents
    }

    /// "End of central directory", the last thing in the file but for a comment; section 4.3.16.
    private static func findDirectory(_ bytes: UnsafeRawBufferPointer) throws(CheckpointError) -> (start: Int, count: UInt64) {
        let recordSize = 22
        guard bytes.count >= recordSize else { throw .truncated(what: "the zip directory", needs: recordSize, has: bytes.count) }
        let last = bytes.count - recordSize
        let found = stride(from: last, through: max(0, last - 0xffff), by: -1).first {
            bytes.loadUnaligned(fromByteOffset: $0, as: UInt32.self) == UInt32(littleEndian: 0x0605_4b50)
        }
        guard let end = found else { throw .malformed("the zip directory is missing: the file is cut short", at: bytes.count) }
        var reader = try ByteReader(bytes, at: end + 10, of: "the zip directory")
        let count = try reader.integer(UInt16.self), size = try reader.integer(UInt32.self), start = try reader.integer(UInt32.self)
        guard count == .max || size == .max || start == .max else { return (Int(start), UInt64(count)) }

        // Zip64: a locator before the record, which points at a longer record; sections 4.3.14 and 4.3.15.
        guard end >= 20 else { throw .malformed("the zip64 directory is missing", at: end) }
        var locator = try ByteReader(bytes, at: end - 20, of: "the zip64 directory")
        guard try locator.integer(UInt32.self) == 0x0706_4b50 else { throw .malformed("the zip64 directory is missing", at: end - 20) }
        _ = try locator.take(4)
        let record = Int(clamping: try locator.integer(UInt64.self))
        var long = try ByteReader(bytes, at: record, of: "the zip64 directory")
        guard try long.integer(UInt32.self) == 0x0606_4b50 else { throw .malformed("the zip64 directory is missing", at: record) }
        _ = try long.take(28)
        let longCount = try long.integer(UInt64.self)
        _ = try long.take(8)
        return (Int(clamping: try long.integer(UInt64.self)), longCount)
    }

    /// A directory entry; section 4.3.12.
    private static func member(_ reader: inout ByteReader) throws(CheckpointError) -> (String, Member) {
        let start = reader.position
        guard try reader.integer(UInt32.self) == 0x0201_4b50 else { throw .malformed("a zip directory entry expected", at: start) }
        _ = try reader.take(4)
        let flags = try reader.integer(UInt16.self), method = try reader.integer(UInt16.self)
        _ = try reader.take(4)
        let crc = try reader.integer(UInt32.self)
        var storedSize = UInt64(try reader.integer(UInt32.self)), size = UInt64(try reader.integer(UInt32.self))
        let nameCount = Int(try reader.integer(UInt16.self)), extraCount = Int(try reader.integer(UInt16.self))
        let commentCount = Int(try reader.integer(UInt16.self))
        _ = try reader.take(8)
        var localHeader = UInt64(try reader.integer(UInt32.self))
        let name = try reader.text(try reader.take(nameCount))

        let extra = try reader.take(extraCount)
        var fields = try ByteReader(reader.bytes.slice(0..<extra.upperBound), at: extra.lowerBound, of: "zip member \(name)")
        while fields.position + 4 <= extra.upperBound {
            let id = try fields.integer(UInt16.self)
            let field = try fields.take(countedBy: UInt16.self)
            guard id == 1 else { continue }
            // Zip64: in this order, those that are all ones in the entry; section 4.5.3.
            var wide = try ByteReader(reader.bytes.slice(0..<field.upperBound), at: field.lowerBound, of: "zip member \(name)")
            if size == UInt32.max { size = try wide.integer(UInt64.self) }
            if storedSize == UInt32.max { storedSize = try wide.integer(UInt64.self) }
            if localHeader == UInt32.max { localHeader = try wide.integer(UInt64.self) }
        }
        _ = try reader.take(commentCount)
        return (name, Member(
            method: method, isEncrypted: flags & 1 != 0, crc: crc, storedSize: storedSize, size: size, localHeader: localHeader
        ))
    }
}

/// The checksum of zip and PNG (ISO 3309), eight bytes at a time.
enum CRC32 {
    static func of(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        var crc = UInt32.max
        var i = 0
        tables.withUnsafeBufferPointer { table in
            while i + 8 <= bytes.count {
                let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: i, as: UInt64.self)) ^ UInt64(crc)
                crc = 0
                for k in 0..<8 { crc ^= table[(7 - k) << 8 | Int(word >> (8 * UInt64(k)) & 0xff)] }
                i += 8
            }
            while i < bytes.count {
                crc = crc >> 8 ^ table[Int((crc ^ UInt32(bytes[i])) & 0xff)]
                i += 1
            }
        }
        return ~crc
    }

    /// tables[k · 256 + b]: the remainder of byte b with k zero bytes after it.
    private static let tables: [UInt32] = {
        var tables = [UInt32](repeating: 0, count: 8 * 256)
        for byte in 0..<256 {
            var crc = UInt32(byte)
            for _ in 0..<8 { crc = crc & 1 == 0 ? crc >> 1 : (crc >> 1) ^ 0xedb8_8320 }
            tables[byte] = crc
        }
        for i in 256..<tables.count {
            let shorter = tables[i - 256]
            tables[i] = shorter >> 8 ^ tables[Int(shorter & 0xff)]
        }
        return tables
    }()
}
