import SRDTensor

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

/// The best timestep schedule found for a model and a number of steps, and how it compares with 100 steps of DDPM on
/// the images it was searched on.
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
    public static func ddim(steps: Int, eta: Double) -> TimestepSchedule {
        .spaced(.ddim, eta: eta, steps: steps, .uniform)
    }

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

    /// Returns the steps' coefficients, noisiest first. The schedule must fit the noise schedule: see
    /// `check(timesteps:)`.
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
        case .badStepCount(let found, let timesteps):
            "\(found) steps (expected 1 to \(timesteps), the model's timesteps)"
        case .badTimestep(let found, let below):
            "timestep \(found) (expected timesteps from 0 to \(below - 1), descending)"
        case .badEta(let eta): "η = \(eta) (expected 0 to 1)"
        }
    }
}
