import CSHA256

/// SHA-256 (FIPS 180-4). Ours, because swift-crypto brings Foundation and asks for a newer Swift than the boards have.
public struct SHA256: Sendable {
    private var state: [UInt32] = [
        0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
    ]
    private var pending: [UInt8] = []  // what has come since the last whole block of 64 bytes
    private var count = 0  // bytes so far

    public init() {}

    /// The digest of `bytes`, 64 lower-case hexadecimal digits.
    public static func hex(_ bytes: UnsafeRawBufferPointer) -> String {
        var sha = SHA256()
        sha.update(bytes)
        return sha.hexDigest()
    }

    public static func hex(_ bytes: [UInt8]) -> String { bytes.withUnsafeBytes { hex($0) } }

    public mutating func update(_ bytes: UnsafeRawBufferPointer) {
        count += bytes.count
        var start = 0
        if !pending.isEmpty {
            start = min(64 - pending.count, bytes.count)
            pending += bytes[..<start]
            guard pending.count == 64 else { return }
            pending.withUnsafeBytes { Self.compress($0, into: &state) }
            pending.removeAll(keepingCapacity: true)
        }
        let whole = start + (bytes.count - start) / 64 * 64
        Self.compress(UnsafeRawBufferPointer(rebasing: bytes[start..<whole]), into: &state)
        pending += bytes[whole...]
    }

    /// Adds the bytes of 16-bit words, such as an image's samples, in little-endian order.
    public mutating func update(_ words: [UInt16]) {
        words.map(\.littleEndian).withUnsafeBytes { update($0) }
    }

    /// Ends the message: use the value no further.
    public mutating func hexDigest() -> String {
        let bits = UInt64(count) * 8
        var padding: [UInt8] = [0x80] + [UInt8](repeating: 0, count: (119 - count % 64) % 64)
        padding += (0..<8).map { UInt8(truncatingIfNeeded: bits >> (56 - 8 * $0)) }
        padding.withUnsafeBytes { update($0) }
        return state.map { word in
            let digits = String(word, radix: 16)
            return String(repeating: "0", count: 8 - digits.count) + digits
        }.joined()
    }

    private static func compress(_ blocks: UnsafeRawBufferPointer, into state: inout [UInt32]) {
        guard let bytes = blocks.bindMemory(to: UInt8.self).baseAddress else { return }
        srd_sha256(&state, bytes, blocks.count / 64)
    }
}
