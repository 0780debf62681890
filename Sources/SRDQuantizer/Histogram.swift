import SRDTensor

/// A histogram of values around 0, whose bin width doubles when a larger value is added.
///
/// The counts do not depend on the order of the values: the final width is the same, and every bin of a smaller width
/// lies inside one of a larger width.
struct Histogram: Equatable, Sendable {
    static let binCount = 4096

    private(set) var low: Float = 0, high: Float = 0
    /// The width of a bin. Bin i counts values from (i − binCount/2) · width up to the next bin.
    private(set) var width: Float = 0x1p-20
    private(set) var counts = [UInt32](repeating: 0, count: binCount)

    /// Adds values if all of them are finite.
    ///
    /// - Returns: whether they are.
    mutating func add(_ values: UnsafeBufferPointer<Float>) -> Bool {
        var low = self.low, high = self.high, isFinite = true
        for value in values {
            low = min(low, value)
            high = max(high, value)
            isFinite = isFinite && value.isFinite
        }
        guard isFinite else { return false }
        self.low = low
        self.high = high
        while -low > reach || high >= reach { doubleWidth() }
        let inverse = 1 / width
        counts.withUnsafeMutableBufferPointer { counts in
            for value in values {
                let steps = value * inverse, nearer = Int32(steps)  // exact: the width is a power of two
                let bin = nearer - (Float(nearer) > steps ? 1 : 0)
                counts[Int(bin) + Self.binCount / 2] &+= 1
            }
        }
        return true
    }

    /// Adds the counts of another histogram.
    mutating func add(_ other: Histogram) {
        var other = other
        low = min(low, other.low)
        high = max(high, other.high)
        while width < other.width { doubleWidth() }
        while other.width < width { other.doubleWidth() }
        for i in counts.indices { counts[i] += other.counts[i] }
    }

    private var reach: Float { width * Float(Self.binCount / 2) }

    private mutating func doubleWidth() {
        let old = counts, quarter = Self.binCount / 4
        for i in counts.indices { counts[i] = 0 }
        for i in 0..<Self.binCount / 2 { counts[quarter + i] = old[2 * i] + old[2 * i + 1] }
        width *= 2
    }

    /// Returns the middle of a bin.
    func value(_ bin: Int) -> Double { (Double(bin - Self.binCount / 2) + 0.5) * Double(width) }

    var total: Double { counts.reduce(0.0) { $0 + Double($1) } }
}
