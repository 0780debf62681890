import SRDTensor
import SRDModel

/// Statistics of every layer's output while the float model sampled the calibration images.
public struct Statistics: Sendable {
    struct Value: Equatable, Sendable {
        /// One histogram per calibrated timestep, or a single one.
        var histograms: [Histogram]
        /// The sum of each channel over all pixels, images and timesteps.
        var sums: [Double]
        /// The number of pixels.
        var count = 0.0

        var means: [Double] { sums.map { $0 / max(1, count) } }
    }

    /// The calibrated timesteps, ascending.
    public let timesteps: [Int]
    private(set) var values: [String: Value] = [:]
    /// The first output that was not finite.
    private(set) var failure: CalibrationError?

    init(timesteps: [Int]) { self.timesteps = timesteps }

    /// Returns the mean of each channel of a node's output, or nil for an unknown node.
    public func means(of name: String) -> [Double]? { values[name]?.means }

    /// Adds a node's output. `timestep` is nil in graphs that run once per image.
    mutating func add(_ node: Node, _ tensor: FloatTensor, at timestep: Int?, threads: Int) {
        let rows = timestep == nil ? 1 : timesteps.count
        let row = timestep.map { timesteps.firstIndex(of: $0)! } ?? 0
        var value =
            values.removeValue(forKey: node.name)
            ?? Value(
                histograms: [Histogram](repeating: Histogram(), count: rows),
                sums: [Double](repeating: 0, count: tensor.channels))
        for piece in Self.pieces(of: tensor, threads: threads) {
            if !piece.isFinite { failure = failure ?? .notFinite(layer: node.name, timestep: timestep) }
            value.histograms[row].add(piece.histogram)
            for c in value.sums.indices { value.sums[c] += piece.sums[c] }
        }
        value.count += Double(tensor.height * tensor.width)
        values[node.name] = value
    }

    private struct Piece {
        var histogram = Histogram()
        var sums: [Double]
        var isFinite = true
    }

    /// Returns statistics of bands of rows. Their number does not depend on the threads, so sums round the same way.
    private static func pieces(of tensor: FloatTensor, threads: Int) -> [Piece] {
        let count = min(8, tensor.height), channels = tensor.channels, rowCount = tensor.width * channels
        var pieces = [Piece](repeating: Piece(sums: [Double](repeating: 0, count: channels)), count: count)
        tensor.values.withUnsafeBufferPointer { values in
            pieces.withUnsafeMutableBufferPointer { pieces in
                nonisolated(unsafe) let values = values, pieces = pieces  // each piece is one thread's
                Parallel.ranges(count, threads: threads) { range in
                    for piece in range {
                        let rows = tensor.height * piece / count..<tensor.height * (piece + 1) / count
                        pieces[piece].isFinite = pieces[piece].histogram.add(
                            UnsafeBufferPointer(
                                rebasing: values[rows.lowerBound * rowCount..<rows.upperBound * rowCount]))
                        for y in rows { addRow(values.baseAddress! + y * rowCount, rowCount, to: &pieces[piece].sums) }
                    }
                }
            }
        }
        return pieces
    }

    private static func addRow(_ row: UnsafePointer<Float>, _ count: Int, to sums: inout [Double]) {
        let channels = sums.count
        sums.withUnsafeMutableBufferPointer { sums in
            for pixel in stride(from: 0, to: count, by: channels) {
                for c in 0..<channels { sums[c] += Double(row[pixel + c]) }
            }
        }
    }
}

/// Why a float model cannot be calibrated.
public enum CalibrationError: Error, Equatable, CustomStringConvertible, Sendable {
    /// A layer's output contained NaN or infinity. The timestep is nil for layers that run once per image.
    case notFinite(layer: String, timestep: Int?)

    public var description: String {
        switch self {
        case .notFinite(let layer, let timestep):
            """
            layer `\(layer)` puts out numbers that are not \
            finite\(timestep.map { " at timestep \($0)" } ?? ""): the float model itself fails
            """
        }
    }
}
