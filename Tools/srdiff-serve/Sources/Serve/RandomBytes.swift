/// Random bytes of the kernel, for names and tokens.
enum RandomBytes {
    static func hexadecimal(_ count: Int) -> String {
        var generator = SystemRandomNumberGenerator()  // getrandom(2) on Linux
        return (0..<count).map { _ in
            let byte = UInt8.random(in: 0...255, using: &generator)
            return (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }.joined()
    }
}
