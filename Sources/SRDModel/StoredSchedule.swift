import SRDTensor

/// The noise schedule as a checkpoint stores it, in up to five buffers that follow from each other.
///
/// A checkpoint that was converted as a whole (`model.half()`, `model.bfloat16()`) has rounded buffers: in bfloat16 a β
/// of 0.999 becomes 1, and signal² + noise² differs from 1 by up to 0.4 %. Sampling with them gives a washed-out image.
/// The original schedule can still be identified from such buffers.
struct StoredSchedule {
    let schedule: NoiseSchedule

    /// The largest difference between values that follow from each other. Buffers computed in single precision differ
    /// by 10⁻⁶, buffers rounded to 16 bits by 3 · 10⁻⁴ and more.
    private static let tolerance = 1e-4
    /// The largest relative error of values rounded to bfloat16: half a unit in the last place, and the same again for
    /// a schedule that was computed in 16 bits.
    private static let rounding = 0x1p-8

    /// Throws `ModelError` if `betas` is missing, a buffer has another shape, or β is outside 0…1.
    init(tensors: [String: FloatTensor]) throws(ModelError) {
        func buffer(_ name: String, count: Int?) throws(ModelError) -> [Double]? {
            guard let tensor = tensors[name] else { return nil }
            guard tensor.shape.count == 1, count == nil || tensor.shape[0] == count else {
                throw .misshapen(name: name, found: tensor.shape, expected: [count ?? -1])
            }
            return tensor.values.map(Double.init)
        }
        guard let betas = try buffer("betas", count: nil) else { throw .missing(name: "betas", expected: nil) }
        guard betas.allSatisfy((0...1).contains) else {
            throw .unsupported("tensor `betas` has a value outside 0.0...1.0")
        }
        let derived = NoiseSchedule(betas: betas)
        schedule = NoiseSchedule(
            betas: betas,
            signal: try buffer("sqrt_alphas_cumprod", count: betas.count) ?? derived.signal,
            noise: try buffer("sqrt_one_minus_alphas_cumprod", count: betas.count) ?? derived.noise,
            inverseSignal: try buffer("sqrt_recip_alphas_cumprod", count: betas.count) ?? derived.inverseSignal,
            noiseToSignal: try buffer("sqrt_recipm1_alphas_cumprod", count: betas.count) ?? derived.noiseToSignal)
    }

    /// Whether all buffers follow from each other, within their precision. NaN does not.
    var isConsistent: Bool { isVariancePreserving && schedule.betas.indices.allSatisfy(agrees) }

    /// Whether signal² + noise² = 1 at every timestep.
    private var isVariancePreserving: Bool {
        schedule.signal.indices.allSatisfy { t in
            let signal: Double = schedule.signal[t], noise: Double = schedule.noise[t]
            let power: Double = signal * signal + noise * noise
            return signal > 0 && noise > 0 && abs(power - 1) <= Self.tolerance
        }
    }

    /// Whether β, 1/signal and noise/signal agree with signal and noise at a timestep.
    private func agrees(_ t: Int) -> Bool {
        let s = schedule, ratio = s.signal[t] / (t == 0 ? 1 : s.signal[t - 1])
        return abs(ratio * ratio - (1 - s.betas[t])) <= Self.tolerance
            && abs(s.inverseSignal[t] * s.signal[t] - 1) <= Self.tolerance
            && abs(s.noiseToSignal[t] * s.signal[t] - s.noise[t]) <= Self.tolerance
    }

    /// Returns a consistent schedule, with a warning that states its source.
    ///
    /// The sources, in this order: signal and noise if they agree with each other; a known schedule whose rounded β are
    /// the stored ones; the stored β. Known schedules precede β because rounded β add up to a different amount of
    /// noise.
    func rebuilt() -> NoiseSchedule {
        let problem = "the noise schedule in the checkpoint contradicts itself"
        if isVariancePreserving {
            let betas = schedule.signal.indices.map { t in
                let ratio = schedule.signal[t] / (t == 0 ? 1 : schedule.signal[t - 1])
                return min(max(1 - ratio * ratio, 0), 1)
            }
            return NoiseSchedule(
                betas: betas, signal: schedule.signal, noise: schedule.noise,
                warning: "\(problem); signal and noise agree, so the rest was recomputed from them")
        }
        if let (name, betas) = known.first(where: { isClose(to: $0.betas) }) {
            return NoiseSchedule(
                betas: betas,
                warning: "\(problem) (rounded to 16 bits?); replaced by the \(name) schedule it was made from")
        }
        // 1 would leave no signal at all; 0.999 is the limit of the published code.
        let betas = schedule.betas.map { min(max($0, 1e-8), 0.999) }
        return NoiseSchedule(betas: betas, warning: "\(problem); recomputed from its betas")
    }

    /// Whether β and the signal that follows from them equal the stored ones, except for rounding.
    private func isClose(to betas: [Double]) -> Bool {
        let exact = NoiseSchedule(betas: betas)
        return schedule.betas.indices.allSatisfy { t in
            abs(schedule.betas[t] - betas[t]) <= Self.rounding * betas[t] + 1e-7
        }
            && schedule.signal.indices.allSatisfy { t in
                // NaN or 0 if it was derived from rounded β.
                !schedule.signal[t].isFinite || schedule.signal[t] == 0
                    || abs(schedule.signal[t] - exact.signal[t]) <= 8 * Self.rounding * exact.signal[t] + 1e-3
            }
    }

    /// The cosine schedule and the schedules whose β or √β are evenly spaced.
    private var known: [(name: String, betas: [Double])] {
        let count = schedule.timesteps
        guard count > 1 else { return [] }
        let first = Self.roundedToTwoDigits(schedule.betas[0]),
            last = Self.roundedToTwoDigits(schedule.betas[count - 1])
        func spaced(_ a: Double, _ b: Double) -> [Double] {
            (0..<count).map { a + (b - a) * Double($0) / Double(count - 1) }
        }
        return [
            ("cosine", NoiseSchedule.cosine(timesteps: count).betas),
            ("linear", spaced(first, last)),
            ("scaled linear", spaced(first.squareRoot(), last.squareRoot()).map { $0 * $0 }),
        ]
    }

    /// Usual values are 0.0001 and 0.02, and bfloat16 keeps two to three digits.
    private static func roundedToTwoDigits(_ value: Double) -> Double {
        guard value > 1e-12, value < 1 else { return value }
        var power = 1.0
        while value * power < 10 { power *= 10 }
        return (value * power).rounded() / power
    }
}
