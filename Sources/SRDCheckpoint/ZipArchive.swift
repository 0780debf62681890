import SRDFile

/// The members of a zip archive (PKWARE APPNOTE 6.3), zip64 included. Only stored members can be read, as torch writes
/// them.
struct ZipArchive {
    private struct Member {
        let method: UInt16, isEncrypted: Bool
        let crc: UInt32
        let storedSize: UInt64, size: UInt64, localHeader: UInt64
    }

    /// Size up to which a directory is read: 400,000 members.
    private static let longestDirectory = 64 << 20

    private let file: MappedFile
    private let members: [String: Member]

    var names: [String] { members.keys.sorted() }

    init(_ file: MappedFile) throws(CheckpointError) {
        self.file = file
        let range = try Self.findDirectory(file)
        members = try file.read(range.bytes).withBytes { bytes throws(CheckpointError) in
            try Self.members(bytes, from: range.bytes.lowerBound, count: range.members, fileCount: file.count)
        }
    }

    private static func members(
        _ bytes: UnsafeRawBufferPointer, from base: Int, count: UInt64, fileCount: Int
    ) throws(CheckpointError) -> [String: Member] {
        var reader = try ByteReader(bytes, from: base, at: base, of: "the zip directory")
        var members: [String: Member] = [:]
        var total: UInt64 = 0
        for _ in 0..<count {
            let start = reader.position
            let (name, member) = try member(&reader)
            guard members.updateValue(member, forKey: name) == nil else {
                throw .malformed("zip member \(name.printable) occurs twice", at: start)
            }
            // Members that shared their bytes could make a small file endless.
            let (sum, overflow) = total.addingReportingOverflow(member.storedSize)
            guard !overflow, sum <= UInt64(fileCount) else {
                throw .malformed("zip members larger than the file", at: start)
            }
            total = sum
        }
        return members
    }

    /// The bytes of a member, verified by their checksum; nil if there is no member of this name.
    func contents(_ name: String) throws(CheckpointError) -> FileSlice? {
        guard let member = members[name] else { return nil }
        let name = name.printable
        guard !member.isEncrypted else { throw .unsupported("the encrypted zip member \(name)") }
        guard member.method == 0, member.storedSize == member.size else {
            throw .unsupported("the compressed zip member \(name) (method \(member.method))")
        }
        // Sizes and checksum are taken from the directory; only the length of the local header is needed.
        let start = Int(clamping: member.localHeader), headerSize = 30
        guard start <= file.count, headerSize <= file.count - start else {
            throw .truncated(what: "zip member \(name)", needs: start.addingClamped(headerSize), has: file.count)
        }
        let skipped = try file.read(start..<start + headerSize).withBytes { bytes throws(CheckpointError) in
            var reader = try ByteReader(bytes, from: start, at: start, of: "zip member \(name)")
            guard try reader.integer(UInt32.self) == 0x0403_4b50 else {
                throw .malformed("zip member \(name) has no header", at: start)
            }
            _ = try reader.take(22)
            return Int(try reader.integer(UInt16.self)) + Int(try reader.integer(UInt16.self))
        }
        let first = start + headerSize + skipped, size = Int(clamping: member.size)
        guard first <= file.count, size <= file.count - first else {
            throw .truncated(what: "zip member \(name)", needs: first.addingClamped(size), has: file.count)
        }
        let contents = try file.read(first..<first + size)
        guard contents.withBytes({ CRC32.of($0) }) == member.crc else { throw .badChecksum(member: name) }
        return contents
    }

    /// Finds the directory by the "end of central directory" record, which only a comment follows; section 4.3.16.
    private static func findDirectory(_ file: MappedFile) throws(CheckpointError) -> (
        bytes: Range<Int>, members: UInt64
    ) {
        let recordSize = 22, locatorSize = 20
        guard file.count >= recordSize else {
            throw .truncated(what: "the zip directory", needs: recordSize, has: file.count)
        }
        let base = max(0, file.count - recordSize - 0xffff - locatorSize)
        let tail = try file.read(base..<file.count)
        let (end, start, count) = try tail.withBytes { bytes throws(CheckpointError) -> (Int, Int, UInt64) in
            let last = bytes.count - recordSize
            let found = stride(from: last, through: max(0, last - 0xffff), by: -1).first {
                UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: $0, as: UInt32.self)) == 0x0605_4b50
            }
            guard let found else {
                throw .malformed("the zip directory is missing: the file is truncated", at: file.count)
            }
            let end = base + found
            var reader = try ByteReader(bytes, from: base, at: end + 10, of: "the zip directory")
            let count = try reader.integer(UInt16.self), size = try reader.integer(UInt32.self),
                start = try reader.integer(UInt32.self)
            guard count == .max || size == .max || start == .max else { return (end, Int(start), UInt64(count)) }

            // Zip64: a locator before the record points at a longer record; sections 4.3.14 and 4.3.15.
            guard found >= locatorSize else { throw .malformed("the zip64 directory is missing", at: end) }
            var locator = try ByteReader(bytes, from: base, at: end - locatorSize, of: "the zip64 directory")
            guard try locator.integer(UInt32.self) == 0x0706_4b50 else {
                throw .malformed("the zip64 directory is missing", at: end - locatorSize)
            }
            _ = try locator.take(4)
            let (start64, count64) = try longRecord(file, at: Int(clamping: try locator.integer(UInt64.self)))
            return (end, start64, count64)
        }
        guard start <= end else { throw .truncated(what: "the zip directory", needs: start, has: end) }
        guard end - start <= longestDirectory else {
            throw .tooMuch("bytes in the zip directory", limit: longestDirectory)
        }
        return (start..<end, count)
    }

    private static func longRecord(_ file: MappedFile, at position: Int) throws(CheckpointError) -> (
        start: Int, count: UInt64
    ) {
        let size = 56
        guard position <= file.count, size <= file.count - position else {
            throw .truncated(what: "the zip64 directory", needs: position.addingClamped(size), has: file.count)
        }
        return try file.read(position..<position + size).withBytes { bytes throws(CheckpointError) in
            var reader = try ByteReader(bytes, from: position, at: position, of: "the zip64 directory")
            guard try reader.integer(UInt32.self) == 0x0606_4b50 else {
                throw .malformed("the zip64 directory is missing", at: position)
            }
            _ = try reader.take(28)
            let count = try reader.integer(UInt64.self)
            _ = try reader.take(8)
            return (Int(clamping: try reader.integer(UInt64.self)), count)
        }
    }

    /// Reads a directory entry; section 4.3.12.
    private static func member(_ reader: inout ByteReader) throws(CheckpointError) -> (String, Member) {
        let start = reader.position
        guard try reader.integer(UInt32.self) == 0x0201_4b50 else {
            throw .malformed("a zip directory entry expected", at: start)
        }
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
        let what = "zip member \(name.printable)"
        var fields = try ByteReader(reader[extra], from: extra.lowerBound, at: extra.lowerBound, of: what)
        while fields.position + 4 <= extra.upperBound {
            let id = try fields.integer(UInt16.self)
            let field = try fields.take(countedBy: UInt16.self)
            guard id == 1 else { continue }
            // Zip64: the values that are all ones in the entry, in this order; section 4.5.3.
            var wide = try ByteReader(reader[field], from: field.lowerBound, at: field.lowerBound, of: what)
            if size == UInt32.max { size = try wide.integer(UInt64.self) }
            if storedSize == UInt32.max { storedSize = try wide.integer(UInt64.self) }
            if localHeader == UInt32.max { localHeader = try wide.integer(UInt64.self) }
        }
        _ = try reader.take(commentCount)
        return (
            name,
            Member(
                method: method, isEncrypted: flags & 1 != 0, crc: crc, storedSize: storedSize, size: size,
                localHeader: localHeader
            )
        )
    }
}

extension Int {
    func addingClamped(_ other: Int) -> Int {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? .max : sum
    }
}

extension MappedFile {
    func read(_ range: Range<Int>) throws(CheckpointError) -> FileSlice {
        do throws(FileError) { return try slice(range) } catch { throw .file(error) }
    }
}
