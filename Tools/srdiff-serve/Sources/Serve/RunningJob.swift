import Synchronization

/// The job that is being computed: how far it is, and whether it is still wanted.
final class RunningJob: Sendable {
    struct State: Sendable {
        let id: String
        let start: ContinuousClock.Instant
        var completedSteps = 0
        let totalSteps: Int
        var isCancelled = false
        /// When a step was completed last.
        var lastStep: ContinuousClock.Instant

        var progress: Double { Double(completedSteps) / Double(max(1, totalSteps)) }
    }

    private let state = Mutex<State?>(nil)

    func start(_ id: String, totalSteps: Int) {
        let now = ContinuousClock.now
        state.withLock { $0 = State(id: id, start: now, totalSteps: totalSteps, lastStep: now) }
    }

    func finish() { state.withLock { $0 = nil } }

    /// Counts a step. Throws `CancellationError` if the job is no longer wanted.
    func complete(steps: Int) throws {
        let isCancelled = state.withLock { state in
            state?.completedSteps = steps
            state?.lastStep = .now
            return state?.isCancelled ?? true
        }
        if isCancelled { throw CancellationError() }
    }

    func cancel(_ id: String) {
        state.withLock { if $0?.id == id { $0?.isCancelled = true } }
    }

    var now: State? { state.withLock { $0 } }
}
