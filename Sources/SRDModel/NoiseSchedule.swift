import SRDTensor

/// The amounts of signal and noise in x_t = √ᾱ_t · x_0 + √(1 − ᾱ_t) · ε (DDPM, Ho et al. 2020, eq. 4).
public struct NoiseSchedule: Equatable, Sendable {
    /// β_t, the noise added by step t.
    public let betas: [Double]
    /// √ᾱ_t
    public let signal: [Double]
    /// √(1 − ᾱ_t). It is stored, because 1 − ᾱ_t from a rounded ᾱ_t would lose digits near t = 0.
    public let noise: [Double]
    /// 1/√ᾱ_t, which with `noiseToSignal` turns x_t and ε into x_0. Both reach thousands at the noisy end, so their
    /// last digits affect the image. They are stored as the published code rounded them.
    public let inverseSignal: [Double]
    /// √(1/ᾱ_t − 1)
    public let noiseToSignal: [Double]

    /// Why the stored schedule had to be rebuilt, or nil.
    public let warning: String?

    public var timesteps: Int { betas.count }

    /// The names of the checkpoint buffers that are read. Only `betas` is required.
    public static let bufferNames = NoiseSchedule(betas: []).buffers.map(\.name)

    /// The schedule as a checkpoint's buffers.
    public var buffers: [(name: String, values: [Double])] {
        [
            ("betas", betas), ("sqrt_alphas_cumprod", signal), ("sqrt_one_minus_alphas_cumprod", noise),
            ("sqrt_recip_alphas_cumprod", inverseSignal), ("sqrt_recipm1_alphas_cumprod", noiseToSignal),
        ]
    }

    /// Creates the schedule with these β, from which the other values follow.
    public init(betas: [Double]) { self.init(betas: betas, warning: nil) }

    init(betas: [Double], warning: String?) {
        var product = 1.0, signal: [Double] = [], noise: [Double] = []
        for beta in betas {
            product *= 1 - beta
            signal.append(product.squareRoot())
            noise.append((1 - product).squareRoot())
        }
        self.betas = betas
        self.signal = signal
        self.noise = noise
        self.warning = warning
        inverseSignal = signal.map { 1 / $0 }
        noiseToSignal = zip(noise, signal).map { $0 / $1 }
    }

    /// Returns the cosine schedule of the published models: ᾱ(i) = cos²((i/(T+1) + 0.008)/1.008 · π/2), β at most
    /// 0.999.
    public static func cosine(timesteps: Int) -> NoiseSchedule {
        func cumulative(_ i: Int) -> Double {
            // linspace(0, T+1, T+1), as in the published code.
            let x = Double(i) * Double(timesteps + 1) / Double(timesteps)
            let c = Mathematics.sincos((x / Double(timesteps + 1) + 0.008) / 1.008 * Double.pi / 2).cos
            return c * c
        }
        return NoiseSchedule(betas: (0..<timesteps).map { min(1 - cumulative($0 + 1) / cumulative($0), 0.999) })
    }

    /// Creates the schedule of a checkpoint: its buffers as they are stored, or a schedule rebuilt from them if they
    /// contradict each other (see `StoredSchedule`). `betas` alone suffices.
    public init(tensors: [String: FloatTensor]) throws(ModelError) {
        let stored = try StoredSchedule(tensors: tensors)
        self = stored.isConsistent ? stored.schedule : stored.rebuilt()
        guard signal.allSatisfy({ $0 > 0 }), noise.allSatisfy({ $0 > 0 }) else {
            throw .unsupported("the noise schedule leaves a timestep without signal or without noise")
        }
    }

    /// Creates a schedule from β, signal and noise, from which the other values follow.
    init(betas: [Double], signal: [Double], noise: [Double], warning: String) {
        self.betas = betas
        self.signal = signal
        self.noise = noise
        self.warning = warning
        inverseSignal = signal.map { 1 / $0 }
        noiseToSignal = zip(noise, signal).map { $0 / $1 }
    }

    init(betas: [Double], signal: [Double], noise: [Double], inverseSignal: [Double], noiseToSignal: [Double]) {
        self.betas = betas
        self.signal = signal
        self.noise = noise
        self.inverseSignal = inverseSignal
        self.noiseToSignal = noiseToSignal
        warning = nil
    }
}
