import CSRDThreads

/// Splits rows over threads. Results do not depend on the split, because every row is computed by itself.
public enum Parallel {
    private struct Work {
        let body: @Sendable (Range<Int>) -> Void
        let count, pieces: Int
    }

    /// Returns the results of two bodies, which run at the same time if `threads` is above 1.
    public static func both<First, Second>(
        threads: Int, _ first: @Sendable () -> First, _ second: @Sendable () -> Second
    ) -> (First, Second) {
        nonisolated(unsafe) var one: First?, two: Second?  // each is written once
        ranges(2, threads: threads) { range in
            for i in range {
                if i == 0 { one = first() } else { two = second() }
            }
        }
        return (one!, two!)
    }

    /// Calls `body` with ranges that cover 0 ..< count, on at most `threads` threads at a time.
    public static func ranges(_ count: Int, threads: Int, _ body: @Sendable (Range<Int>) -> Void) {
        guard threads > 1, count > 1 else {
            if count > 0 { body(0..<count) }
            return
        }
        // Several pieces per thread, so that one slow core does not delay the others.
        let pieces = min(count, threads * 4)
        withoutActuallyEscaping(body) { body in
            var work = Work(body: body, count: count, pieces: pieces)
            withUnsafeMutablePointer(to: &work) { work in
                srd_parallel(
                    Int32(pieces), Int32(threads),
                    { context, piece in
                        let work = context!.assumingMemoryBound(to: Work.self), piece = Int(piece)
                        let count = work.pointee.count, pieces = work.pointee.pieces
                        work.pointee.body(count * piece / pieces..<count * (piece + 1) / pieces)
                    }, work)
            }
        }
    }
}
