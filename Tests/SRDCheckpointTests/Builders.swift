import SRDFile

/// Pickles put together by hand, right or wrong. Each function gives the instructions that leave one value on the stack.
enum P {
    static let none: [UInt8] = [0x4e], emptyTuple: [UInt8] = [0x29], emptyDict: [UInt8] = [0x7d], mark: [UInt8] = [0x28]

    static func pickle(_ body: [UInt8], protocolVersion: UInt8 = 2) -> [UInt8] { [0x80, protocolVersion] + body + [0x2e] }

    static func int(_ value: Int) -> [UInt8] { [0x8a, 8] + littleEndian(Int64(value)) }
    static func string(_ text: String) -> [UInt8] { [0x58] + littleEndian(UInt32(text.utf8.count)) + Array(text.utf8) }
    static func global(_ module: String, _ name: String) -> [UInt8] { [0x63] + Array("\(module)\n\(name)\n".utf8) }
    static func tuple(_ items: [[UInt8]]) -> [UInt8] { mark + items.joined() + [0x74] }
    static func ints(_ values: [Int]) -> [UInt8] { tuple(values.map(int)) }
    static func list(_ items: [[UInt8]]) -> [UInt8] { [0x5d] + mark + items.joined() + [0x65] }
    static func dict(_ members: [(String, [UInt8])]) -> [UInt8] {
        emptyDict + mark + members.flatMap { string($0.0) + $0.1 } + [0x75]
    }
    static func call(_ function: [UInt8], _ arguments: [[UInt8]]) -> [UInt8] { function + tuple(arguments) + [0x52] }

    static func storage(_ key: String, _ type: String = "FloatStorage", count: Int, view: [UInt8]? = nil) -> [UInt8] {
        tuple([string("storage"), global("torch", type), string(key), string("cpu"), int(count)] + (view.map { [$0] } ?? [])) + [0x51]
    }

    static func tensor(_ storage: [UInt8], offset: Int = 0, _ shape: [Int], strides: [Int]) -> [UInt8] {
        call(global("torch._utils", "_rebuild_tensor_v2"), [storage, int(offset), ints(shape), ints(strides), [0x89], emptyDict])
    }
}

func littleEndian<T: FixedWidthInteger>(_ value: T) -> [UInt8] { withUnsafeBytes(of: value.littleEndian) { Array($0) } }

func floatBytes(_ values: [Float]) -> [UInt8] { values.flatMap { littleEndian($0.bitPattern) } }

/// A legacy torch file around the instructions of its object.
func legacyFile(_ object: [UInt8], storages: [(key: String, count: Int, bytes: [UInt8])] = [], littleEndianSystem: Bool = true) -> [UInt8] {
    let magic: [UInt8] = [0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19]
    let system = P.dict([("protocol_version", P.int(1001)), ("little_endian", [littleEndianSystem ? 0x88 : 0x89])])
    let head = [magic, P.int(1001), system, object, P.list(storages.map { P.string($0.key) })].flatMap { P.pickle($0) }
    return head + storages.flatMap { littleEndian(Int64($0.count)) + $0.bytes }
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
    var file: [UInt8] = [], directory: [UInt8] = []
    for member in members {
        let name = Array(member.name.utf8), crc = littleEndian(member.crc ?? plainCRC32(member.bytes))
        let size = littleEndian(member.claimedSize ?? UInt32(member.bytes.count)), ones = littleEndian(UInt32.max)
        let local = littleEndian(UInt32(0x0403_4b50)) + littleEndian(UInt16(20)) + littleEndian(member.flags) + littleEndian(member.method)
        let offset = UInt64(file.count)
        let extra = littleEndian(UInt16(0x5555)) + littleEndian(UInt16(3)) + [1, 2, 3]
        file += local + [0, 0, 0, 0] + crc + size + size + littleEndian(UInt16(name.count)) + littleEndian(UInt16(extra.count)) + name + extra
        file += member.bytes
        let wide = littleEndian(UInt64(member.bytes.count)) + littleEndian(UInt64(member.bytes.count)) + littleEndian(offset)
        let field = zip64 ? extra + littleEndian(UInt16(1)) + littleEndian(UInt16(24)) + wide : extra
        directory += littleEndian(UInt32(0x0201_4b50)) + [20, 0, 20, 0] + littleEndian(member.flags) + littleEndian(member.method)
        directory += [0, 0, 0, 0] + crc + (zip64 ? ones + ones : size + size) + littleEndian(UInt16(name.count)) + littleEndian(UInt16(field.count))
        directory += [UInt8](repeating: 0, count: 10) + (zip64 ? ones : littleEndian(UInt32(offset))) + name + field
    }
    let start = file.count
    file += directory
    let entries = count ?? UInt16(members.count)
    if zip64 {
        let record = file.count
        file += littleEndian(UInt32(0x0606_4b50)) + littleEndian(UInt64(44)) + [45, 0, 45, 0] + [UInt8](repeating: 0, count: 8)
        file += littleEndian(UInt64(entries)) + littleEndian(UInt64(entries)) + littleEndian(UInt64(directory.count)) + littleEndian(UInt64(start))
        file += littleEndian(UInt32(0x0706_4b50)) + [0, 0, 0, 0] + littleEndian(UInt64(record)) + [1, 0, 0, 0]
    }
    file += littleEndian(UInt32(0x0605_4b50)) + [0, 0, 0, 0]
    file += littleEndian(zip64 ? .max : entries) + littleEndian(zip64 ? .max : entries)
    file += littleEndian(zip64 ? .max : UInt32(directory.count)) + littleEndian(zip64 ? .max : UInt32(start))
    return file + littleEndian(UInt16(comment.count)) + comment
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
