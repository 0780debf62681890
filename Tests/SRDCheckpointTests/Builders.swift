import SRDFile

/// Pieces put together. Long sums of arrays would keep the compiler busy for minutes.
func bytes(_ pieces: [UInt8]...) -> [UInt8] { Array(pieces.joined()) }

func littleEndian<T: FixedWidthInteger>(_ value: T) -> [UInt8] { withUnsafeBytes(of: value.littleEndian) { Array($0) } }

func floatBytes(_ values: [Float]) -> [UInt8] { values.flatMap { littleEndian($0.bitPattern) } }

/// Pickles put together by hand, right or wrong. Each function gives the instructions that leave one value on the
/// stack.
enum P {
    static let none: [UInt8] = [0x4e], emptyTuple: [UInt8] = [0x29], emptyDict: [UInt8] = [0x7d], mark: [UInt8] = [0x28]

    static func pickle(_ body: [UInt8], protocolVersion: UInt8 = 2) -> [UInt8] {
        bytes([0x80, protocolVersion], body, [0x2e])
    }

    static func int(_ value: Int) -> [UInt8] { bytes([0x8a, 8], littleEndian(Int64(value))) }
    static func string(_ text: String) -> [UInt8] {
        bytes([0x58], littleEndian(UInt32(text.utf8.count)), Array(text.utf8))
    }
    static func global(_ module: String, _ name: String) -> [UInt8] {
        bytes([0x63], Array("\(module)\n\(name)\n".utf8))
    }
    static func tuple(_ items: [[UInt8]]) -> [UInt8] { bytes(mark, Array(items.joined()), [0x74]) }
    static func ints(_ values: [Int]) -> [UInt8] { tuple(values.map(int)) }
    static func list(_ items: [[UInt8]]) -> [UInt8] { bytes([0x5d], mark, Array(items.joined()), [0x65]) }
    static func dict(_ members: [(String, [UInt8])]) -> [UInt8] {
        bytes(emptyDict, mark, members.flatMap { bytes(string($0.0), $0.1) }, [0x75])
    }
    static func call(_ function: [UInt8], _ arguments: [[UInt8]]) -> [UInt8] {
        bytes(function, tuple(arguments), [0x52])
    }

    static func storage(_ key: String, _ type: String = "FloatStorage", count: Int, view: [UInt8]? = nil) -> [UInt8] {
        var id = [string("storage"), global("torch", type), string(key), string("cpu"), int(count)]
        if let view { id.append(view) }
        return bytes(tuple(id), [0x51])
    }

    static func tensor(_ storage: [UInt8], offset: Int = 0, _ shape: [Int], strides: [Int]) -> [UInt8] {
        call(
            global("torch._utils", "_rebuild_tensor_v2"),
            [storage, int(offset), ints(shape), ints(strides), [0x89], emptyDict])
    }
}

/// A legacy torch file around the instructions of its object.
func legacyFile(
    _ object: [UInt8], storages: [(key: String, count: Int, bytes: [UInt8])] = [], littleEndianSystem: Bool = true
) -> [UInt8] {
    let magic: [UInt8] = [0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19]
    let system = P.dict([("protocol_version", P.int(1001)), ("little_endian", [littleEndianSystem ? 0x88 : 0x89])])
    let keys = P.list(storages.map { P.string($0.key) })
    var file = bytes(P.pickle(magic), P.pickle(P.int(1001)), P.pickle(system), P.pickle(object), P.pickle(keys))
    for storage in storages { file += bytes(littleEndian(Int64(storage.count)), storage.bytes) }
    return file
}

/// A zip whose members may lie about themselves. Nothing is aligned.
struct ZipMember {
    var name: String
    var bytes: [UInt8]
    var method: UInt16 = 0
    var flags: UInt16 = 0
    var crc: UInt32?
    var claimedSize: UInt32?
}

func zip(_ members: [ZipMember], zip64: Bool = false, comment: [UInt8] = [], count: UInt16? = nil) -> [UInt8] {
    func short(_ value: Int) -> [UInt8] { littleEndian(UInt16(value)) }
    func word(_ value: Int) -> [UInt8] { littleEndian(UInt32(value)) }
    func long(_ value: Int) -> [UInt8] { littleEndian(UInt64(value)) }
    let ones = [UInt8](repeating: 0xff, count: 4), extra = bytes(short(0x5555), short(3), [1, 2, 3])
    var file: [UInt8] = [], directory: [UInt8] = []
    for member in members {
        let name = Array(member.name.utf8), offset = file.count
        let crc = littleEndian(member.crc ?? plainCRC32(member.bytes))
        let size = littleEndian(member.claimedSize ?? UInt32(member.bytes.count))
        let kind = bytes(littleEndian(member.flags), littleEndian(member.method), [0, 0, 0, 0], crc)
        file += bytes(
            word(0x0403_4b50), short(20), kind, size, size, short(name.count), short(extra.count), name, extra)
        file += member.bytes

        let wide = bytes(short(1), short(24), long(member.bytes.count), long(member.bytes.count), long(offset))
        let field = zip64 ? bytes(extra, wide) : extra
        directory += bytes(word(0x0201_4b50), short(20), short(20), kind, zip64 ? ones : size, zip64 ? ones : size)
        directory += bytes(
            short(name.count), short(field.count), [UInt8](repeating: 0, count: 10), zip64 ? ones : word(offset), name,
            field)
    }
    let start = file.count, entries = Int(count ?? UInt16(members.count))
    file += directory
    if zip64 {
        let record = file.count
        file += bytes(word(0x0606_4b50), long(44), short(45), short(45), long(0), long(entries), long(entries))
        file += bytes(long(directory.count), long(start), word(0x0706_4b50), word(0), long(record), word(1))
    }
    file += bytes(word(0x0605_4b50), word(0), zip64 ? ones : bytes(short(entries), short(entries)))
    file += bytes(zip64 ? ones : word(directory.count), zip64 ? ones : word(start), short(comment.count), comment)
    return file
}

/// Bit by bit, as the standard puts it.
func plainCRC32(_ bytes: [UInt8]) -> UInt32 {
    var crc = UInt32.max
    for byte in bytes {
        crc ^= UInt32(byte)
        for _ in 0..<8 { crc = crc & 1 == 0 ? crc >> 1 : (crc >> 1) ^ 0xedb8_8320 }
    }
    return ~crc
}
