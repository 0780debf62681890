import Dispatch

/// Splits rows over threads. Results never depend on how: every row is computed by itself.
public enum Parallel {
    /// Calls `body` with ranges that cover 0 ..< count, at most `threads` at a time.
    public static func ranges(_ count: Int, threads: Int, _ body: @Sendable (Range<Int>) -> Void) {
        guard threads > 1, count > 1 else {
            if count > 0 { body(0..<count) }
            return
        }
        // A few pieces a thread, so that one slow core does not hold up the rest.
        let pieces = min(count, threads * 4)
        DispatchQueue.concurrentPerform(iterations: min(threads, pieces)) { thread in
            for piece in stride(from: thread, to: pieces, by: threads) {
                body(count * piece / pieces..<count * (piece + 1) / pieces)
            }
        }
    }
}
