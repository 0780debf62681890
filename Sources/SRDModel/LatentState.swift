import SRDTensor

/// x_t, `[H, W, 3]` of the padded result's size: where a run starts that does not start from noise alone.
public struct LatentState: Sendable {
    public let timestep: Int
    package let x: FloatTensor

    package init(timestep: Int, x: FloatTensor) {
        self.timestep = timestep
        self.x = x
    }

    /// Both in these shares. Traps unless they are of one size and timestep.
    public func mixed(with other: LatentState, _ shares: Shares) -> LatentState {
        precondition(timestep == other.timestep && x.shape == other.x.shape)
        var mixed = x
        for i in mixed.values.indices { mixed.values[i] = shares.mix(mixed.values[i], other.x.values[i]) }
        return LatentState(timestep: timestep, x: mixed)
    }

    /// Between the two as vectors, 0…π.
    public func angle(to other: LatentState) -> Double {
        precondition(x.shape == other.x.shape)
        var product = 0.0, own = 0.0, others = 0.0
        for (a, b) in zip(x.values, other.x.values) {
            product += Double(a) * Double(b)
            own += Double(a) * Double(a)
            others += Double(b) * Double(b)
        }
        return Mathematics.acos(max(-1, min(1, product / (own * others).squareRoot())))
    }
}

/// How much of each of two things goes into their mixture. λ = 0 is exactly the first, λ = 1 the second.
public struct Shares: Hashable, Sendable {
    public let first, second: Float

    /// 1 − λ and λ, 0 ≤ λ ≤ 1: as published.
    public static func linear(_ lambda: Double) -> Shares { Shares(first: Float(1 - lambda), second: Float(lambda)) }

    /// sin((1 − λ)Ω) / sin Ω and sin(λΩ) / sin Ω (Shoemake 1985): on the arc between two vectors of the angle Ω. Independent
    /// noises lie at a right angle: their mixture is as strong as each of them, which the linear one is not.
    public static func spherical(_ lambda: Double, angle: Double = .pi / 2) -> Shares {
        let sine = Mathematics.sincos(angle).sin
        guard sine > 1e-6 else { return linear(lambda) }      // too near one line for an arc
        return Shares(
            first: Float(Mathematics.sincos((1 - lambda) * angle).sin / sine),
            second: Float(Mathematics.sincos(lambda * angle).sin / sine))
    }

    @inlinable
    public func mix(_ a: Float, _ b: Float) -> Float { first * a + second * b }
}

extension SamplerSchedule {
    /// What is left of it from `timestep` on: a step there, then all that come below.
    package func starting(at timestep: Int, in schedule: NoiseSchedule) -> SamplerSchedule {
        let jumps = jumps(in: schedule), below = jumps.drop { $0.timestep >= timestep }
        // The jump from there goes as the one that would have passed it.
        let passing = jumps.last { $0.timestep >= timestep } ?? jumps[0]
        let first = Jump(timestep: timestep, eta: passing.eta, order: passing.order, corrects: passing.corrects)
        return .jumps([first] + below)
    }

    /// Steps of a run that starts at `timestep`.
    public func steps(from timestep: Int, in schedule: NoiseSchedule) -> Int { starting(at: timestep, in: schedule).steps }
}
