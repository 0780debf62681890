import SRDTensor

/// How an activation's range is chosen from its histogram.
public enum RangeRule: String, CaseIterable, Sendable {
    /// From the least to the greatest value seen.
    case minmax
    /// The range of the least squared error, in which clipped values count `RangeRule.clippingWeight` times.
    case mse
}

extension RangeRule {
    /// The weight of clipping errors. They count more than rounding errors, which average out over a convolution's
    /// inputs. 16 gave the highest PSNR of int8 against float among 1, 4, 16 and 64 (measurements in README.md).
    static let clippingWeight = 16.0
}

extension Histogram {
    /// Returns the range of the counted values by a rule.
    func range(by rule: RangeRule) -> ClosedRange<Float> {
        switch rule {
        case .minmax: return low...high
        case .mse: return rangeOfLeastError()
        }
    }

    /// Returns the range of the least error among those that cut the least and the greatest value down by up to 63/64
    /// each.
    private func rangeOfLeastError() -> ClosedRange<Float> {
        let moments = TailMoments(self), steps = 64
        var best = low...high, least = moments.error(of: best)
        for i in 0..<steps {
            for j in 0..<steps {
                let range = low * Float(steps - i) / Float(steps)...high * Float(steps - j) / Float(steps)
                let error = moments.error(of: range)
                if error < least { (best, least) = (range, error) }
                if high == 0 { break }
            }
            if low == 0 { break }
        }
        return best
    }
}

/// Sums over all values below each bin, from which the error of any range follows in constant time.
struct TailMoments {
    private let count, sum, square: [Double]  // of bins below the index
    private let width: Double

    init(_ histogram: Histogram) {
        var count = [0.0], sum = [0.0], square = [0.0]
        for (bin, n) in histogram.counts.enumerated() {
            let value = histogram.value(bin), n = Double(n)
            count.append(count[bin] + n)
            sum.append(sum[bin] + n * value)
            square.append(square[bin] + n * value * value)
        }
        self.count = count
        self.sum = sum
        self.square = square
        width = Double(histogram.width)
    }

    /// Returns the expected squared error of 256 quantized values over `range`, summed over all values: step²/12 for
    /// each value inside, `clippingWeight` times the squared distance to the range for each value outside.
    func error(of range: ClosedRange<Float>) -> Double {
        let end = count.count - 1
        func bin(_ value: Float) -> Int { max(0, min(end, Int((Double(value) / width).rounded()) + end / 2)) }
        let low = Double(range.lowerBound), high = Double(range.upperBound)
        let first = bin(range.lowerBound), last = max(first, bin(range.upperBound))
        let below = square[first] - 2 * low * sum[first] + low * low * count[first]
        let above =
            (square[end] - square[last]) - 2 * high * (sum[end] - sum[last]) + high * high * (count[end] - count[last])
        let step = (high - low) / 255
        return (count[last] - count[first]) * step * step / 12 + RangeRule.clippingWeight
            * (max(0, below) + max(0, above))
    }
}
