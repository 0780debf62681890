/// How much of the result comes from the encoder's image: its middle frequencies, up to a limit that rises with the
/// fidelity.
///
/// The result is S + G(P − S) − H(P − S), where S is the sample, P the encoder's image, G a Gaussian blur of standard
/// deviation σ and H a wider one. Middle frequencies come from P: below the low-resolution image's Nyquist frequency a
/// sample has about twice the error of P and no more detail. High frequencies come from S, and so does the mean colour,
/// because P shifts saturated colours.
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

    /// σ of G in pixels of the result: 1.5 · (1 − f) / f. It is ∞ at 0 and 0 at 1.
    public var sigma: Double { Self.middleSigma * (1 - Double(value)) / Double(value) }

    /// σ of H in pixels of the result: 4σ, but at least 6. It is nil at 1, where the result is the encoder's image.
    public var colorSigma: Double? { value < 1 ? max(6, 4 * sigma) : nil }

    /// The blur G, whose result is added to the sample.
    package var addedBand: BlurKernel { BlurKernel(sigma: sigma) }

    /// The blur H, whose result is subtracted from the sample.
    package var removedBand: BlurKernel? { colorSigma.map(BlurKernel.init) }

    /// Pixels on either side of a pixel of the result that it depends on.
    package var radius: Int { needsEncoderImage ? max(addedBand.radius, removedBand?.radius ?? 0) : 0 }
}
