import SRDModel

/// Everything that, with the image and the model, decides a sample.
public struct SamplingSettings: Hashable, Sendable {
    public enum Generator: String, Hashable, Sendable, CaseIterable {
        /// Noise that is a function of seed, step and pixel: see `NoiseSource.pixel`.
        case pixel
        /// PyTorch's random numbers in PyTorch's order, for comparison with the published code.
        case torch
    }

    public var schedule: TimestepSchedule
    public var seed: UInt64
    public var generator: Generator
    /// How much of the result comes from the encoder's image. Above 0 the model must have its layers.
    public var fidelity: Fidelity
    /// A second seed, whose noise is blended with the first's in every draw; nil for none.
    public var blend: SeedBlend?

    public struct SeedBlend: Hashable, Sendable {
        public let seed: UInt64
        public let weights: BlendWeights

        public init(seed: UInt64, weights: BlendWeights) {
            self.seed = seed
            self.weights = weights
        }
    }

    public init(
        schedule: TimestepSchedule, seed: UInt64, generator: Generator = .pixel, fidelity: Fidelity = .sample,
        blend: SeedBlend? = nil
    ) {
        self.schedule = schedule
        self.seed = seed
        self.generator = generator
        self.fidelity = fidelity
        self.blend = blend
    }

    var noise: NoiseSource {
        guard let blend else { return noise(of: seed) }
        return .blend(noise(of: seed), noise(of: blend.seed), blend.weights)
    }

    private func noise(of seed: UInt64) -> NoiseSource {
        switch generator {
        case .pixel: return .pixel(seed: seed)
        case .torch: return .torch(TorchRandom(seed: seed))
        }
    }
}
