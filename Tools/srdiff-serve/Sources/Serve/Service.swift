import ServeHTTP
import SRDiff

/// The parts of the service, put together.
final class Service: Sendable {
    let settings: Settings
    let models: Models
    let store: JobStore
    let speeds: Speeds
    let running = RunningJob()
    let hub = EventHub()
    let metrics = Metrics()
    let incoming: ByteBudget
    let watchedFolder: WatchedFolder?
    let view: JobView
    /// Bytes of memory that an image may take, from what was available at start; nil if the kernel does not say.
    let memory: Int?

    /// Something may have been queued.
    let wakes: AsyncStream<Void>
    private let wakeUp: AsyncStream<Void>.Continuation

    init(_ settings: Settings, isDefaultModelList: Bool) async throws {
        self.settings = settings
        models = try Models(settings.models, isDefaultList: isDefaultModelList)
        store = try JobStore(folder: settings.stateFolder)
        speeds = Speeds(try await store.speeds())
        incoming = ByteBudget(settings.incomingBytes)
        memory = AvailableMemory.now()?.bytes
        if let folder = settings.watchedFolder, let target = settings.targetFolder {
            watchedFolder = try WatchedFolder(folder, into: target)
        } else {
            watchedFolder = nil
        }
        (wakes, wakeUp) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let models = models
        view = JobView(speeds: speeds, running: running) { models[$0]?.scale ?? models.standard.scale }
        wakeUp.yield()  // jobs of the last run
    }

    /// Adds jobs to the queue, all or none, and tells about them.
    ///
    /// Throws `Problem` 429 if the queue is full.
    func add(_ jobs: [(job: Job, path: String)]) async throws {
        do {
            guard try await store.add(jobs, queueLength: settings.queueLength, unfinishedBytes: settings.keepMiB << 20)
            else {
                throw await queueIsFull()
            }
        } catch let error as FileFailure where error.isFull {
            throw Problem(.unavailable, "the disk of the service is full", retryAfter: 60)
        } catch let error as DatabaseError where error.isFull {
            throw Problem(.unavailable, "the disk of the service is full", retryAfter: 60)
        }
        wakeUp.yield()
        for (job, _) in jobs { await publish((try? await store.job(job.id)) ?? job) }
    }

    func queueIsFull() async -> Problem {
        let seconds = running.now.flatMap { speeds.seconds([models.standard.name: 0.1 * Double($0.totalSteps)]) } ?? 2
        return Problem(
            .tooManyRequests, "the queue is full; try again later",
            retryAfter: min(30, max(1, Int(seconds.rounded(.up)))))
    }

    /// Ends a job that was computed.
    ///
    /// - Parameter error: why it failed, or nil.
    func finish(_ job: Job, seconds: Double, error: String?) async throws {
        if error == nil, job.results.isEmpty {
            let speed = speeds.learn(job.options.model, seconds: seconds, work: job.work)
            try await store.setSpeed(speed, of: job.options.model)
        }
        if let error, case .folder(let path, let stamp) = job.origin {
            watchedFolder?.moveAside(path: path, stamp: stamp, reason: error)
        }
        guard let finished = try await store.finish(job.id, seconds: seconds, error: error) else { return }
        metrics.finished(hasFailed: error != nil, seconds: seconds)
        hub.publish(view.event(finished))
        await expire()
    }

    /// Removes a job, running or not. Returns whether there was one.
    func delete(_ id: String) async throws -> Bool {
        running.cancel(id)
        guard try await store.delete(id) else { return false }
        hub.publish(JobView.deleted(id))
        return true
    }

    func expire() async {
        let seconds = settings.keepDays * 86400
        guard let removed = try? await store.expire(olderThan: seconds, keepingBytes: settings.keepMiB << 20) else {
            return
        }
        for id in removed { hub.publish(JobView.deleted(id)) }
    }

    func publish(_ job: Job) async {
        guard job.state == .queued else { return hub.publish(view.event(job)) }
        hub.publish(view.event(job, place: try? await store.place(of: job.id)))
    }

    func json(_ job: Job) async throws -> JSON {
        view.json(job, place: job.state == .queued ? try await store.place(of: job.id) : nil)
    }
}
