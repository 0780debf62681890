import Foundation
import SRDTensor

/// Random numbers with which a failure can be replayed: `SRD_TEST_SEED=… Tools/test`.
public typealias SeededRandom = SplitMix64

extension SeededRandom {
    /// `SRD_TEST_SEED`, or 1.
    public static var seed: UInt64 { ProcessInfo.processInfo.environment["SRD_TEST_SEED"].flatMap { UInt64($0) } ?? 1 }
}
