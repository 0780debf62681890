import SRDTensor

/// How much signal and noise x_t holds: x_t = √ᾱ_t · x_0 + √(1 − ᾱ_t) · ε  (DDPM, Ho et al. 2020, eq. 4).
public struct NoiseSchedule: Equatable, Sendable {
    /// β_t, the noise added by step t.
    public let betas: [Double]
    /// √ᾱ_t and √(1 − ᾱ_t), each stored: 1 − ᾱ_t from a rounded ᾱ_t would lose its digits near t = 0.
    public let signal: [Double]
    public let noise: [Double]
    /// 1/√ᾱ_t and √(1/ᾱ_t − 1), which turn x_t and ε into x_0: up to thousands at the noisy end, so their last digits,
    /// as the published code rounded them, show in the image.
    public let inverseSignal: [Double]
    public let noiseToSignal: [Double]

    public var timesteps: Int { betas.count }

    /// The names of a checkpoint's buffers that are read; `betas` is required.
    public static let bufferNames = NoiseSchedule(betas: []).buffers.map(\.name)

    /// The schedule as a checkpoint's buffers.
    public var buffers: [(name: String, values: [Double])] {
        [
            ("betas", betas), ("sqrt_alphas_cumprod", signal), ("sqrt_one_minus_alphas_cumprod", noise),
            ("sqrt_recip_alphas_cumprod", inverseSignal), ("sqrt_recipm1_alphas_cumprod", noiseToSignal)
        ]
    }

    /// β alone; the rest follows.
    public init(betas: [Double]) {
        var product = 1.0, signal: [Double] = [], noise: [Double] = []
        for beta in betas {
            product *= 1 - beta
            signal.append(product.squareRoot())
            noise.append((1 - product).squareRoot())
        }
        self.betas = betas
        self.signal = signal
        self.noise = noise
        inverseSignal = signal.map { 1 / $0 }
        noiseToSignal = zip(noise, signal).map { $0 / $1 }
    }

    /// The cosine schedule of the published models: ᾱ(i) = cos²((i/(T+1) + 0.008)/1.008 · π/2), β at most 0.999.
    public static func cosine(timesteps: Int) -> NoiseSchedule {
        func cumulative(_ i: Int) -> Double {
            // linspace(0, T+1, T+1): the published code's own spacing.
            let x = Double(i) * Double(timesteps + 1) / Double(timesteps)
            let c = Mathematics.sincos((x / Double(timesteps + 1) + 0.008) / 1.008 * Double.pi / 2).cos
            return c * c
        }
        return NoiseSchedule(betas: (0..<timesteps).map { min(1 - cumulative($0 + 1) / cumulative($0), 0.999) })
    }

    /// A checkpoint's buffers, which are trusted over any formula; `betas` alone will do.
    public init(tensors: [String: FloatTensor]) throws(ModelError) {
        func buffer(
            _ name: String, count: Int?, within range: ClosedRange<Float> = 0...1
        ) throws(ModelError) -> [Double]? {
            guard let tensor = tensors[name] else { return nil }
            guard tensor.shape.count == 1, count == nil || tensor.shape[0] == count else {
                throw .misshapen(name: name, found: tensor.shape, expected: [count ?? -1])
            }
            guard tensor.values.allSatisfy(range.contains) else {
                throw .unsupported("tensor `\(name)` has a value outside \(range)")
            }
            return tensor.values.map(Double.init)
        }
        guard let betas = try buffer("betas", count: nil) else { throw .missing(name: "betas", expected: nil) }
        let derived = NoiseSchedule(betas: betas)
        self.betas = betas
        signal = try buffer("sqrt_alphas_cumprod", count: betas.count) ?? derived.signal
        noise = try buffer("sqrt_one_minus_alphas_cumprod", count: betas.count) ?? derived.noise
        let most: ClosedRange<Float> = 0...Float.greatestFiniteMagnitude
        inverseSignal = try buffer("sqrt_recip_alphas_cumprod", count: betas.count, within: most) ?? derived.inverseSignal
        noiseToSignal = try buffer("sqrt_recipm1_alphas_cumprod", count: betas.count, within: most) ?? derived.noiseToSignal
        guard signal.allSatisfy({ $0 > 0 }), noise.allSatisfy({ $0 > 0 }) else {
            throw .unsupported("the noise schedule leaves a timestep without signal or without noise")
        }
    }
}
