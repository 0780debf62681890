import SRDImage

/// A PNG writer of its own, so that a test never asks libpng about libpng: no filter, no compression.
struct RawPNG {
    enum ColorType: UInt8, CaseIterable, Sendable { case gray = 0, rgb = 2, palette = 3, grayAlpha = 4, rgba = 6 }

    var width: Int
    var height: Int
    var colorType: ColorType
    var bitDepth: Int
    var isInterlaced = false
    /// `[height][width][channels]`, as stored.
    var values: [Int]
    /// `[entry][3]`, each 0…255.
    var palette: [Int] = []
    /// Opacity of the first palette entries, or the one gray or RGB value that is transparent.
    var transparency: [Int]?
    var chunksBeforeData: [ImageMetadata.Chunk] = []
    var chunksAfterData: [ImageMetadata.Chunk] = []

    var channels: Int {
        switch colorType {
        case .gray, .palette: 1
        case .grayAlpha: 2
        case .rgb: 3
        case .rgba: 4
        }
    }
}

extension RawPNG {
    /// Every value the type can hold turns up when there are pixels enough.
    static func random(
        width: Int, height: Int, _ colorType: ColorType, bitDepth: Int, isInterlaced: Bool, isTransparent: Bool,
        using random: inout some RandomNumberGenerator
    ) -> RawPNG {
        var png = RawPNG(width: width, height: height, colorType: colorType, bitDepth: bitDepth, values: [])
        png.isInterlaced = isInterlaced
        png.values = (0..<width * height * png.channels).map { _ in Int.random(in: 0..<1 << bitDepth, using: &random) }
        if colorType == .palette {
            png.palette = (0..<3 << bitDepth).map { _ in Int.random(in: 0...255, using: &random) }
        }
        if isTransparent {
            png.transparency =
                colorType == .palette
                ? (0..<(1 << bitDepth) - 1).map { _ in Int.random(in: 0...255, using: &random) }
                : Array(png.values.prefix(png.channels))
        }
        return png
    }

    /// What a reader should make of it, by the PNG specification.
    var image: Image {
        var samples: [UInt16] = []
        for start in stride(from: 0, to: values.count, by: channels) {
            let pixel = Array(values[start..<start + channels])
            if colorType == .palette {
                samples += palette[3 * pixel[0]..<3 * pixel[0] + 3].map(UInt16.init)
                if let transparency {
                    samples.append(pixel[0] < transparency.count ? UInt16(transparency[pixel[0]]) : 255)
                }
            } else {
                let maximum = bitDepth == 16 ? 65535 : 255
                samples += pixel.map { UInt16($0 * maximum / ((1 << bitDepth) - 1)) }
                if let transparency { samples.append(pixel == transparency ? 0 : UInt16(maximum)) }
            }
        }
        return Image(
            width: width, height: height, channels: samples.count / (width * height), bitDepth: bitDepth == 16 ? 16 : 8,
            samples: samples
        )
    }

    var bytes: [UInt8] {
        var out = Self.signature
        out += Self.chunk("IHDR", Self.header(width, height, bitDepth: bitDepth, colorType, isInterlaced: isInterlaced))
        if colorType == .palette { out += Self.chunk("PLTE", palette.map(UInt8.init)) }
        if let transparency {
            out += Self.chunk(
                "tRNS", transparency.flatMap { colorType == .palette ? [UInt8($0)] : bigEndian($0, bytes: 2) })
        }
        for chunk in chunksBeforeData { out += Self.chunk(chunk.type, chunk.data) }
        out += Self.chunk("IDAT", Self.stored(scanlines))
        for chunk in chunksAfterData { out += Self.chunk(chunk.type, chunk.data) }
        return out + Self.chunk("IEND", [])
    }

    private var scanlines: [UInt8] {
        // Adam7: first column and row, steps.
        let passes: [(Int, Int, Int, Int)] =
            isInterlaced
            ? [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
            : [(0, 0, 1, 1)]
        var out: [UInt8] = []
        for (x0, y0, dx, dy) in passes where x0 < width {
            for y in stride(from: y0, to: height, by: dy) {
                var row: [Int] = []
                for x in stride(from: x0, to: width, by: dx) {
                    let start = (y * width + x) * channels
                    row += values[start..<start + channels]
                }
                out += [0] + packed(row)
            }
        }
        return out
    }

    private func packed(_ row: [Int]) -> [UInt8] {
        guard bitDepth < 8 else { return row.flatMap { bigEndian($0, bytes: bitDepth / 8) } }
        var out = [UInt8](repeating: 0, count: (row.count * bitDepth + 7) / 8)
        for (i, value) in row.enumerated() {
            let bit = i * bitDepth
            out[bit / 8] |= UInt8(value << (8 - bitDepth - bit % 8))
        }
        return out
    }
}

// MARK: - The container

extension RawPNG {
    static let signature: [UInt8] = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]

    static func header(
        _ width: Int, _ height: Int, bitDepth: Int = 8, _ colorType: ColorType = .rgb, isInterlaced: Bool = false
    ) -> [UInt8] {
        bigEndian(width, bytes: 4) + bigEndian(height, bytes: 4)
            + [UInt8(bitDepth), colorType.rawValue, 0, 0, isInterlaced ? 1 : 0]
    }

    static func chunk(_ type: String, _ data: [UInt8]) -> [UInt8] {
        let body = Array(type.utf8) + data
        return bigEndian(data.count, bytes: 4) + body + bigEndian(Int(crc32(body)), bytes: 4)
    }

    /// A zlib stream of stored blocks.
    static func stored(_ data: [UInt8]) -> [UInt8] {
        var out: [UInt8] = [0x78, 0x01]
        for start in stride(from: 0, to: data.count, by: 65535) {
            let block = data[start..<min(start + 65535, data.count)]
            let count = UInt16(block.count)
            out += [block.endIndex == data.count ? 1 : 0]
            out += [UInt8(count & 255), UInt8(count >> 8), UInt8(~count & 255), UInt8(~count >> 8)]
            out += block
        }
        var a = 1, b = 0  // Adler-32
        for byte in data {
            a = (a + Int(byte)) % 65521
            b = (b + a) % 65521
        }
        return out + bigEndian(b << 16 | a, bytes: 4)
    }

    /// Where each chunk begins, and its type and data.
    static func chunks(of file: [UInt8]) -> [(start: Int, chunk: ImageMetadata.Chunk)] {
        var out: [(start: Int, chunk: ImageMetadata.Chunk)] = []
        var start = 8
        while start + 12 <= file.count {
            let end = start + 8 + file[start..<start + 4].reduce(0) { $0 << 8 | Int($1) }
            guard end + 4 <= file.count else { break }
            let type = String(decoding: file[start + 4..<start + 8], as: UTF8.self)
            out.append((start, ImageMetadata.Chunk(type: type, data: Array(file[start + 8..<end]))))
            start = end + 4
        }
        return out
    }

    /// The file with every CRC made right, so that a damaged byte gets past the CRC.
    static func withCRCsMended(_ file: [UInt8]) -> [UInt8] {
        var out = file
        for (start, chunk) in chunks(of: file) {
            let end = start + 8 + chunk.data.count
            out.replaceSubrange(end..<end + 4, with: bigEndian(Int(crc32(Array(file[start + 4..<end]))), bytes: 4))
        }
        return out
    }

    private static func crc32(_ bytes: [UInt8]) -> UInt32 {
        var crc: UInt32 = ~0
        for byte in bytes {
            crc ^= UInt32(byte)
            for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xedb8_8320 : crc >> 1 }
        }
        return ~crc
    }
}

func bigEndian(_ value: Int, bytes count: Int) -> [UInt8] {
    (0..<count).reversed().map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
}
