import ServeHTTP
import SRDiff

/// A job as clients see it.
struct JobView {
    let speeds: Speeds
    let running: RunningJob
    let scale: @Sendable (String) -> Int

    /// - Parameter place: of a queued job, see `JobStore.place`.
    func json(_ job: Job, place: (position: Int, work: [String: Double])? = nil) -> JSON {
        var members: [(String, JSON)] = [
            ("id", .string(job.id)), ("imageId", .string(job.imageID)), ("name", .string(job.name)),
            ("source", .string(job.origin.name)), ("state", .string(job.state.rawValue)),
        ]
        var progress = job.state == .done ? 1.0 : 0, secondsLeft: Double?
        if job.state == .running, let state = running.now, state.id == job.id {
            progress = state.progress
            secondsLeft = speeds.secondsLeft(job, state)
        } else if let place {
            members.append(("position", .int(place.position)))
            secondsLeft = speeds.seconds(place.work)
        }
        members.append(("progress", .number(progress)))
        members.append(("secondsLeft", JSON(secondsLeft.map { ($0 * 10).rounded() / 10 })))
        let options = job.options, scale = scale(options.model)
        members += [
            ("model", .string(options.model)), ("steps", .int(options.steps)),
            ("fidelity", .number((Double(options.fidelity) * 1e4).rounded() / 1e4)), ("seed", .unsigned(options.seed)),
            ("samples", .int(options.samples)), ("format", .string(options.format.name.lowercased())),
            ("quality", .int(options.quality)),
        ]
        members += [
            ("width", .int(job.image.width)), ("height", .int(job.image.height)), ("bytes", .int(job.image.bytes)),
            ("mediaType", .string(job.image.format.mediaType)), ("resultWidth", .int(job.image.width * scale)),
            ("resultHeight", .int(job.image.height * scale)), ("created", .string(Clock.text(job.created))),
            ("started", JSON(job.started.map(Clock.text))), ("finished", JSON(job.finished.map(Clock.text))),
            ("seconds", JSON(job.seconds.map { ($0 * 100).rounded() / 100 })), ("error", JSON(job.error)),
        ]
        members.append(
            (
                "results",
                .array(
                    job.results.map { result in
                        .object([
                            ("sample", .int(result.sample)), ("seed", .unsigned(result.seed)),
                            ("bytes", .int(result.bytes)),
                            ("mediaType", .string(options.format.mediaType)),
                            ("url", .string("/api/v1/jobs/\(job.id)/result?sample=\(result.sample)")),
                        ])
                    })
            ))
        return .object(members)
    }

    func event(_ job: Job, place: (position: Int, work: [String: Double])? = nil) -> EventHub.Event {
        EventHub.Event(
            kind: .job, id: job.id, state: job.state, isListed: job.origin != .waitingRequest,
            data: json(job, place: place).text)
    }

    static func deleted(_ id: String) -> EventHub.Event {
        EventHub.Event(kind: .deleted, id: id, state: nil, data: JSON.object([("id", .string(id))]).text)
    }
}
