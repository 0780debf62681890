/// x0 = clamp(p·x_t − q·ε, −1…1)  (DDPM eq. 15);  x' = a·x0 + b·x_t + σ·z  (DDPM eq. 7, DDIM eq. 12).
public struct SamplerStep: Hashable, Sendable {
    public let timestep: Int
    public let p, q, a, b, sigma: Float

    public init(timestep: Int, p: Float, q: Float, a: Float, b: Float, sigma: Float) {
        self.timestep = timestep
        self.p = p
        self.q = q
        self.a = a
        self.b = b
        self.sigma = sigma
    }

    /// One value of x_t and its predicted noise to the next; `z` is a standard normal number.
    @inlinable
    public func next(_ x: Float, noise: Float, z: Float) -> Float {
        let x0 = max(-1, min(1, p * x - q * noise))
        return a * x0 + b * x + sigma * z
    }
}

/// A sampler is the numbers of its steps; the loop over them is one, in `Upscaler`.
public enum SamplerSchedule: Hashable, Sendable {
    /// DDPM, respaced where `steps` is less than the model's timesteps (Nichol & Dhariwal 2021, arXiv 2102.09672, sec. 4).
    case ancestral(steps: Int)
    /// DDIM (Song et al. 2020, arXiv 2010.02502, eq. 12 and 16): η = 0 adds no noise, η = 1 as much as DDPM.
    case ddim(steps: Int, eta: Double)

    public var steps: Int {
        switch self {
        case .ancestral(let steps), .ddim(let steps, _): return steps
        }
    }

    /// From the noisiest step to the last. `steps` must be 1…timesteps.
    public func steps(of schedule: NoiseSchedule) -> [SamplerStep] {
        let timesteps = Self.uniform(steps, of: schedule.timesteps)
        return timesteps.indices.map { i in
            let next = i + 1 < timesteps.count ? timesteps[i + 1] : nil
            switch self {
            case .ancestral: return Self.ancestral(schedule, from: timesteps[i], to: next)
            case .ddim(_, let eta): return Self.ddim(schedule, from: timesteps[i], to: next, eta: eta)
            }
        }
    }

    /// `count` timesteps spread evenly from the last to 0.
    static func uniform(_ count: Int, of timesteps: Int) -> [Int] {
        precondition((1...timesteps).contains(count), "\(count) steps of \(timesteps)")
        guard count > 1 else { return [timesteps - 1] }
        return (0..<count).map { i in
            Int((Double(timesteps - 1) * Double(count - 1 - i) / Double(count - 1)).rounded(.toNearestOrEven))
        }
    }

    /// Signal and noise at a timestep; nil is the clean end, all signal.
    private static func level(_ schedule: NoiseSchedule, _ t: Int?) -> (signal: Double, noise: Double) {
        t.map { (schedule.signal[$0], schedule.noise[$0]) } ?? (1, 0)
    }

    /// The posterior q(x_next │ x_t, x_0) of DDPM eq. 6–7, with β of the whole jump.
    private static func ancestral(_ schedule: NoiseSchedule, from t: Int, to next: Int?) -> SamplerStep {
        let noise = schedule.noise[t], (signalNext, noiseNext) = level(schedule, next)
        let beta = t - (next ?? -1) == 1
            ? schedule.betas[t]
            : (noise * noise - noiseNext * noiseNext) / (signalNext * signalNext)
        return step(
            t, schedule,
            a: signalNext * beta / (noise * noise),
            b: (1 - beta).squareRoot() * noiseNext * noiseNext / (noise * noise),
            sigma: beta.squareRoot() * noiseNext / noise
        )
    }

    /// ε is recomputed from the clamped x0: ε = (x_t − √ᾱ_t x0) / √(1 − ᾱ_t).
    private static func ddim(_ schedule: NoiseSchedule, from t: Int, to next: Int?, eta: Double) -> SamplerStep {
        let (signal, noise) = level(schedule, t), (signalNext, noiseNext) = level(schedule, next)
        let jump = (noise * noise - noiseNext * noiseNext) / (signalNext * signalNext)      // 1 − ᾱ_t / ᾱ_next
        let sigma = eta * noiseNext / noise * jump.squareRoot()
        let direction = max(0, noiseNext * noiseNext - sigma * sigma).squareRoot()
        return step(
            t, schedule,
            a: signalNext - direction * signal / noise,
            b: direction / noise,
            sigma: sigma
        )
    }

    private static func step(_ t: Int, _ schedule: NoiseSchedule, a: Double, b: Double, sigma: Double) -> SamplerStep {
        SamplerStep(
            timestep: t, p: Float(schedule.inverseSignal[t]), q: Float(schedule.noiseToSignal[t]),
            a: Float(a), b: Float(b), sigma: Float(sigma)
        )
    }
}
