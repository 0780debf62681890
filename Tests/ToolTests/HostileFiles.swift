import Foundation
import FuzzTargets
import SRDiff
import TestSupport

/// Files below 1 MB that are meant to exhaust a reader's memory or time.
enum HostileFiles {
    /// Seeds of the fuzzer, whole, cut off and damaged, and stored regressions.
    static func variants(of target: FuzzTarget) throws -> [[UInt8]] {
        let fixtures = SharedFiles.packageRoot.appendingPathComponent("Tests/Fixtures").path
        var random = SeededRandom(seed: SeededRandom.seed), files: [[UInt8]] = []
        for seed in try target.seeds(fixtures: fixtures) {
            files += [seed, Array(seed.prefix(seed.count / 2))]
            guard seed.count > 64 else { continue }
            var damaged = seed
            for _ in 0..<4 { damaged[Int.random(in: 8..<64, using: &random)] = .random(in: 0...255, using: &random) }
            files.append(damaged)
        }
        let stored = "\(fixtures)/regressions/\(target.rawValue)"
        for name in (try? list(stored)) ?? [] { files.append([UInt8](try contents("\(stored)/\(name)"))) }
        return files
    }

    /// The image is JPEG's smallest: a frame and a scan without data.
    private static let jpeg: [UInt8] = {
        let frame: [UInt8] = [0xff, 0xc0, 0, 17, 8, 0x3f, 0xff, 0x3f, 0xff, 3, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0]
        let scan: [UInt8] = [0xff, 0xda, 0, 12, 3, 1, 0, 2, 0, 3, 0, 0, 63, 0]
        return [0xff, 0xd8] + frame + scan + [0, 0xff, 0xd9]
    }()

    static func images() throws -> [(name: String, bytes: [UInt8])] {
        // The last two are as large as is decoded, and damaged at the end, so that the error comes late.
        let names = [
            "header.png", "header.ppm", "header.jpg", "bomb.png", "large.png", "damaged.png", "interlaced.png",
        ]
        let files: [[UInt8]] = [
            UpscaleTests.BadImage.header(16384, 16384), Array("P6 16384 16384 255\n".utf8), jpeg,
            try png(16384, 16384, channels: 1),
            try png(6000, 6000, channels: 3), damaged(try png(5700, 5700, channels: 3)),
            damaged(interlaced(try png(3700, 3800, channels: 3, rows: 3700), height: 3700)),
        ]
        return zip(names, files).map { (name: $0, bytes: $1) }
    }

    /// A black PNG, which deflate shrinks a thousandfold, with the setting that `srdiff-join` looks for.
    private static func png(_ width: Int, _ height: Int, channels: Int, rows: Int? = nil) throws -> [UInt8] {
        var metadata = ImageMetadata()
        metadata.addText(keyword: RunSettings.keyword, RunSettings.rows(0..<(rows ?? height), of: rows ?? height))
        let writer = try PNGRowWriter(width: width, height: height, channels: channels, bitDepth: 8, metadata: metadata)
        let row = [UInt8](repeating: 0, count: width * channels)
        var file: [UInt8] = []
        for _ in 0..<height {
            try writer.write(row: row)
            file += writer.takeBytes()
        }
        try writer.finish()
        return file + writer.takeBytes()
    }

    /// The file with a wrong checksum of its last image data.
    private static func damaged(_ file: [UInt8]) -> [UInt8] {
        var file = file, start = 8, last = 0
        while start + 12 <= file.count {
            let count = file[start..<start + 4].reduce(0) { $0 << 8 | Int($1) }
            if Array(file[start + 4..<start + 8]) == Array("IDAT".utf8) { last = start + 8 + count }
            start += 12 + count
        }
        file[last] ^= 1
        return file
    }

    /// The file with a header that says interlaced. Black rows are all alike, so a few more of them make up for the
    /// rows' filters.
    private static func interlaced(_ file: [UInt8], height: UInt16) -> [UInt8] {
        var header = Array(file[16..<29])
        header[4...7] = [0, 0, UInt8(height >> 8), UInt8(height & 255)]
        header[12] = 1
        return Array(file.prefix(8)) + chunk("IHDR", header) + file.dropFirst(33)
    }

    private static func chunk(_ type: String, _ data: [UInt8]) -> [UInt8] {
        func bytes(_ value: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) } }
        var crc = UInt32.max
        for byte in Array(type.utf8) + data {
            crc ^= UInt32(byte)
            for _ in 0..<8 { crc = crc >> 1 ^ (crc & 1 == 1 ? 0xedb8_8320 : 0) }
        }
        return bytes(UInt32(data.count)) + Array(type.utf8) + data + bytes(~crc)
    }
}
