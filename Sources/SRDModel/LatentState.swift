import SRDTensor

/// A state x_t `[H, W, 3]` of the padded result's size. Sampling can start from it instead of from noise.
public struct LatentState: Sendable {
    public let timestep: Int
    package let x: FloatTensor

    package init(timestep: Int, x: FloatTensor) {
        self.timestep = timestep
        self.x = x
    }

    /// Returns a blend of two states of the same size and timestep.
    public func blended(with other: LatentState, _ weights: BlendWeights) -> LatentState {
        precondition(timestep == other.timestep && x.shape == other.x.shape)
        var blended = x
        for i in blended.values.indices { blended.values[i] = weights.blend(blended.values[i], other.x.values[i]) }
        return LatentState(timestep: timestep, x: blended)
    }

    /// Returns the angle between the two states as vectors, 0…π.
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

/// The weights of a blend of two values. λ = 0 gives exactly the first value, λ = 1 the second.
public struct BlendWeights: Hashable, Sendable {
    public let first, second: Float

    /// Returns the weights 1 − λ and λ, 0 ≤ λ ≤ 1, as published.
    public static func linear(_ lambda: Double) -> BlendWeights {
        BlendWeights(first: Float(1 - lambda), second: Float(lambda))
    }

    /// Returns the weights sin((1 − λ)Ω) / sin Ω and sin(λΩ) / sin Ω of spherical interpolation between two vectors at
    /// the angle Ω (Shoemake 1985). Independent noises are nearly orthogonal. Their spherical blend has the variance of
    /// each; a linear blend has less.
    public static func spherical(_ lambda: Double, angle: Double = .pi / 2) -> BlendWeights {
        let sine = Mathematics.sincos(angle).sin
        guard sine > 1e-6 else { return linear(lambda) }  // nearly parallel vectors define no arc
        return BlendWeights(
            first: Float(Mathematics.sincos((1 - lambda) * angle).sin / sine),
            second: Float(Mathematics.sincos(lambda * angle).sin / sine))
    }

    @inlinable
    public func blend(_ a: Float, _ b: Float) -> Float { first * a + second * b }
}

extension TimestepSchedule {
    /// Returns the rest of the schedule from `timestep` on: a step at that timestep, then all steps below it.
    package func starting(at timestep: Int, in schedule: NoiseSchedule) -> TimestepSchedule {
        let transitions = transitions(in: schedule), below = transitions.drop { $0.timestep >= timestep }
        // The first transition has the η and order of the transition that it is part of.
        let passing = transitions.last { $0.timestep >= timestep } ?? transitions[0]
        let first = TimestepTransition(
            timestep: timestep, eta: passing.eta, order: passing.order, corrects: passing.corrects)
        return .transitions([first] + below)
    }

    /// Returns the number of steps of a run that starts at `timestep`.
    public func steps(from timestep: Int, in schedule: NoiseSchedule) -> Int {
        starting(at: timestep, in: schedule).steps
    }
}
