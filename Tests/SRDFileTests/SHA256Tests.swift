import CSHA256
import SRDFile
import Testing

@Suite("SHA-256 is FIPS 180-4's")
struct SHA256Tests {
    @Test(
        "the standard's examples and a million letters",
        arguments: [
            ("", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            ("abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (
                "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
                "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
            ),
            ("a", 1_000_000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"),
        ])
    func examples(text: String, times: Int, digest: String) {
        #expect(SHA256.hex(Array(String(repeating: text, count: times).utf8)) == digest)
    }

    @Test("the processor's instructions give what plain C gives")
    func instructions() {
        var generator = SystemRandomNumberGenerator()
        let bytes = (0..<64 * 20 + 3).map { _ in UInt8.random(in: 0...255, using: &generator) }
        for blocks in 0..<20 {
            var state = (0..<8).map { _ in UInt32.random(in: 0...UInt32.max, using: &generator) }, expected = state
            let message = Array(bytes[(blocks % 4)...])
            srd_sha256(&state, message, blocks)
            srd_sha256_scalar(&expected, message, blocks)
            #expect(state == expected, "\(blocks) blocks of \(message)")
        }
    }

    @Test("pieces give what the whole gives, for every length around a block's")
    func pieces() {
        let message = (0..<200).map { UInt8($0) }
        for count in 0...message.count {
            var sha = SHA256()
            for piece in stride(from: 0, to: count, by: 1 + count % 7) {
                message[piece..<min(count, piece + 1 + count % 7)].withUnsafeBytes { sha.update($0) }
            }
            #expect(sha.hexDigest() == SHA256.hex(Array(message[..<count])), "\(count) bytes")
        }
    }
}
