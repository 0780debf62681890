import SRDTensor

extension FloatTensor {
    /// Calls `body(y, row y)` for every row of a feature map, split over threads.
    mutating func updateRows(threads: Int, _ body: @Sendable (Int, UnsafeMutableBufferPointer<Float>) -> Void) {
        values.updateRows(count: height, threads: threads, body)
    }
}

extension Array where Element: Sendable {
    /// Splits the array into `count` rows of equal length and calls `body(y, row y)` for each, split over threads.
    mutating func updateRows(
        count: Int, threads: Int, _ body: @Sendable (Int, UnsafeMutableBufferPointer<Element>) -> Void
    ) {
        updateRows(0..<count, of: count, threads: threads, body)
    }

    /// Splits the array into `count` rows of equal length and calls `body(y, row y)` for some of them, split over
    /// threads.
    mutating func updateRows(
        _ rows: Range<Int>, of count: Int, threads: Int,
        _ body: @Sendable (Int, UnsafeMutableBufferPointer<Element>) -> Void
    ) {
        withUnsafeMutableBufferPointer { all in
            let length = all.count / count
            nonisolated(unsafe) let all = all  // rows do not overlap
            Parallel.ranges(rows.count, threads: threads) { range in
                for i in range {
                    let y = rows.lowerBound + i
                    body(y, UnsafeMutableBufferPointer(rebasing: all[y * length..<(y + 1) * length]))
                }
            }
        }
    }
}
