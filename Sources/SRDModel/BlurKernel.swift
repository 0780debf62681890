import SRDTensor

/// The weights of a Gaussian blur along one axis. The blur of an image applies them along rows and along columns.
package struct BlurKernel: Sendable {
    /// Weights from the centre on. They sum to 1 over both sides.
    package let weights: [Float]

    /// Pixels on either side of a pixel that its blur reads.
    package var radius: Int { weights.count - 1 }

    /// The largest radius. A wider Gaussian is cut off.
    package static let largestRadius = 64

    /// Creates the weights exp(−i² / 2σ²) up to 3σ, but at most `largestRadius` pixels, and normalizes them.
    ///
    /// - Parameter sigma: the standard deviation in pixels, at least 0.
    package init(sigma: Double) {
        let radius = Int(min(Double(Self.largestRadius), (3 * sigma).rounded(.up)))
        guard radius > 0 else {
            weights = [1]
            return
        }
        let values = (0...radius).map { Mathematics.exp(-Double($0 * $0) / (2 * sigma * sigma)) }
        let total = values[0] + 2 * values.dropFirst().reduce(0, +)
        weights = values.map { Float($0 / total) }
    }
}
