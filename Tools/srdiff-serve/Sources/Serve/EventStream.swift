import ServeHTTP

/// Jobs' changes as server-sent events.
enum EventStream {
    /// - Parameters:
    ///   - id: of the only job, or nil for all.
    ///   - first: the jobs as they are now, sent first.
    static func response(_ events: AsyncStream<EventHub.Event>, of id: String?, first: [EventHub.Event]) -> HTTPResponse
    {
        let fields = [HTTPField("Content-Type", "text/event-stream"), HTTPField("X-Accel-Buffering", "no")]
        return HTTPResponse(
            .ok, fields,
            body: .stream(length: nil) { writer in
                try await writer.write("retry: 2000\n\n" + first.map(\.text).joined())
                if let id, let state = first.first?.state, first.first?.id == id, state == .done || state == .failed {
                    return
                }
                try await withThrowingTaskGroup(of: Void.self) { group in
                    let pieces = merged(events, of: id, after: first)
                    group.addTask {
                        for await piece in pieces { try await writer.write(piece) }
                    }
                    try await group.waitForAll()
                }
            })
    }

    /// The events' texts, and a comment now and then so that a client that has gone is noticed. Events that were on
    /// their way while `first` was read are left out if they tell of an earlier state.
    private static func merged(
        _ events: AsyncStream<EventHub.Event>, of id: String?, after first: [EventHub.Event]
    ) -> AsyncStream<String> {
        let (stream, continuation) = AsyncStream.makeStream(of: String.self, bufferingPolicy: .bufferingOldest(512))
        let reader = Task {
            var states = Dictionary(first.map { ($0.id, $0.state) }) { $1 }
            for await event in events where id == nil ? event.isListed : event.id == id {
                if let state = event.state {
                    if let told = states[event.id], let told, state.order < told.order { continue }
                    states[event.id] = state
                } else {
                    states[event.id] = nil
                }
                if case .dropped = continuation.yield(event.text) { break }
                let isLast = event.kind == .deleted || event.state == .done || event.state == .failed
                if id != nil && isLast { break }
            }
            continuation.finish()
        }
        let clock = Task {
            while !Task.isCancelled {
                try await Task.sleep(for: .seconds(15))
                continuation.yield(": still here\n\n")
            }
        }
        continuation.onTermination = { _ in
            reader.cancel()
            clock.cancel()
        }
        return stream
    }
}
