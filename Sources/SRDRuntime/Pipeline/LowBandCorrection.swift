import SRDImage
import SRDModel
import SRDTensor

/// G(P − S): what a fidelity above 0 adds to the sample S, with the encoder's image P and a Gaussian blur G.
///
/// The blur is separable, with replicated borders. Sums are float32 in a fixed order, so the bytes are the same on every machine. It holds
/// one image of floats.
struct LowBandCorrection: Sendable {
    /// P − S, blurred along rows.
    private var difference: FloatTensor
    private let kernel: [Float]

    /// - Parameter kernel: weights from the centre on.
    init(of residual: FloatTensor, _ prepared: Pipeline.Prepared, _ executor: Executor, kernel: [Float], _ finiteness: Finiteness) {
        self.kernel = kernel
        let rows = BicubicRows(prepared.padded, scaledBy: executor.configuration.scale), width = residual.width
        difference = FloatTensor(shape: residual.shape)
        difference.values.withUnsafeMutableBufferPointer { values in
            nonisolated(unsafe) let values = values        // rows do not overlap
            executor.encoderImage(of: prepared.condition) { y, encoded in
                finiteness.check(encoded, count: width * 3, timestep: 0)
                let sample = Pipeline.sample(residual, row: y, rows.networkRow(y))
                let difference = sample.indices.map { max(0, min(1, encoded[$0])) * 2 - 1 - sample[$0] }
                Self.blur(difference, width: width, kernel, into: UnsafeMutableBufferPointer(rebasing: values[y * width * 3..<(y + 1) * width * 3]))
            }
        }
    }

    /// Blurs a row `[width][3]`.
    private static func blur(_ row: [Float], width: Int, _ kernel: [Float], into out: UnsafeMutableBufferPointer<Float>) {
        let radius = kernel.count - 1
        var extended = [Float](repeating: 0, count: (width + 2 * radius) * 3)
        for x in -radius..<width + radius {
            let from = max(0, min(width - 1, x)) * 3, to = (x + radius) * 3
            for c in 0..<3 { extended[to + c] = row[from + c] }
        }
        for j in out.indices { out[j] = kernel[0] * extended[j + radius * 3] }
        for k in kernel.indices.dropFirst() {
            let weight = kernel[k], left = (radius - k) * 3, right = (radius + k) * 3
            for j in out.indices { out[j] += weight * (extended[j + left] + extended[j + right]) }
        }
    }

    /// Adds the correction to the first pixels of row y.
    func add(to row: inout [Float], _ y: Int) {
        let length = difference.width * 3, last = difference.height - 1
        difference.values.withUnsafeBufferPointer { values in
            for j in row.indices { row[j] += kernel[0] * values[y * length + j] }
            for k in kernel.indices.dropFirst() {
                let weight = kernel[k], above = max(0, y - k) * length, below = min(last, y + k) * length
                for j in row.indices { row[j] += weight * (values[above + j] + values[below + j]) }
            }
        }
    }
}
