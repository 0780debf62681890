import ToolSupport

/// Durations of the same work, in milliseconds.
struct Series {
    private var values: [Double] = []

    mutating func add(_ time: Duration) { values.append(time.seconds * 1000) }

    var min: Double { values.min() ?? .nan }
    var mean: Double { values.reduce(0, +) / Double(values.count) }

    var median: Double {
        let sorted = values.sorted(), middle = sorted.count / 2
        guard !sorted.isEmpty else { return .nan }
        return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
    }

    /// Standard deviation of the sample; 0 for one value.
    var deviation: Double {
        guard values.count > 1 else { return 0 }
        let mean = mean
        return (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count - 1)).squareRoot()
    }
}
