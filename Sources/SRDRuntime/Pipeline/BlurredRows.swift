import SRDModel

/// A separable blur of rows that arrive from top to bottom. Only the rows that the blur still needs are kept.
///
/// Borders are replicated. Sums are float32 in a fixed order, so the bytes are the same on every machine.
final class BlurredRows: @unchecked Sendable {  // a row is written by one thread, and read only afterwards
    private let weights: [Float]
    private let width, height, capacity: Int
    /// Rows blurred along x: row y at index y mod `capacity`.
    private let rows: LargeBuffer<Float>

    private var radius: Int { weights.count - 1 }
    private var length: Int { width * 3 }

    /// - Parameters:
    ///   - kernel: the blur.
    ///   - width, height: the image's size in pixels of three channels.
    ///   - capacity: rows to keep.
    init(_ kernel: BlurKernel, width: Int, height: Int, capacity: Int) {
        weights = kernel.weights
        self.width = width
        self.height = height
        self.capacity = capacity
        rows = LargeBuffer(count: capacity * width * 3)
    }

    private func row(_ y: Int) -> UnsafeMutablePointer<Float> { rows.elements.baseAddress! + y % capacity * length }

    /// Stores row y, `[W][3]`.
    func store(_ y: Int, _ values: [Float]) {
        let left = values[..<3], right = values[(length - 3)...]
        let extended =
            Array(repeatElement(left, count: radius).joined()) + values
            + Array(repeatElement(right, count: radius).joined())
        let out = row(y)
        extended.withUnsafeBufferPointer { extended in
            for j in 0..<length { out[j] = weights[0] * extended[j + radius * 3] }
            for k in weights.indices.dropFirst() {
                let weight = weights[k], left = (radius - k) * 3, right = (radius + k) * 3
                for j in 0..<length { out[j] += weight * (extended[j + left] + extended[j + right]) }
            }
        }
    }

    /// Adds `factor` times the blurred row y to the first pixels of a row. The rows from y − radius to y + radius must
    /// be stored.
    func add(_ factor: Float, row y: Int, to values: inout [Float]) {
        let last = height - 1, centre = row(y)
        values.withUnsafeMutableBufferPointer { values in
            let own = factor * weights[0]
            for j in values.indices { values[j] += own * centre[j] }
            for k in weights.indices.dropFirst() {
                let weight = factor * weights[k], above = row(max(0, y - k)), below = row(min(last, y + k))
                for j in values.indices { values[j] += weight * (above[j] + below[j]) }
            }
        }
    }
}
