import SRDTensor

/// The sampling algorithms, by the names that tools and files use.
public enum Sampler: String, Hashable, Sendable, CaseIterable {
    /// DDPM (Ho et al. 2020, eq. 6–7), respaced if there are fewer steps than timesteps (Nichol & Dhariwal 2021, arXiv
    /// 2102.09672, sec. 4).
    case ddpm
    /// DDIM (Song et al. 2020, arXiv 2010.02502, eq. 12 and 16): η = 0 adds no noise, η = 1 as much as DDPM.
    case ddim
    /// DPM-Solver++ 2M (Lu et al. 2022, arXiv 2211.01095, algorithm 2).
    case dpmSolver2M = "dpm++2m"
    /// SDE-DPM-Solver++ 2M (Lu et al. 2022, sec. 5 and appendix): DDPM's noise with 2M's extrapolation.
    case dpmSolver2MSDE = "dpm++2m-sde"
    /// UniPC of order 2 with B(h) = eʰ − 1 (Zhao et al. 2023, arXiv 2302.04867, algorithms 1 and 2); its predictor is
    /// 2M.
    case unipc

    /// Whether the sampler has a parameter η.
    public var takesEta: Bool { self == .ddim }

    /// Returns this sampler's transition from timestep `t`. Only `ddim` uses `eta`.
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
