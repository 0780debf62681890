import SRDTensor

/// How much of the result comes from the encoder's image: its low frequencies, up to a limit that rises with the
/// fidelity.
///
/// The result is S + G(P − S), where S is the sample, P the encoder's image and G a Gaussian blur of standard deviation
/// σ. Low frequencies come from P, high ones from S. Below the low-resolution image's Nyquist frequency a sample has
/// about twice the error of P and no more detail.
public struct Fidelity: Hashable, Sendable {
    /// 0 is the sample, 1 the encoder's image.
    public let value: Float

    /// The sample as it is.
    public static let sample = Fidelity(value: 0)

    /// σ at a fidelity of 0.5, in pixels of the result.
    public static let middleSigma = 1.5

    private init(value: Float) { self.value = value }

    /// Creates a fidelity, or nil unless the value is 0 to 1.
    public init?(_ value: Float) {
        guard (0...1).contains(value) else { return nil }
        self.value = value
    }

    /// Whether the encoder's image is needed.
    public var needsEncoderImage: Bool { value > 0 }

    /// σ of the blur in pixels of the result: 1.5 · (1 − f) / f. It is ∞ at 0 and 0 at 1.
    public var sigma: Double { Self.middleSigma * (1 - Double(value)) / Double(value) }

    /// The blur's weights from the centre on, normalized over both sides: exp(−i² / 2σ²) up to 3σ, but at most 64
    /// pixels.
    package var kernel: [Float] {
        let sigma = sigma, radius = min(64, Int((3 * sigma).rounded(.up)))
        guard radius > 0 else { return [1] }
        let weights = (0...radius).map { Mathematics.exp(-Double($0 * $0) / (2 * sigma * sigma)) }
        let total = weights[0] + 2 * weights.dropFirst().reduce(0, +)
        return weights.map { Float($0 / total) }
    }
}
