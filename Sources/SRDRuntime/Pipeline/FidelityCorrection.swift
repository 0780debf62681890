import SRDImage
import SRDModel
import SRDTensor

/// G(P − S) − H(P − S): what a fidelity above 0 adds to the sample S, with the encoder's image P (`Fidelity`).
///
/// Rows of P are stored from top to bottom, and only those that the blurs still need are kept.
package final class FidelityCorrection: Sendable {
    /// Rows above and below a row that its correction reads.
    package let radius: Int
    private let added: BlurredRows
    private let removed: BlurredRows?
    private let bicubic: BicubicRows
    private let residual: FloatTensor
    private let finiteness: Finiteness

    /// - Parameters:
    ///   - residual: x_0 `[H, W, 3]` of the padded size.
    ///   - bicubic: the bicubic upsample.
    ///   - fidelity: above 0.
    ///   - bandRows: the most rows that are stored before corrections are read.
    ///   - finiteness: notes whether the encoder's image is finite.
    package init(
        of residual: FloatTensor, _ bicubic: BicubicRows, _ fidelity: Fidelity, bandRows: Int, _ finiteness: Finiteness
    ) {
        self.finiteness = finiteness
        self.residual = residual
        self.bicubic = bicubic
        radius = fidelity.radius
        let width = residual.width, height = residual.height
        let capacity = Self.capacity(fidelity, bandRows: bandRows, height: height)
        added = BlurredRows(fidelity.addedBand, width: width, height: height, capacity: capacity)
        removed = fidelity.removedBand.map { BlurredRows($0, width: width, height: height, capacity: capacity) }
    }

    /// Bytes for an image of this size.
    static func bytes(_ fidelity: Fidelity, bandRows: Int, width: Int, height: Int) -> Int {
        let bands = fidelity.removedBand == nil ? 1 : 2
        return bands * capacity(fidelity, bandRows: bandRows, height: height) * width * 3 * MemoryLayout<Float>.stride
    }

    /// Rows that are stored at a time.
    private static func capacity(_ fidelity: Fidelity, bandRows: Int, height: Int) -> Int {
        min(height, 2 * fidelity.radius + bandRows)
    }

    /// Stores row y of the encoder's image, `[W][3]` in 0…1.
    package func store(_ y: Int, _ encoded: UnsafePointer<Float>) {
        finiteness.check(encoded, count: residual.width * 3, timestep: 0)
        var difference = Pipeline.sample(residual, row: y, bicubic.networkRow(y))
        for j in difference.indices { difference[j] = max(0, min(1, encoded[j])) * 2 - 1 - difference[j] }
        added.store(y, difference)
        removed?.store(y, difference)
    }

    /// Adds the correction to the first pixels of row y. The rows from y − `radius` to y + `radius` must be stored.
    package func add(to values: inout [Float], _ y: Int) {
        added.add(1, row: y, to: &values)
        removed?.add(-1, row: y, to: &values)
    }
}
