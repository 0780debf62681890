/// Which inputs make each output along one axis, and how much each counts.
struct BicubicAxis: Sendable {
    /// The number of outputs.
    let count: Int
    /// Inputs to each output.
    let taps: Int
    /// `[count][taps]`, inside the input.
    let indices: [Int]
    /// `[count][taps]`; the taps of an output sum to 1.
    let weights: [Double]

    /// `ceil(inputCount · scale)` outputs; output x is centred at (x + ½)/scale in the input.
    init(_ inputCount: Int, scaledBy numerator: Int, over denominator: Int) {
        precondition(inputCount > 0 && numerator > 0 && denominator > 0)
        let common = greatestCommonDivisor(numerator, denominator)
        let n = numerator / common, d = denominator / common
        count = (inputCount * n + d - 1) / d
        // Input i is (n·(2i + 1) − d·(2x + 1)) / unit kernel units away from output x: the kernel is stretched by d/n
        // when that is above 1. Integers, so that the same phase always gives the same weights.
        let unit = 2 * max(n, d)
        taps = (2 * unit + n - 1) / n
        var indices: [Int] = []
        var weights: [Double] = []
        for x in 0..<count {
            let centre = d * (2 * x + 1)
            let first = floorDivision(centre - n - 2 * unit, 2 * n) + 1
            let raw = (first..<first + taps).map { i in
                keysKernel(Double(n * (2 * i + 1) - centre) / Double(unit))
            }
            let sum = raw.reduce(0, +)
            indices += (first..<first + taps).map { mirrored($0, count: inputCount) }
            weights += raw.map { $0 / sum }
        }
        self.indices = indices
        self.weights = weights
    }

    /// Output row `y`, from rows of `rowCount` samples.
    @inline(__always)
    func row<Sample>(
        _ y: Int, of samples: [Sample], rowCount: Int, into line: inout [Double], _ value: (Sample) -> Double
    ) {
        for i in 0..<rowCount { line[i] = 0 }
        for tap in y * taps..<(y + 1) * taps {
            let weight = weights[tap], start = indices[tap] * rowCount
            for i in 0..<rowCount { line[i] += weight * value(samples[start + i]) }
        }
    }

    /// All output pixels of one row.
    func appendColumns(of line: [Double], channels: Int, to out: inout [Double]) {
        for x in 0..<count {
            for channel in 0..<channels {
                var sum = 0.0
                for tap in x * taps..<(x + 1) * taps { sum += weights[tap] * line[indices[tap] * channels + channel] }
                out.append(sum)
            }
        }
    }
}

/// Keys (1981), eq. 4 with a = −½.
private func keysKernel(_ distance: Double) -> Double {
    let x = abs(distance)
    if x <= 1 { return (1.5 * x - 2.5) * x * x + 1 }
    if x < 2 { return ((-0.5 * x + 2.5) * x - 4) * x + 2 }
    return 0
}

private func floorDivision(_ a: Int, _ b: Int) -> Int {
    a >= 0 ? a / b : -((b - 1 - a) / b)
}

private func greatestCommonDivisor(_ a: Int, _ b: Int) -> Int {
    b == 0 ? a : greatestCommonDivisor(b, a % b)
}
