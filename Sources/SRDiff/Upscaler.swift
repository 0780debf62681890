/// Upscales images with one model: the library's entry point.
///
///     let upscaler = try Upscaler(modelAt: "edge.int8.safetensors")
///     let image = try Image(contentsOf: "photo.png")
///     let result = try upscaler.upscale(image, seed: 0) { progress in print(progress.fractionCompleted) }
///     try result.write(to: "photo_x4.png")
///
/// The same image, model, seed and settings give the same pixels on every machine and for every number of threads.
/// Calls are synchronous and keep every core busy for seconds to minutes, so call them off the main thread. One
/// upscaler is used by one thread at a time; several upscalers work in parallel.
public final class Upscaler {
    /// How to compute. The pixels do not depend on it.
    public struct Options: Hashable, Sendable {
        /// Worker threads; nil takes the processors that this process may use.
        public var threads: Int?
        /// One of `InstructionSet.available`; nil takes the fastest.
        public var instructionSet: InstructionSet?

        public init(threads: Int? = nil, instructionSet: InstructionSet? = nil) {
            self.threads = threads
            self.instructionSet = instructionSet
        }
    }

    /// The state of a sample.
    public struct Progress: Hashable, Sendable {
        public let completedSteps, totalSteps: Int
        /// 0…1
        public var fractionCompleted: Double { Double(completedSteps) / Double(max(1, totalSteps)) }
    }

    /// The numbers of threads that can be asked for.
    public static let threadCounts = 1...1024

    public let loaded: LoadedModel
    public let pipeline: Pipeline

    /// Creates an upscaler with a model file: int8, or a float checkpoint.
    ///
    /// Throws `FileError` and `SRDiffError`.
    public convenience init(modelAt path: String, options: Options = .init()) throws {
        try self.init(LoadedModel.read(path), options: options)
    }

    /// Creates an upscaler with a model that was read before. Throws if the options do not fit this machine.
    public init(_ loaded: LoadedModel, options: Options = .init()) throws(SRDiffError) {
        let threads = options.threads ?? Machine.processors
        guard Self.threadCounts.contains(threads) else { throw .badThreadCount(threads) }
        let instructionSet = try InstructionSet.named(options.instructionSet?.rawValue)
        self.loaded = loaded
        pipeline = Pipeline(Executor(loaded.model, threads: threads, instructionSet: instructionSet))
    }

    /// The upscaling factor along each axis.
    public var scale: Int { loaded.configuration.scale }
    public var threads: Int { pipeline.executor.threads }

    /// Upscales an image. The result has the image's bit depth, channels, alpha and metadata, and the settings of the
    /// run as a text.
    ///
    /// - Parameters:
    ///   - image: the low-resolution image, 8 or 16 bits, gray or RGB, with or without alpha.
    ///   - steps: steps of the sampler, 1 to the model's timesteps; nil takes the model's default.
    ///   - fidelity: 0 for the sample as it is, 1 for the encoder's image; nil takes the model's default for that many
    ///     steps.
    ///   - seed: the random seed. Another seed gives another sample of the detail.
    ///   - progress: called after each step; if it throws, the run stops with that error.
    /// - Throws: `SRDiffError` if the model cannot run that many steps or memory does not suffice; what `progress`
    ///   throws.
    public func upscale(
        _ image: Image, steps: Int? = nil, fidelity: Fidelity? = nil, seed: UInt64 = 0,
        progress: (Progress) throws -> Void = { _ in }
    ) throws -> Image {
        let schedule = try loaded.schedule(for: ScheduleRequest(steps: steps.map { .count($0) }))
        let settings = SamplingSettings(
            schedule: schedule, seed: seed, fidelity: try loaded.fidelity(fidelity, for: schedule))
        try MemoryEstimate.check(
            memoryEstimate(
                width: image.width, height: image.height, bytesPerPixel: image.channels * image.bitDepth / 8, settings),
            for: "an image of \(image.width)×\(image.height) pixels")
        let prepared = pipeline.prepare(image.withHiddenColorsFilled(), fidelity: settings.fidelity)
        let result = try upscale(prepared, settings: settings) { done, total in
            try progress(Progress(completedSteps: done, totalSteps: total))
        }
        return result.with(runSettings: RunSettings.sampled(loaded, settings, seeds: [seed]))
    }

    /// Samples an image that the pipeline has prepared, so that several samples share the encoder's work.
    ///
    /// - Parameters:
    ///   - prepared: the image, by `pipeline.prepare`.
    ///   - settings: schedule, seed and fidelity of the sample.
    ///   - state: x_t to continue from instead of noise.
    ///   - progress: called after each step with steps done and in all; if it throws, the run stops with that error.
    /// - Throws: `SRDiffError.notFinite` if the network puts out NaN or infinity; what `progress` throws.
    public func upscale(
        _ prepared: Pipeline.Prepared, settings: SamplingSettings, from state: LatentState? = nil,
        progress: (_ done: Int, _ total: Int) throws -> Void = { _, _ in }
    ) throws -> Image {
        struct NotFinite: Error {}
        do {
            let result = try pipeline.upscale(prepared, settings: settings, from: state) { done, total in
                try progress(done, total)
                guard pipeline.isFinite else { throw NotFinite() }
            }
            guard pipeline.isFinite else { throw NotFinite() }
            return result
        } catch is NotFinite {
            let layer = pipeline.firstNonFiniteLayer(
                prepared.image, region: prepared.region, settings: settings, from: state)
            throw SRDiffError.notFinite(path: loaded.path, layer: layer)
        }
    }

    /// Returns the encoder's image: quick and smooth, without noise or a seed.
    ///
    /// - Throws: `SRDiffError.noEncoderImage` if the model lacks its layers, `SRDiffError.notFinite` if they put out
    ///   NaN or infinity.
    public func encoderImage(_ image: Image) throws(SRDiffError) -> Image { try encoderImage(image, region: nil) }

    /// Returns a region of the encoder's image; nil for all of it.
    func encoderImage(_ image: Image, region: ResultRegion?) throws(SRDiffError) -> Image {
        guard loaded.hasPreview else { throw .noEncoderImage(path: loaded.path) }
        let result = pipeline.encoderImage(image, region: region)
        guard pipeline.isFinite else {
            let settings = SamplingSettings(schedule: .ancestral(steps: 1), seed: 0)
            throw .notFinite(
                path: loaded.path, layer: pipeline.firstNonFiniteLayer(image, region: region, settings: settings))
        }
        return result
    }

    /// Returns the bytes that sampling a low-resolution image of this size takes.
    public func memoryEstimate(width: Int, height: Int, bytesPerPixel: Int = 3, _ settings: SamplingSettings) -> Int {
        let size = loaded.configuration.paddedSize(width: width, height: height)
        return MemoryEstimate.sampling(
            loaded.model, lrWidth: size.width, lrHeight: size.height, settings: settings, bytesPerPixel: bytesPerPixel)
    }
}
