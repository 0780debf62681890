/// The tags of the main and the EXIF directory of a TIFF structure, read independently of the library.
struct TIFFTags {
    enum Value: Equatable {
        case text(String)
        case numbers([Int])
    }

    private(set) var hasThumbnail = false
    private var values: [Int: Value] = [:]

    subscript(tag: Int) -> Value? { values[tag] }

    init?(_ bytes: [UInt8]) {
        guard bytes.count >= 8 else { return nil }
        let isLittle = bytes[0] == 0x49
        func number(_ start: Int, _ size: Int) -> Int {
            let field = bytes[start..<start + size]
            return (isLittle ? Array(field.reversed()) : Array(field)).reduce(0) { $0 << 8 | Int($1) }
        }
        func read(_ start: Int, into values: inout [Int: Value]) -> Int {
            let count = number(start, 2)
            for i in 0..<count {
                let entry = start + 2 + 12 * i
                let type = number(entry + 2, 2)
                let valueCount = number(entry + 4, 4)
                let size = [1: 1, 2: 1, 3: 2, 4: 4, 5: 8][type] ?? 1
                let place = size * valueCount <= 4 ? entry + 8 : number(entry + 8, 4)
                values[number(entry, 2)] =
                    switch type {
                    case 2: .text(String(decoding: bytes[place..<place + max(0, valueCount - 1)], as: UTF8.self))
                    case 3, 4: .numbers((0..<valueCount).map { number(place + size * $0, size) })
                    case 5: .numbers((0..<2 * valueCount).map { number(place + 4 * $0, 4) })
                    default: .numbers([])
                    }
            }
            return number(start + 2 + 12 * count, 4)
        }
        hasThumbnail = read(number(4, 4), into: &values) != 0
        if case .numbers(let offset)? = values[0x8769] { _ = read(offset[0], into: &values) }
    }
}
