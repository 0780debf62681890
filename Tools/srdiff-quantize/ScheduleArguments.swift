import ArgumentParser
import SRDQuantizer
import SRDiff

extension RangeRule: ExpressibleByArgument {}

/// A schedule that is given instead of searched.
struct ScheduleArgument: Hashable, ExpressibleByArgument {
    let text: String
    let transitions: [TimestepTransition]

    init?(argument: String) {
        text = argument
        var transitions: [TimestepTransition] = []
        for item in argument.split(separator: ",", omittingEmptySubsequences: false) {
            let parts = item.split(separator: "@", omittingEmptySubsequences: false)
            guard parts.count <= 2, let timestep = Int(parts[0]), let eta = parts.count == 2 ? Float(parts[1]) : 0
            else { return nil }
            transitions.append(TimestepTransition(timestep: timestep, eta: Double(eta)))
        }
        self.transitions = transitions
    }
}

/// Numbers of steps to search schedules for.
struct SearchedCounts: Hashable, ExpressibleByArgument {
    static let all = SearchedCounts(counts: ScheduleSearch.steps, isAll: true)

    private let counts: [Int]
    private let isAll: Bool

    private init(counts: [Int], isAll: Bool) {
        self.counts = counts
        self.isAll = isAll
    }

    init?(argument: String) {
        if argument == "all" { self = .all; return }
        let counts = argument.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) ?? 0 }
        guard counts.allSatisfy({ $0 >= 1 }), Set(counts).count == counts.count else { return nil }
        self.init(counts: counts.sorted(), isAll: false)
    }

    var text: String { counts.map(String.init).joined(separator: ",") }

    func check(against timesteps: Int) throws {
        if !isAll, counts.last! >= timesteps {
            throw ValidationError(
                "--search-steps \(text): the model has \(timesteps) timesteps, and fewer steps are searched for")
        }
    }

    /// Returns the numbers of steps below the number of timesteps.
    func below(_ timesteps: Int) -> [Int] { counts.filter { $0 < timesteps } }
}
