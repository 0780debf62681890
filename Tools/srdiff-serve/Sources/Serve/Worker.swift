import CMalloc
import SRDiff

/// Computes one job after another on a thread of its own, at a lower priority than the threads that answer requests.
actor Worker {
    private let executor = ThreadExecutor(niceness: 10)
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    private let service: Service
    /// The workspace fits images of one size; the next image of that size and model reuses it.
    private var last: (model: String, width: Int, height: Int, upscaler: Upscaler)?

    init(_ service: Service) { self.service = service }

    /// Works until the task is cancelled.
    func run() async throws {
        for await _ in service.wakes {
            while let job = try await whenDiskHasRoom({ try await service.store.startNext() }) {
                try Task.checkCancellation()
                let start = ContinuousClock.now
                let error = await compute(job)
                let seconds = start.duration(to: .now).seconds
                try await whenDiskHasRoom { try await service.finish(job, seconds: seconds, error: error) }
            }
            last = nil  // idle: the memory goes back to the system
            malloc_trim(0)
        }
    }

    /// A full disk holds the queue up; it does not end the service.
    private func whenDiskHasRoom<Result: Sendable>(_ body: @Sendable () async throws -> Result) async throws -> Result {
        while true {
            do { return try await body() } catch let error as DatabaseError where error.isFull {
                Log.line("the disk is full; trying again in 10 s")
                try await Task.sleep(for: .seconds(10))
            }
        }
    }

    /// Returns why the job failed, or nil.
    private func compute(_ job: Job) async -> String? {
        let store = service.store, options = job.options
        service.running.start(job.id, totalSteps: options.samples * options.steps)
        defer { service.running.finish() }
        await service.publish(job)
        do {
            guard let model = service.models[options.model] else {
                return "the model \(options.model) is no longer served"
            }
            // Results of an earlier start of the program are kept.
            let missing = (0..<options.samples).filter { sample in !job.results.contains { $0.sample == sample } }
            if !missing.isEmpty {
                let image = try Files.withBytes(store.inputPath(job.id)) { bytes in
                    try Image(parsing: bytes, pixelLimit: service.settings.megapixels * 1_000_000)
                }
                for sample in missing {
                    let seed = options.seed &+ UInt64(sample), path = store.resultPath(job, sample)
                    let result = try sampled(image, model, options, seed: seed, sample: sample, job)
                    try result.write(to: path, options: EncodingOptions(quality: options.quality))
                    try service.running.complete(steps: (sample + 1) * options.steps)
                    try await store.add(JobResult(sample: sample, seed: seed, bytes: Files.size(path) ?? 0), to: job.id)
                }
            }
            if case .folder(let path, _) = job.origin {
                try service.watchedFolder?.publish(job, path: path, scale: model.scale, store)
            }
            return nil
        } catch is CancellationError {
            return "cancelled"
        } catch {
            return Self.text(error)
        }
    }

    private func sampled(
        _ image: Image, _ model: ServedModel, _ options: JobOptions, seed: UInt64, sample: Int, _ job: Job
    ) throws -> Image {
        let size = model.loaded.configuration.paddedSize(width: image.width, height: image.height)
        if last?.model != model.name || last?.width != size.width || last?.height != size.height {
            last = nil  // released before the next one is allocated
            last = (
                model.name, size.width, size.height,
                try Upscaler(model.loaded, options: .init(threads: service.settings.threads))
            )
        }
        guard let fidelity = Fidelity(options.fidelity) else { throw ServeError("fidelity \(options.fidelity)") }
        let service = service
        let result = try last!.upscaler.upscale(image, steps: options.steps, fidelity: fidelity, seed: seed) {
            progress in
            try service.running.complete(steps: sample * options.steps + progress.completedSteps)
            if progress.completedSteps < options.steps { service.hub.publish(service.view.event(job)) }
        }
        return result
    }

    /// For the client: what it can change, without paths of this machine.
    private static func text(_ error: any Error) -> String {
        switch error {
        case let error as ImageError: return "\(error)"
        case SRDiffError.exceedsMemory(let subject, let needed, let available, let limit):
            return
                """
                \(subject) requires about \(ByteCount.text(needed)) of memory, and \
                \(ByteCount.text(available)) are \(limit): use a smaller image
                """
        case let error as FileFailure where error.isFull: return "the disk of the service is full"
        case let error as DatabaseError where error.isFull: return "the disk of the service is full"
        default:
            Log.line("a job failed: \(error)")
            return "the result could not be made or stored; the log of the service says why"
        }
    }
}
