import SRDTensor

/// One step from x_t to x', in numbers:
///
///     x0 = clamp(p·x_t − q·ε, −1…1)                               DDPM (Ho et al. 2020, arXiv 2006.11239) eq. 15
///     x' = a·x0 + b·x_t + σ·z + c·x0₋₁ + d·x0₋₂                   z standard normal; x0₋₁, x0₋₂ of the steps before
public struct SamplerStep: Hashable, Sendable {
    public let timestep: Int
    public let p, q, a, b, sigma, c, d: Float

    public init(timestep: Int, p: Float, q: Float, a: Float, b: Float, sigma: Float, c: Float = 0, d: Float = 0) {
        self.timestep = timestep
        self.p = p
        self.q = q
        self.a = a
        self.b = b
        self.sigma = sigma
        self.c = c
        self.d = d
    }

    /// How many earlier x0 the step reads.
    public var memory: Int { d != 0 ? 2 : c != 0 ? 1 : 0 }

    /// x0 of one value, from x_t and its predicted noise.
    @inlinable
    public func clean(_ x: Float, noise: Float) -> Float { max(-1, min(1, p * x - q * noise)) }

    /// x' of a step without memory.
    @inlinable
    public func next(_ x: Float, clean: Float, z: Float) -> Float { a * clean + b * x + sigma * z }
}

/// The sampling algorithms, by the names that tools and files use.
public enum Sampler: String, Hashable, Sendable, CaseIterable {
    /// DDPM (Ho et al. 2020, eq. 6–7), respaced if there are fewer steps than timesteps (Nichol & Dhariwal 2021, arXiv 2102.09672, sec. 4).
    case ddpm
    /// DDIM (Song et al. 2020, arXiv 2010.02502, eq. 12 and 16): η = 0 adds no noise, η = 1 as much as DDPM.
    case ddim
    /// DPM-Solver++ 2M (Lu et al. 2022, arXiv 2211.01095, algorithm 2).
    case dpmSolver2M = "dpm++2m"
    /// SDE-DPM-Solver++ 2M (Lu et al. 2022, sec. 5 and appendix): DDPM's noise with 2M's extrapolation.
    case dpmSolver2MSDE = "dpm++2m-sde"
    /// UniPC of order 2 with B(h) = eʰ − 1 (Zhao et al. 2023, arXiv 2302.04867, algorithms 1 and 2); its predictor is 2M.
    case unipc

    /// Whether the sampler has a parameter η.
    public var takesEta: Bool { self == .ddim }

    /// The transition that this sampler makes from timestep `t`; `eta` matters to `ddim` only.
    func transition(from t: Int, eta: Double) -> TimestepTransition {
        switch self {
        case .ddpm: TimestepTransition(timestep: t, eta: 1)
        case .ddim: TimestepTransition(timestep: t, eta: eta)
        case .dpmSolver2M: TimestepTransition(timestep: t, order: 2)
        case .dpmSolver2MSDE: TimestepTransition(timestep: t, eta: 1, order: 2)
        case .unipc: TimestepTransition(timestep: t, order: 2, corrects: true)
        }
    }
}

/// How the visited timesteps are spaced.
public enum TimestepSpacing: String, Hashable, Sendable, CaseIterable {
    /// Evenly from the last timestep to 0.
    case uniform
    /// Evenly in √t, so closer together near 0 (DDIM, appendix D.2).
    case quadratic
    /// Evenly in ln(signal / noise) (Lu et al. 2022).
    case logSNR = "logsnr"
}

/// A transition from one timestep to the next. With the noise schedule it determines a step's coefficients.
public struct TimestepTransition: Hashable, Sendable {
    /// The timestep it leaves. It ends at the next transition's timestep; the last one ends at x_0.
    public let timestep: Int
    /// Fresh noise relative to DDPM's: DDIM's η (Song et al. 2020, arXiv 2010.02502, eq. 16), 0…1.
    public let eta: Double
    /// 2 extrapolates x0 from this prediction and the previous one (DPM-Solver++ 2M); 1 uses it as it is.
    public let order: Int
    /// Whether x_t is first corrected with its own x0 (UniPC). Meaningful only after a transition without noise.
    public let corrects: Bool

    public init(timestep: Int, eta: Double = 0, order: Int = 1, corrects: Bool = false) {
        self.timestep = timestep
        self.eta = eta
        self.order = order
        self.corrects = corrects
    }
}

/// The best timestep schedule found for a model and a number of steps, and how it compares with 100 steps of DDPM on the images it was
/// searched on.
public struct SearchedTimestepSchedule: Hashable, Sendable {
    /// Noisiest first, each of order 1.
    public let transitions: [TimestepTransition]
    /// PSNR against the originals minus that of DDPM, in dB.
    public let psnrGain: Float
    /// LPIPS relative to that of DDPM.
    public let lpipsRatio: Float
    /// The fidelity that the schedule was found best with.
    public let fidelity: Fidelity

    public init(transitions: [TimestepTransition], psnrGain: Float, lpipsRatio: Float, fidelity: Fidelity = .sample) {
        self.transitions = transitions
        self.psnrGain = psnrGain
        self.lpipsRatio = lpipsRatio
        self.fidelity = fidelity
    }
}

/// The timesteps that a sampler visits and the transitions between them.
public enum TimestepSchedule: Hashable, Sendable {
    /// `steps` timesteps of one sampler. `eta` is used by samplers with `takesEta`.
    case spaced(Sampler, eta: Double = 0, steps: Int, TimestepSpacing)
    /// Explicit transitions, noisiest first; timesteps strictly descending.
    case transitions([TimestepTransition])

    public static func ancestral(steps: Int) -> TimestepSchedule { .spaced(.ddpm, steps: steps, .uniform) }
    public static func ddim(steps: Int, eta: Double) -> TimestepSchedule { .spaced(.ddim, eta: eta, steps: steps, .uniform) }

    public var steps: Int {
        switch self {
        case .spaced(_, _, let steps, _): return steps
        case .transitions(let transitions): return transitions.count
        }
    }

    /// The number of earlier x0 predictions that a run keeps, each as large as the image.
    public var memory: Int {
        switch self {
        case .spaced(.dpmSolver2M, _, let steps, _), .spaced(.dpmSolver2MSDE, _, let steps, _): return steps > 2 ? 1 : 0
        case .spaced(.unipc, _, let steps, _): return max(0, min(2, steps - 2))
        case .spaced: return 0
        case .transitions(let transitions):
            return transitions.contains(where: \.corrects) ? 2 : transitions.contains { $0.order > 1 } ? 1 : 0
        }
    }

    /// Returns the steps' coefficients, noisiest first. The schedule must fit the noise schedule: see `check(timesteps:)`.
    public func steps(of schedule: NoiseSchedule) -> [SamplerStep] { schedule.steps(transitions(in: schedule)) }

    /// Returns the transitions, noisiest first.
    public func transitions(in schedule: NoiseSchedule) -> [TimestepTransition] {
        switch self {
        case .transitions(let transitions): return transitions
        case .spaced(let sampler, let eta, let steps, let spacing):
            return schedule.timesteps(steps, spacing).map { sampler.transition(from: $0, eta: eta) }
        }
    }

    /// Checks that a model with timesteps 0 ..< `timesteps` can be sampled with this schedule.
    public func check(timesteps: Int) throws(TimestepScheduleError) {
        switch self {
        case .spaced(_, let eta, let steps, _):
            guard (1...timesteps).contains(steps) else { throw .badStepCount(found: steps, timesteps: timesteps) }
            guard (0...1).contains(eta) else { throw .badEta(eta) }
        case .transitions(let transitions):
            guard (1...timesteps).contains(transitions.count) else {
                throw .badStepCount(found: transitions.count, timesteps: timesteps)
            }
            var previous = timesteps
            for transition in transitions {
                guard (0..<previous).contains(transition.timestep) else {
                    throw .badTimestep(found: transition.timestep, below: previous)
                }
                guard (0...1).contains(transition.eta) else { throw .badEta(transition.eta) }
                previous = transition.timestep
            }
        }
    }
}

/// Why a timestep schedule cannot be used with a model.
public enum TimestepScheduleError: Error, Hashable, CustomStringConvertible, Sendable {
    case badStepCount(found: Int, timesteps: Int)
    case badTimestep(found: Int, below: Int)
    case badEta(Double)

    public var description: String {
        switch self {
        case .badStepCount(let found, let timesteps): "\(found) steps (expected 1 to \(timesteps), the model's timesteps)"
        case .badTimestep(let found, let below): "timestep \(found) (expected timesteps from 0 to \(below - 1), descending)"
        case .badEta(let eta): "η = \(eta) (expected 0 to 1)"
        }
    }
}

extension NoiseSchedule {
    /// λ = ln(signal / noise), half the logarithm of the signal-to-noise ratio.
    package func logSNR(_ t: Int) -> Double { Mathematics.log(signal[t] / noise[t]) }

    /// `count` different timesteps, from the last to 0. For `count` = 1 the last.
    package func timesteps(_ count: Int, _ spacing: TimestepSpacing) -> [Int] {
        precondition((1...timesteps).contains(count), "\(count) steps of \(timesteps)")
        guard count > 1 else { return [timesteps - 1] }
        let last = Double(timesteps - 1), levels = spacing == .logSNR ? (0..<timesteps).map(logSNR) : []
        var found: [Int] = []
        for i in 0..<count {
            let share = Double(count - 1 - i) / Double(count - 1)      // 1 at the noisy end, 0 at the clean one
            let wanted: Int
            switch spacing {
            case .uniform: wanted = Int((last * share).rounded(.toNearestOrEven))
            case .quadratic: wanted = Int((last * share * share).rounded(.toNearestOrEven))
            case .logSNR:
                let level = levels[0] + (levels[timesteps - 1] - levels[0]) * share
                wanted = levels.indices.min { abs(levels[$0] - level) < abs(levels[$1] - level) }!
            }
            // Where they crowd, one after another.
            found.append(max(count - 1 - i, min(wanted, (found.last ?? timesteps) - 1)))
        }
        return found
    }

    /// The numbers of each transition, from the noisiest to the last.
    package func steps(_ transitions: [TimestepTransition]) -> [SamplerStep] {
        // λ gained by each transition but the last, which gains infinitely much.
        let gains = zip(transitions, transitions.dropFirst()).map { logSNR($1.timestep) - logSNR($0.timestep) }
        /// What part of x0 − x0₋₁ transition i adds to x0: h / 2h₋₁, eq. 2M of algorithm 2; 0 where there is none before, and at the end.
        func extrapolation(_ i: Int) -> Double {
            guard transitions[i].order > 1, i > 0, i < gains.count, gains[i - 1] > Self.leastGain else { return 0 }
            return gains[i] / (2 * gains[i - 1])
        }
        return transitions.indices.map { i in
            let t = transitions[i].timestep
            var (a, b, sigma) = firstOrder(from: t, to: i < gains.count ? transitions[i + 1].timestep : nil, eta: transitions[i].eta)
            let w = extrapolation(i)
            var c = -a * w, d = 0.0
            a += a * w
            if transitions[i].corrects, i > 0, gains[i - 1] > Self.leastGain {
                // UniC changes x_t by u·(x0 − x0₋₁) + v·(x0₋₂ − x0₋₁): linear, so it goes into this step's numbers.
                let (u, v) = correction(
                    at: t, gain: gains[i - 1], extrapolated: extrapolation(i - 1), before: i > 1 ? gains[i - 2] : 0)
                a += b * u
                c -= b * (u + v)
                d = b * v
            }
            return SamplerStep(
                timestep: t, p: Float(inverseSignal[t]), q: Float(noiseToSignal[t]),
                a: Float(a), b: Float(b), sigma: Float(sigma), c: Float(c), d: Float(d)
            )
        }
    }

    /// Below this two timesteps are as noisy as one another, as a rounded schedule may have them: nothing to extrapolate from.
    private static let leastGain = 1e-6

    /// DDIM's x' = a·x0 + b·x_t + σ·z, with ε = (x_t − √ᾱ_t x0) / √(1 − ᾱ_t) from the clamped x0.
    private func firstOrder(from t: Int, to next: Int?, eta: Double) -> (a: Double, b: Double, sigma: Double) {
        guard let next else { return (1, 0, 0) }
        let variance = noise[t] * noise[t], varianceNext = noise[next] * noise[next]
        // β of the whole transition, 1 − ᾱ_t / ᾱ_next
        let beta = t - next == 1 ? betas[t] : max(0, (variance - varianceNext) / (signal[next] * signal[next]))
        let sigma = eta * beta.squareRoot() * noise[next] / noise[t]
        if eta == 1 {
            // DDPM eq. 7: the same as below, without the difference of two like numbers.
            return (signal[next] * beta / variance, (1 - beta).squareRoot() * varianceNext / variance, sigma)
        }
        let direction = max(0, varianceNext - sigma * sigma).squareRoot()
        return (signal[next] - direction * signal[t] / noise[t], direction / noise[t], sigma)
    }

    /// UniC after a transition to t that gained h in λ: (ρ of UniPC eq. 9 for D of order 2 if it extrapolated, else ½).
    private func correction(at t: Int, gain h: Double, extrapolated w: Double, before: Double) -> (u: Double, v: Double) {
        let e = Mathematics.exp(-h) - 1
        guard w != 0 else { return (-signal[t] * e / 2, 0) }
        let r = -before / h                             // where x0₋₂ lies, in transitions from x0₋₁
        let phi2 = e / -h - 1, phi3 = phi2 / -h - 0.5
        let rho0 = (phi2 - 2 * phi3) / e / (1 - r), rho1 = phi2 / e - rho0
        // The predictor had ½ for rho0 and nothing for rho1.
        return (-signal[t] * e * rho1, -signal[t] * e * (rho0 - 0.5) / r)
    }
}
