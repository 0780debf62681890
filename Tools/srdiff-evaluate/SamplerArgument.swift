import ArgumentParser
import SRDiff
import ToolSupport

/// A sampler or the models' searched schedules, with its own number of steps if it names one: `ddpm@100`.
struct SamplerArgument: Hashable, ExpressibleByArgument {
    enum Kind: Hashable {
        case sampler(Sampler)
        case searched

        static let names = Sampler.allCases.map(\.rawValue) + ["searched"]

        init?(_ name: String) {
            if name == "searched" { self = .searched; return }
            guard let sampler = Sampler(rawValue: name) else { return nil }
            self = .sampler(sampler)
        }
    }

    let kind: Kind
    private var steps: Int?

    init(kind: Kind) { self.kind = kind }

    init?(argument: String) {
        let parts = argument.split(separator: "@", omittingEmptySubsequences: false)
        guard let kind = Kind(String(parts[0])), parts.count <= 2 else { return nil }
        self.kind = kind
        if parts.count == 2 {
            guard let steps = Int(parts[1]), steps >= 1 else { return nil }
            self.steps = steps
        }
    }

    static var allValueStrings: [String] { Kind.names }

    /// One schedule for each number of steps.
    ///
    /// - Parameters:
    ///   - counts: the numbers of steps in ascending order, unless the argument has its own.
    func schedules(_ counts: [Int], eta: Double, for contestants: [Contestant]) throws -> [TimestepSchedule] {
        let counts = steps.map { [$0] } ?? counts
        for contestant in contestants where counts.last! > contestant.loaded.schedule.timesteps {
            throw ValidationError(
                """
                --steps \(counts.last!): \(contestant.loaded.path) has \(contestant.loaded.schedule.timesteps) timesteps
                """
            )
        }
        switch kind {
        case .sampler(let sampler):
            return counts.map { .spaced(sampler, eta: sampler.takesEta ? eta : 0, steps: $0, .uniform) }
        case .searched: return try Self.searched(counts, contestants)
        }
    }

    /// The schedules of the first model that has any: all models are compared with the same steps.
    private static func searched(_ counts: [Int], _ contestants: [Contestant]) throws -> [TimestepSchedule] {
        guard let loaded = contestants.first(where: { !$0.loaded.model.schedules.isEmpty })?.loaded else {
            throw ToolError(
                "--sampler searched: no model here has schedules of its own; srdiff-quantize --search-steps makes them")
        }
        return try counts.map { count in
            guard let found = loaded.model.schedules.first(where: { $0.transitions.count == count }) else {
                let has = loaded.model.schedules.map { String($0.transitions.count) }.joined(separator: ", ")
                throw ToolError("--sampler searched: \(loaded.path) has schedules of \(has) steps, not of \(count)")
            }
            return .transitions(found.transitions)
        }
    }
}
