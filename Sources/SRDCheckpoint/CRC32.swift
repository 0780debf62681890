/// The CRC-32 of zip and PNG (ISO 3309), computed eight bytes at a time.
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
