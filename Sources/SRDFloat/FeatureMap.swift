import SRDTensor
import SRDModel

/// A float feature map with one pixel of border to the left and right of each row, so that a convolution reads
/// beyond the edge without asking. Owns its memory.
final class FeatureMap: @unchecked Sendable {      // rows are written by one thread each, and read only afterwards
    let height, width, channels: Int
    let border: Border
    private let storage: UnsafeMutableBufferPointer<Float>
    private let pool: MapPool

    private var rowStride: Int { (width + 2) * channels }

    init(height: Int, width: Int, channels: Int, border: Border, pool: MapPool) {
        self.height = height
        self.width = width
        self.channels = channels
        self.border = border
        self.pool = pool
        // One more row, of zeros, stands above and below the map.
        storage = pool.take((height + 1) * (width + 2) * channels)
        storage[height * (width + 2) * channels..<storage.count].update(repeating: 0)
    }

    convenience init(_ tensor: FloatTensor, border: Border, pool: MapPool) {
        self.init(height: tensor.height, width: tensor.width, channels: tensor.channels, border: border, pool: pool)
        let count = width * channels
        tensor.values.withUnsafeBufferPointer { values in
            for y in 0..<height {
                interior(y).update(from: values.baseAddress! + y * count, count: count)
                closeRow(y)
            }
        }
    }

    deinit { pool.give(storage) }

    /// Pixel 0 of row y, which must be inside.
    func interior(_ y: Int) -> UnsafeMutablePointer<Float> {
        storage.baseAddress! + y * rowStride + channels
    }

    /// Pixel 0 of row y, which may be one outside.
    func row(_ y: Int) -> UnsafePointer<Float> {
        if y >= 0 && y < height { return UnsafePointer(interior(y)) }
        switch border {
        case .zero: return UnsafePointer(interior(height))
        case .reflect: return UnsafePointer(interior(y < 0 ? -y : 2 * (height - 1) - y))
        }
    }

    /// Writes the border pixels of row y; its producer calls this last.
    func closeRow(_ y: Int) {
        let first = interior(y), last = first + (width - 1) * channels
        for c in 0..<channels {
            first[c - channels] = border == .zero ? 0 : first[channels + c]
            last[channels + c] = border == .zero ? 0 : last[c - channels]
        }
    }

    func tensor() -> FloatTensor {
        var values: [Float] = []
        values.reserveCapacity(height * width * channels)
        for y in 0..<height { values += UnsafeBufferPointer(start: interior(y), count: width * channels) }
        return FloatTensor(shape: [height, width, channels], values: values)
    }
}

/// Memory of maps no longer needed, for the next of the same size: fresh pages cost more than filling them.
final class MapPool: @unchecked Sendable {         // used by the one thread that walks the graph
    private var free: [Int: [UnsafeMutableBufferPointer<Float>]] = [:]

    func take(_ count: Int) -> UnsafeMutableBufferPointer<Float> {
        free[count]?.popLast() ?? .allocate(capacity: count)
    }

    func give(_ buffer: UnsafeMutableBufferPointer<Float>) { free[buffer.count, default: []].append(buffer) }

    deinit { for buffers in free.values { for buffer in buffers { buffer.deallocate() } } }
}
