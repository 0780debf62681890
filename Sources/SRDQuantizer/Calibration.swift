import SRDRuntime
import SRDTensor
import SRDModel

extension Statistics {
    /// The schedules whose trajectories are observed: DDPM and DDIM over the same timesteps, with and without fresh
    /// noise.
    static func samplers(steps: Int) -> [TimestepSchedule] { [.ancestral(steps: steps), .ddim(steps: steps, eta: 0)] }

    /// Samples every image once with each schedule and collects statistics of the outputs of the float model's layers.
    ///
    /// - Parameter progress: called with the noise predictions done and their total.
    public init(
        of model: Model, on set: CalibrationSet, settings: QuantizerSettings,
        progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
    ) throws(CalibrationError) {
        let samplers = Self.samplers(steps: min(settings.steps, model.schedule.timesteps)) + settings.schedules
        self.init(timesteps: Set(samplers.flatMap { $0.steps(of: model.schedule).map(\.timestep) }).sorted())
        let executor = Executor(model, threads: settings.threads), observer = ExecutorObserver()
        let pipeline = Pipeline(executor)
        var found = self, done = 0, timestep: Int?, isPreview = false
        let total = set.images.count * samplers.reduce(0) { $0 + $1.steps }
        let preview = Set(model.network.preview.nodes.map(\.name))
        executor.observer = observer
        observer.onTimestep = { timestep = $0 }
        observer.onRows = { node, _, rows in
            // The encoder runs again for its image, but its maps are counted once.
            guard node.operation != .input, !isPreview || preview.contains(node.name) else { return }
            found.add(node, rows, at: timestep, threads: settings.threads)
        }
        for (i, image) in set.images.enumerated() {
            let prepared = pipeline.prepare(image)
            for sampler in samplers {
                _ = pipeline.residual(
                    prepared, settings: SamplingSettings(schedule: sampler, seed: settings.seed &+ UInt64(i)),
                    progress: { _, _ in
                        done += 1
                        progress(done, total)
                    })
            }
            if model.hasPreview {
                isPreview = true
                _ = pipeline.encoderImage(image)
                isPreview = false
            }
        }
        if let failure = found.failure { throw failure }
        self = found
    }
}
