import SRDTensor

/// PyTorch's CPU generator: MT19937 (Matsumoto & Nishimura 1998) and PyTorch's conversion of its words to normal
/// numbers.
public struct TorchRandom: Sendable {
    private var state: [UInt32]
    private var position: Int
    /// The second half of a Box–Muller pair, kept for the next number (small draws only).
    private var spare: Double?

    /// Creates the state after `torch.manual_seed(seed)`, which uses the low 32 bits.
    public init(seed: UInt64) {
        state = [UInt32(truncatingIfNeeded: seed)]
        for i in 1..<624 {
            let last = state[i - 1]
            state.append(1_812_433_253 &* (last ^ (last >> 30)) &+ UInt32(i))
        }
        position = 624
    }

    mutating func next() -> UInt32 {
        if position == 624 { regenerate() }
        var y = state[position]
        position += 1
        y ^= y >> 11
        y ^= (y << 7) & 0x9d2c_5680
        y ^= (y << 15) & 0xefc6_0000
        return y ^ (y >> 18)
    }

    private mutating func regenerate() {
        for i in 0..<624 {
            let y = (state[i] & 0x8000_0000) | (state[(i + 1) % 624] & 0x7fff_ffff)
            state[i] = state[(i + 397) % 624] ^ (y >> 1) ^ (y & 1 == 0 ? 0 : 0x9908_b0df)
        }
        position = 0
    }

    /// Returns `torch.randn(count)`, float32, contiguous.
    public mutating func normal(count: Int) -> [Float] {
        guard count >= 16 else { return (0..<count).map { _ in Float(boxMuller()) } }
        var values = (0..<count).map { _ in uniform() }
        for start in stride(from: 0, through: count - 16, by: 16) { Self.transform(&values, at: start) }
        if count % 16 != 0 {  // the last 16 are drawn again
            for i in count - 16..<count { values[i] = uniform() }
            Self.transform(&values, at: count - 16)
        }
        return values
    }

    private mutating func uniform() -> Float { Float(next() & 0xff_ffff) * 0x1p-24 }

    private static func transform(_ values: inout [Float], at start: Int) {
        for j in start..<start + 8 {
            let u1 = 1 - values[j], u2 = values[j + 8]
            let radius = (-2 * Float(Mathematics.log(Double(u1)))).squareRoot()
            let (sin, cos) = Mathematics.sincos(Double(2 * Float(Double.pi) * u2))  // Float.pi is rounded down
            values[j] = radius * Float(cos)
            values[j + 8] = radius * Float(sin)
        }
    }

    private mutating func boxMuller() -> Double {
        if let spare {
            self.spare = nil
            return spare
        }
        func uniform53(_ random: inout TorchRandom) -> Double {
            let high = UInt64(random.next()), low = UInt64(random.next())
            return Double((high << 32 | low) & ((1 << 53) - 1)) * 0x1p-53
        }
        let u1 = uniform53(&self), u2 = uniform53(&self)
        let radius = (-2 * Mathematics.log(1 - u2)).squareRoot()
        let (sin, cos) = Mathematics.sincos(2 * Double.pi * u1)
        spare = radius * sin
        return radius * cos
    }
}
