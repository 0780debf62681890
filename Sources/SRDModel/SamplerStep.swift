import SRDTensor

/// The coefficients of one step from x_t to x':
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

    /// The number of earlier x0 predictions that the step reads.
    public var memory: Int { d != 0 ? 2 : c != 0 ? 1 : 0 }

    /// Returns x0 of one value from x_t and its predicted noise.
    @inlinable
    public func clean(_ x: Float, noise: Float) -> Float { max(-1, min(1, p * x - q * noise)) }

    /// Returns x' of one value, without the terms of earlier x0.
    @inlinable
    public func next(_ x: Float, clean: Float, z: Float) -> Float { a * clean + b * x + sigma * z }
}

extension NoiseSchedule {
    /// λ = ln(signal / noise), half the logarithm of the signal-to-noise ratio.
    package func logSNR(_ t: Int) -> Double { Mathematics.log(signal[t] / noise[t]) }

    /// Returns `count` different timesteps, from the last to 0, or only the last if `count` is 1.
    package func timesteps(_ count: Int, _ spacing: TimestepSpacing) -> [Int] {
        precondition((1...timesteps).contains(count), "\(count) steps of \(timesteps)")
        guard count > 1 else { return [timesteps - 1] }
        let last = Double(timesteps - 1), levels = spacing == .logSNR ? (0..<timesteps).map(logSNR) : []
        var found: [Int] = []
        for i in 0..<count {
            let position = Double(count - 1 - i) / Double(count - 1)  // 1 at the noisy end, 0 at the clean one
            let wanted: Int
            switch spacing {
            case .uniform: wanted = Int((last * position).rounded(.toNearestOrEven))
            case .quadratic: wanted = Int((last * position * position).rounded(.toNearestOrEven))
            case .logSNR:
                let level = levels[0] + (levels[timesteps - 1] - levels[0]) * position
                wanted = levels.indices.min { abs(levels[$0] - level) < abs(levels[$1] - level) }!
            }
            // Timesteps that would coincide become consecutive.
            found.append(max(count - 1 - i, min(wanted, (found.last ?? timesteps) - 1)))
        }
        return found
    }

    /// Returns the coefficients of each transition, noisiest first.
    package func steps(_ transitions: [TimestepTransition]) -> [SamplerStep] {
        // λ gained by each transition except the last, whose gain is infinite.
        let gains = zip(transitions, transitions.dropFirst()).map { logSNR($1.timestep) - logSNR($0.timestep) }
        /// Returns the factor of x0 − x0₋₁ that transition i adds to x0: h / 2h₋₁ (DPM-Solver++, algorithm 2), or 0 for
        /// the first and the last one.
        func extrapolation(_ i: Int) -> Double {
            guard transitions[i].order > 1, i > 0, i < gains.count, gains[i - 1] > Self.leastGain else { return 0 }
            return gains[i] / (2 * gains[i - 1])
        }
        return transitions.indices.map { i in
            let t = transitions[i].timestep
            var (a, b, sigma) = firstOrder(
                from: t, to: i < gains.count ? transitions[i + 1].timestep : nil, eta: transitions[i].eta)
            let w = extrapolation(i)
            var c = -a * w, d = 0.0
            a += a * w
            if transitions[i].corrects, i > 0, gains[i - 1] > Self.leastGain {
                // UniC changes x_t by u·(x0 − x0₋₁) + v·(x0₋₂ − x0₋₁), which is linear, so this step's coefficients
                // include it.
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

    /// Two timesteps whose λ differ by less count as equally noisy, as in a rounded schedule. There is no extrapolation
    /// from such a pair.
    private static let leastGain = 1e-6

    /// Returns the coefficients of DDIM's x' = a·x0 + b·x_t + σ·z, with ε = (x_t − √ᾱ_t x0) / √(1 − ᾱ_t) from the
    /// clamped x0.
    private func firstOrder(from t: Int, to next: Int?, eta: Double) -> (a: Double, b: Double, sigma: Double) {
        guard let next else { return (1, 0, 0) }
        let variance = noise[t] * noise[t], varianceNext = noise[next] * noise[next]
        // β of the whole transition, 1 − ᾱ_t / ᾱ_next
        let beta = t - next == 1 ? betas[t] : max(0, (variance - varianceNext) / (signal[next] * signal[next]))
        let sigma = eta * beta.squareRoot() * noise[next] / noise[t]
        if eta == 1 {
            // DDPM eq. 7. Equal to the expression below, but without cancellation.
            return (signal[next] * beta / variance, (1 - beta).squareRoot() * varianceNext / variance, sigma)
        }
        let direction = max(0, varianceNext - sigma * sigma).squareRoot()
        return (signal[next] - direction * signal[t] / noise[t], direction / noise[t], sigma)
    }

    /// Returns UniC's correction after a transition to t that gained h in λ, with ρ of UniPC eq. 9 for order 2 if the
    /// transition extrapolated, else ½.
    private func correction(at t: Int, gain h: Double, extrapolated w: Double, before: Double) -> (u: Double, v: Double)
    {
        let e = Mathematics.exp(-h) - 1
        guard w != 0 else { return (-signal[t] * e / 2, 0) }
        let r = -before / h  // the position of x0₋₂ relative to x0₋₁, in units of h
        let phi2 = e / -h - 1, phi3 = phi2 / -h - 0.5
        let rho0 = (phi2 - 2 * phi3) / e / (1 - r), rho1 = phi2 / e - rho0
        // The predictor had ½ for rho0 and nothing for rho1.
        return (-signal[t] * e * rho1, -signal[t] * e * (rho0 - 0.5) / r)
    }
}
