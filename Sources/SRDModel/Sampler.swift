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

/// How to get from one timestep to the next: what decides a step's numbers, beside the model's noise schedule.
public struct Jump: Hashable, Sendable {
    /// Where it starts; it ends where the next jump starts, the last one at the clean image.
    public let timestep: Int
    /// Fresh noise, as a share of DDPM's: DDIM's η (Song et al. 2020, arXiv 2010.02502, eq. 16), 0…1.
    public let eta: Double
    /// 2 extrapolates x0 from this one and the one before (DPM-Solver++ 2M); 1 takes it as it is.
    public let order: Int
    /// First set x_t right, now that its own x0 is known (UniPC). Makes sense only after a jump without noise.
    public let corrects: Bool

    public init(timestep: Int, eta: Double = 0, order: Int = 1, corrects: Bool = false) {
        self.timestep = timestep
        self.eta = eta
        self.order = order
        self.corrects = corrects
    }
}

/// The best way found to make an image in so many steps with one model, and how it compares with many steps of DDPM on the images
/// it was searched on.
public struct SearchedSchedule: Hashable, Sendable {
    /// From the noisiest, each of order 1.
    public let jumps: [Jump]
    /// dB of PSNR against the originals that it gains; negative where it loses.
    public let psnrGain: Float
    /// Its LPIPS, as a share of theirs.
    public let lpipsRatio: Float

    public init(jumps: [Jump], psnrGain: Float, lpipsRatio: Float) {
        self.jumps = jumps
        self.psnrGain = psnrGain
        self.lpipsRatio = lpipsRatio
    }
}

/// Which timesteps to visit, and how to get from each to the next. The loop over the steps is one, in `Upscaler`.
public enum SamplerSchedule: Hashable, Sendable {
    public enum Method: Hashable, Sendable {
        /// DDPM (eq. 6–7), respaced where there are fewer steps than timesteps (Nichol & Dhariwal 2021, arXiv 2102.09672, sec. 4).
        case ddpm
        /// DDIM (eq. 12 and 16): η = 0 adds no noise, η = 1 as much as DDPM.
        case ddim(eta: Double)
        /// DPM-Solver++ 2M (Lu et al. 2022, arXiv 2211.01095, algorithm 2).
        case dpm2M
        /// SDE-DPM-Solver++ 2M (the same, sec. 5 and appendix): DDPM's noise with 2M's extrapolation.
        case dpm2MSDE
        /// UniPC of order 2 with B(h) = eʰ − 1 (Zhao et al. 2023, arXiv 2302.04867, algorithms 1 and 2): its predictor is 2M.
        case unipc

        /// As tools and files say it, without η.
        public var name: String {
            switch self {
            case .ddpm: return "ddpm"
            case .ddim: return "ddim"
            case .dpm2M: return "dpm++2m"
            case .dpm2MSDE: return "dpm++2m-sde"
            case .unipc: return "unipc"
            }
        }
    }

    public enum Spacing: String, Hashable, Sendable, CaseIterable {
        /// Evenly from the last timestep to 0.
        case uniform
        /// Evenly in √t, so closer together near 0 (DDIM, appendix D.2).
        case quadratic
        /// Evenly in ln(signal / noise) (Lu et al. 2022).
        case logSNR = "logsnr"
    }

    case spaced(Method, steps: Int, Spacing)
    /// From the noisiest to the last: timesteps strictly descending.
    case jumps([Jump])

    public static func ancestral(steps: Int) -> SamplerSchedule { .spaced(.ddpm, steps: steps, .uniform) }
    public static func ddim(steps: Int, eta: Double) -> SamplerSchedule { .spaced(.ddim(eta: eta), steps: steps, .uniform) }

    public var steps: Int {
        switch self {
        case .spaced(_, let steps, _): return steps
        case .jumps(let jumps): return jumps.count
        }
    }

    /// How many earlier x0 a run keeps, each a whole image.
    public var memory: Int {
        switch self {
        case .spaced(.dpm2M, let steps, _), .spaced(.dpm2MSDE, let steps, _): return steps > 2 ? 1 : 0
        case .spaced(.unipc, let steps, _): return max(0, min(2, steps - 2))
        case .spaced: return 0
        case .jumps(let jumps): return jumps.contains(where: \.corrects) ? 2 : jumps.contains { $0.order > 1 } ? 1 : 0
        }
    }

    /// From the noisiest step to the last. The number of steps must be 1…timesteps.
    public func steps(of schedule: NoiseSchedule) -> [SamplerStep] { schedule.steps(jumps(in: schedule)) }

    public func jumps(in schedule: NoiseSchedule) -> [Jump] {
        guard case .spaced(let method, let steps, let spacing) = self else {
            guard case .jumps(let jumps) = self else { fatalError() }
            return jumps
        }
        return schedule.timesteps(steps, spacing).map { t in
            switch method {
            case .ddpm: Jump(timestep: t, eta: 1)
            case .ddim(let eta): Jump(timestep: t, eta: eta)
            case .dpm2M: Jump(timestep: t, order: 2)
            case .dpm2MSDE: Jump(timestep: t, eta: 1, order: 2)
            case .unipc: Jump(timestep: t, order: 2, corrects: true)
            }
        }
    }
}

extension NoiseSchedule {
    /// λ = ln(signal / noise), half the logarithm of the signal-to-noise ratio.
    package func logSNR(_ t: Int) -> Double { Mathematics.log(signal[t] / noise[t]) }

    /// `count` different timesteps, from the last to 0. For `count` = 1 the last.
    package func timesteps(_ count: Int, _ spacing: SamplerSchedule.Spacing) -> [Int] {
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

    /// The numbers of each jump, from the noisiest to the last.
    package func steps(_ jumps: [Jump]) -> [SamplerStep] {
        // λ gained by each jump but the last, which gains infinitely much.
        let gains = zip(jumps, jumps.dropFirst()).map { logSNR($1.timestep) - logSNR($0.timestep) }
        /// What part of x0 − x0₋₁ jump i adds to x0: h / 2h₋₁, eq. 2M of algorithm 2; 0 where there is none before, and at the end.
        func extrapolation(_ i: Int) -> Double {
            guard jumps[i].order > 1, i > 0, i < gains.count, gains[i - 1] > Self.leastGain else { return 0 }
            return gains[i] / (2 * gains[i - 1])
        }
        return jumps.indices.map { i in
            let t = jumps[i].timestep
            var (a, b, sigma) = firstOrder(from: t, to: i < gains.count ? jumps[i + 1].timestep : nil, eta: jumps[i].eta)
            let w = extrapolation(i)
            var c = -a * w, d = 0.0
            a += a * w
            if jumps[i].corrects, i > 0, gains[i - 1] > Self.leastGain {
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
        // β of the whole jump, 1 − ᾱ_t / ᾱ_next
        let beta = t - next == 1 ? betas[t] : max(0, (variance - varianceNext) / (signal[next] * signal[next]))
        let sigma = eta * beta.squareRoot() * noise[next] / noise[t]
        if eta == 1 {
            // DDPM eq. 7: the same as below, without the difference of two like numbers.
            return (signal[next] * beta / variance, (1 - beta).squareRoot() * varianceNext / variance, sigma)
        }
        let direction = max(0, varianceNext - sigma * sigma).squareRoot()
        return (signal[next] - direction * signal[t] / noise[t], direction / noise[t], sigma)
    }

    /// UniC after a jump to t that gained h in λ: (ρ of UniPC eq. 9 for D of order 2 if it extrapolated, else ½).
    private func correction(at t: Int, gain h: Double, extrapolated w: Double, before: Double) -> (u: Double, v: Double) {
        let e = Mathematics.exp(-h) - 1
        guard w != 0 else { return (-signal[t] * e / 2, 0) }
        let r = -before / h                             // where x0₋₂ lies, in jumps from x0₋₁
        let phi2 = e / -h - 1, phi3 = phi2 / -h - 0.5
        let rho0 = (phi2 - 2 * phi3) / e / (1 - r), rho1 = phi2 / e - rho0
        // The predictor had ½ for rho0 and nothing for rho1.
        return (-signal[t] * e * rho1, -signal[t] * e * (rho0 - 0.5) / r)
    }
}
