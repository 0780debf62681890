import Foundation

/// Random numbers a failure can be replayed with: `SRD_TEST_SEED=… Tools/test`.
public struct SeededRandom: RandomNumberGenerator, Sendable {
    private var state: UInt64

    public init(seed: UInt64) { state = seed }

    /// SplitMix64 (Steele, Lea, Flood 2014).
    public mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}

extension SeededRandom {
    /// `SRD_TEST_SEED`, or 1.
    public static var seed: UInt64 { ProcessInfo.processInfo.environment["SRD_TEST_SEED"].flatMap { UInt64($0) } ?? 1 }
}
