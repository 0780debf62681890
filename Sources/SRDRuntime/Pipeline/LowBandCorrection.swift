import SRDImage
import SRDModel
import SRDTensor

/// G(P − S): what a fidelity above 0 adds to the sample S, with the encoder's image P and a Gaussian blur G.
///
/// The blur is separable, with replicated borders. Sums are float32 in a fixed order, so the bytes are the same on every machine. Rows of
/// P are stored from top to bottom, and only those that the blur still needs are kept.
final class LowBandCorrection: @unchecked Sendable {       // a row is written by one thread, and read only afterwards
    /// Rows above and below a row that its correction reads.
    let radius: Int
    private let kernel: [Float]
    private let rows: BicubicRows
    private let residual: FloatTensor
    private let finiteness: Finiteness
    private let capacity: Int
    /// P − S, blurred along rows: row y at index y mod `capacity`.
    private let differences: LargeBuffer<Float>

    /// - Parameters:
    ///   - residual: x_0 `[H, W, 3]` of the padded size.
    ///   - rows: the bicubic upsample.
    ///   - kernel: weights from the centre on.
    ///   - bandRows: the most rows that are stored before corrections are read.
    ///   - finiteness: notes whether the encoder's image is finite.
    init(of residual: FloatTensor, _ rows: BicubicRows, kernel: [Float], bandRows: Int, _ finiteness: Finiteness) {
        self.finiteness = finiteness
        self.residual = residual
        self.rows = rows
        self.kernel = kernel
        radius = kernel.count - 1
        capacity = Self.capacity(kernel: kernel, bandRows: bandRows, height: residual.height)
        differences = LargeBuffer(count: capacity * residual.width * 3)
    }

    /// Bytes for an image of this size.
    static func bytes(kernel: [Float], bandRows: Int, width: Int, height: Int) -> Int {
        capacity(kernel: kernel, bandRows: bandRows, height: height) * width * 12
    }

    /// Rows that are stored at a time.
    private static func capacity(kernel: [Float], bandRows: Int, height: Int) -> Int {
        min(height, 2 * (kernel.count - 1) + bandRows)
    }

    private func row(_ y: Int) -> UnsafeMutablePointer<Float> { differences.elements.baseAddress! + y % capacity * residual.width * 3 }

    /// Stores row y of the encoder's image, `[W][3]` in 0…1.
    func store(_ y: Int, _ encoded: UnsafePointer<Float>) {
        finiteness.check(encoded, count: residual.width * 3, timestep: 0)
        let sample = Pipeline.sample(residual, row: y, rows.networkRow(y)), width = residual.width
        var extended = [Float](repeating: 0, count: (width + 2 * radius) * 3)
        for j in sample.indices { extended[radius * 3 + j] = max(0, min(1, encoded[j])) * 2 - 1 - sample[j] }
        for x in 0..<radius {
            for c in 0..<3 {
                extended[x * 3 + c] = extended[radius * 3 + c]
                extended[(radius + width + x) * 3 + c] = extended[(radius + width - 1) * 3 + c]
            }
        }
        let out = row(y)
        for j in 0..<width * 3 { out[j] = kernel[0] * extended[j + radius * 3] }
        for k in kernel.indices.dropFirst() {
            let weight = kernel[k], left = (radius - k) * 3, right = (radius + k) * 3
            for j in 0..<width * 3 { out[j] += weight * (extended[j + left] + extended[j + right]) }
        }
    }

    /// Adds the correction to the first pixels of row y. The rows from y − `radius` to y + `radius` must be stored.
    func add(to values: inout [Float], _ y: Int) {
        let last = residual.height - 1, centre = row(y)
        for j in values.indices { values[j] += kernel[0] * centre[j] }
        for k in kernel.indices.dropFirst() {
            let weight = kernel[k], above = row(max(0, y - k)), below = row(min(last, y + k))
            for j in values.indices { values[j] += weight * (above[j] + below[j]) }
        }
    }
}
