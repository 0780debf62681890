import Foundation

/// A failure says it; `SRD_TEST_SEED=…` replays it.
let seed = ProcessInfo.processInfo.environment["SRD_TEST_SEED"].flatMap { UInt64($0) } ?? 1
