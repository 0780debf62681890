import SRDFloat
import SRDTensor
import SRDModel

extension Statistics {
    /// The samplers whose trajectories are watched: with and without fresh noise, over the same timesteps.
    static func samplers(steps: Int) -> [SamplerSchedule] { [.ancestral(steps: steps), .ddim(steps: steps, eta: 0)] }

    /// Lets the float model draw every image once by each sampler.
    /// - Parameter progress: called with noise predictions done and in all.
    public init(
        of model: Model, on set: CalibrationSet, settings: QuantizerSettings, progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
    ) throws(CalibrationError) {
        let samplers = Self.samplers(steps: min(settings.steps, model.schedule.timesteps))
        self.init(timesteps: samplers[0].steps(of: model.schedule).map(\.timestep).sorted())
        let executor = FloatExecutor(model, threads: settings.threads)
        let watched = WatchedExecutor(executor)
        let upscaler = Upscaler(executor: watched, schedule: model.schedule, threads: settings.threads)
        var found = self, done = 0
        let total = set.images.count * samplers.reduce(0) { $0 + $1.steps }
        executor.observe = { node, tensor in
            if node.operation != .input { found.add(node, tensor, at: watched.timestep, threads: settings.threads) }
        }
        for (i, image) in set.images.enumerated() {
            let prepared = upscaler.prepare(image)
            for sampler in samplers {
                _ = upscaler.residual(prepared, settings: SamplingSettings(sampler: sampler, seed: settings.seed &+ UInt64(i))) { _ in
                    done += 1
                    progress(done, total)
                }
            }
            if model.hasPreview {
                let preview = Set(model.network.preview.nodes.map(\.name))
                let observe = executor.observe
                // The encoder's maps are counted already.
                executor.observe = { node, tensor in if preview.contains(node.name) { observe?(node, tensor) } }
                _ = upscaler.preview(image)
                executor.observe = observe
            }
        }
        if let failure = found.failure { throw failure }
        self = found
    }
}
