/// A sample of measured values, with estimates for the population.
public struct Sample: Equatable, Sendable {
    public let values: [Double]

    /// Creates a sample. Traps if there are no values.
    public init(_ values: [Double]) {
        precondition(!values.isEmpty, "no values")
        self.values = values
    }

    public var mean: Double { values.reduce(0, +) / Double(values.count) }

    /// The middle value, or the mean of the two middle values.
    public var median: Double {
        let sorted = values.sorted(), half = values.count / 2
        return values.count % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2
    }

    /// Half the width of the mean's 95 % confidence interval by Student's t; nil for a single value and for values that
    /// are not finite.
    public var halfWidth: Double? {
        let mean = mean, count = Double(values.count)
        guard values.count > 1, values.allSatisfy(\.isFinite) else { return nil }
        let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / (count - 1)
        return Self.quantile(degrees: values.count - 1) * (variance / count).squareRoot()
    }

    /// Returns the 97.5 % quantile of Student's t distribution.
    package static func quantile(degrees: Int) -> Double {
        if degrees <= table.count { return table[degrees - 1] }
        let z = 1.959963984540054, n = Double(degrees), z3 = z * z * z  // Abramowitz & Stegun 26.7.5
        let z5 = z3 * z * z, second = 5 * z5 + 16 * z3 + 3 * z, third = 3 * z5 * z * z + 19 * z5 + 17 * z3 - 15 * z
        return z + (z3 + z) / (4 * n) + second / (96 * n * n) + third / (384 * n * n * n)
    }

    private static let table = [
        12.7062047, 4.3026527, 3.1824463, 2.7764451, 2.5705818, 2.4469118, 2.3646243, 2.3060041, 2.2621572, 2.2281389,
        2.2009852, 2.1788128, 2.1603687, 2.1447867, 2.1314495, 2.1199053, 2.1098156, 2.1009220, 2.0930241, 2.0859634,
    ]
}
