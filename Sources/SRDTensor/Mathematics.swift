/// Transcendental functions from + − × ÷ and √ alone, so that every processor and C library gives the same bits.
///
/// They are computed in double precision, with a relative error below 1e-15 over the ranges stated. Callers round to
/// `Float`.
public enum Mathematics {
    private static let ln2High = 6.93147180369123816490e-01, ln2Low = 1.90821492927058770002e-10

    /// Returns eˣ for −700 ≤ x ≤ 700, 0 below, +∞ above, and NaN for NaN.
    public static func exp(_ x: Double) -> Double {
        if x.isNaN { return x }
        if x < -700 { return 0 }
        if x > 700 { return .infinity }
        let k = (x * 1.4426950408889634).rounded(.toNearestOrEven)
        let r = (x - k * ln2High) - k * ln2Low  // |r| ≤ ln 2 / 2
        var sum = 1.0
        for n in stride(from: 16.0, through: 1, by: -1) { sum = 1 + sum * r / n }  // Taylor series by Horner's method
        return sum * Double(sign: .plus, exponent: Int(k), significand: 1)
    }

    /// Returns the natural logarithm of a positive normal x.
    public static func log(_ x: Double) -> Double {
        var exponent = Double(x.exponent), m = x.significand  // 1 ≤ m < 2
        if m > 1.4142135623730951 { m /= 2; exponent += 1 }
        let s = (m - 1) / (m + 1), s2 = s * s  // ln m = 2·artanh(s), |s| < 0.172
        var sum = 0.0
        for n in stride(from: 23.0, through: 3, by: -2) { sum = (sum + 1 / n) * s2 }
        return exponent * ln2High + (exponent * ln2Low + 2 * (s + s * sum))
    }

    /// Returns sin x and cos x for |x| ≤ 10⁵.
    public static func sincos(_ x: Double) -> (sin: Double, cos: Double) {
        let quadrant = (x * 0.6366197723675814).rounded(.toNearestOrEven)
        // π/2 in three parts of 33 bits each, so that quadrant · part is exact.
        let r =
            ((x - quadrant * 1.57079632673412561417e+00) - quadrant * 6.07710050630396597660e-11)
            - quadrant * 2.02226624879595063154e-21
        let r2 = r * r  // |r| ≤ π/4
        var sinSum = 1.0, cosSum = 1.0
        for n in stride(from: 18.0, through: 2, by: -2) {
            sinSum = 1 - sinSum * r2 / (n * (n + 1))
            cosSum = 1 - cosSum * r2 / (n * (n - 1))
        }
        let s = r * sinSum, c = cosSum
        switch Int(quadrant) & 3 {
        case 0: return (s, c)
        case 1: return (c, -s)
        case 2: return (-s, -c)
        default: return (-c, s)
        }
    }

    /// Returns the angle, 0…π, whose cosine is x, −1 ≤ x ≤ 1.
    public static func acos(_ x: Double) -> Double {
        guard x > -1 else { return Double.pi }
        return 2 * arctangent(((1 - x) / (1 + x)).squareRoot())
    }

    /// Returns arctan x for x ≥ 0.
    private static func arctangent(_ x: Double) -> Double {
        if x > 1 { return Double.pi / 2 - arctangent(1 / x) }
        var t = x
        for _ in 0..<2 { t = t / (1 + (1 + t * t).squareRoot()) }  // halves the angle twice: t < 0.199
        let t2 = t * t
        var sum = 0.0
        for n in stride(from: 25.0, through: 3, by: -2) { sum = (1 / n - sum) * t2 }
        return 4 * (t - t * sum)
    }
}
