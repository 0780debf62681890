import ServeHTTP
import Synchronization

/// What happens to jobs, told to everybody who listens.
final class EventHub: Sendable {
    struct Event: Sendable {
        enum Kind: String, Sendable { case job, deleted }

        let kind: Kind
        let id: String
        let state: Job.State?
        /// Whether the job is one of those that are listed.
        var isListed = true
        let data: String

        /// The event in the format of server-sent events.
        var text: String { "event: \(kind.rawValue)\ndata: \(data)\n\n" }
    }

    private struct Listeners {
        var next = 0
        var all: [Int: AsyncStream<Event>.Continuation] = [:]
    }

    private let listeners = Mutex(Listeners())

    /// Returns a stream of the events from now on. It ends early if it is not read for long; the listener then asks
    /// again.
    func listen() -> AsyncStream<Event> {
        let (stream, continuation) = AsyncStream.makeStream(of: Event.self, bufferingPolicy: .bufferingOldest(512))
        let id = listeners.withLock { listeners in
            listeners.next += 1
            listeners.all[listeners.next] = continuation
            return listeners.next
        }
        continuation.onTermination = { [weak self] _ in
            _ = self?.listeners.withLock { $0.all.removeValue(forKey: id) }
        }
        return stream
    }

    func publish(_ event: Event) {
        let all = listeners.withLock { Array($0.all.values) }
        for listener in all {
            if case .dropped = listener.yield(event) { listener.finish() }
        }
    }
}
