import Synchronization

/// The open connections and their deadlines. One task looks through them and cancels those that are late: no timer per
/// read.
final class Connections: Sendable {
    private struct Entry {
        var task: Task<Void, Never>?
        var deadline: ContinuousClock.Instant?
    }

    private let entries = Mutex<[Int: Entry]>([:])
    private let limit: Int
    private let next = Atomic<Int>(0)

    init(limit: Int) { self.limit = limit }

    var count: Int { entries.withLock { $0.count } }

    /// Returns the number of a new connection, or nil if there are too many.
    func open() -> Int? {
        entries.withLock { entries in
            guard entries.count < limit else { return nil }
            let id = next.add(1, ordering: .relaxed).newValue
            entries[id] = Entry()
            return id
        }
    }

    func start(_ id: Int, _ task: Task<Void, Never>) {
        entries.withLock { $0[id]?.task = task }
    }

    func close(_ id: Int) {
        _ = entries.withLock { $0.removeValue(forKey: id) }
    }

    /// Cancels the connection's task if this many seconds pass; nil lets it take as long as it likes.
    func setDeadline(_ id: Int, after seconds: Double?) {
        let deadline = seconds.map { ContinuousClock.now + .seconds($0) }
        entries.withLock { $0[id]?.deadline = deadline }
    }

    func cancelLate() {
        let now = ContinuousClock.now
        let late = entries.withLock { entries in
            entries.values.filter { $0.deadline.map { $0 < now } ?? false }.compactMap(\.task)
        }
        for task in late { task.cancel() }
    }
}
