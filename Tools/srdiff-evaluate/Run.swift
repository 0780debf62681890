import SRDiff

/// A way to compute an image: a baseline, or a model with a sampler.
struct Run {
    let name: String
    /// The index of the model among the contestants; nil for bicubic.
    let contestant: Int?
    /// nil for the baselines.
    let schedule: TimestepSchedule?
    let isReference: Bool

    var label: String { schedule.map { "\(name) \($0.label)" } ?? name }
    var folder: String { schedule.map { "\(name)_\($0.label.map { $0 == " " ? "_" : String($0) }.joined())" } ?? name }
}

extension TimestepSchedule {
    var label: String {
        guard case .spaced(.ddim, let eta, let steps, _) = self, eta != 0 else { return "\(kind) \(steps)" }
        return "ddim \(steps) η=\(eta)"
    }

    /// A text that differs whenever the steps do.
    var identity: String {
        guard case .transitions(let transitions) = self else { return label }
        return "transitions "
            + transitions.map { "\($0.timestep):\($0.eta):\($0.order):\($0.corrects)" }.joined(separator: ",")
    }

    /// The sampler's name, without the number of steps.
    var kind: String {
        switch self {
        case .spaced(.ddim, let eta, _, _): eta == 0 ? "ddim" : "ddim η=\(eta)"
        case .spaced(let sampler, _, _, _): sampler.rawValue
        case .transitions: "searched"
        }
    }
}
