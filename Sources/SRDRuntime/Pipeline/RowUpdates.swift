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
        withUnsafeMutableBufferPointer { all in
            let length = all.count / count
            nonisolated(unsafe) let all = all      // rows do not overlap
            Parallel.ranges(count, threads: threads) { range in
                for y in range { body(y, UnsafeMutableBufferPointer(rebasing: all[y * length..<(y + 1) * length])) }
            }
        }
    }
}
