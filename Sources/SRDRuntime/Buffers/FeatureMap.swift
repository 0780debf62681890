import CSRDKernels
import SRDTensor

/// A rectangle of a feature map, in its pixels.
package struct MapPart: Hashable, Sendable {
    package let columns, rows: Range<Int>

    /// Pixels.
    package var count: Int { columns.count * rows.count }

    package init(columns: Range<Int>, rows: Range<Int>) {
        self.columns = columns
        self.rows = rows
    }
}

/// A whole feature map between two graphs, or an image that a graph reads.
final class FeatureMap: @unchecked Sendable {  // rows are written by one thread each, and read only afterwards
    enum Storage {
        /// Quantized values `[height][width][padded channels]`.
        case quantized(UnsafeMutableBufferPointer<srd_quantized>, Quantization)
        /// Floats `[height][width][channels]`.
        case float(UnsafeMutableBufferPointer<Float>)
        /// Floats of the same layout that belong to the caller.
        case borrowed(UnsafePointer<Float>)
    }

    let height, width, channels: Int
    let storage: Storage
    /// The memory that `storage` refers to, apart from it: a reference in there would be counted for every row that is
    /// read.
    private let memory: AnyObject?

    /// Allocates a map; `quantization` is nil for floats.
    init(height: Int, width: Int, channels: Int, quantization: Quantization?) {
        self.height = height
        self.width = width
        self.channels = channels
        if let quantization {
            let buffer = LargeBuffer<srd_quantized>(count: height * width * paddedChannels(channels))
            (memory, storage) = (buffer, .quantized(buffer.elements, quantization))
        } else {
            let buffer = LargeBuffer<Float>(count: height * width * channels)
            (memory, storage) = (buffer, .float(buffer.elements))
        }
    }

    /// Copies a tensor.
    init(_ tensor: FloatTensor) {
        height = tensor.height
        width = tensor.width
        channels = tensor.channels
        let buffer = LargeBuffer<Float>(count: tensor.values.count)
        _ = buffer.elements.update(from: tensor.values)
        (memory, storage) = (buffer, .float(buffer.elements))
    }

    /// Refers to floats `[height][width][channels]` that outlive the map.
    init(borrowing floats: UnsafePointer<Float>, height: Int, width: Int, channels: Int) {
        self.height = height
        self.width = width
        self.channels = channels
        (memory, storage) = (nil, .borrowed(floats))
    }

    /// Copies the finished rows of a node's output, as far as they belong to the part of it that this map holds.
    func store(_ rows: Range<Int>, of buffer: NodeBuffer, part: MapPart) {
        let left = part.columns.lowerBound, top = part.rows.lowerBound
        switch storage {
        case .quantized(let values, _):
            let ring = buffer.quantized!
            for y in rows.clamped(to: part.rows) {
                (values.baseAddress! + (y - top) * width * ring.pixel)
                    .update(from: ring.interior(y) + left * ring.pixel, count: width * ring.pixel)
            }
        case .float(let values):
            let ring = buffer.floats!
            for y in rows.clamped(to: part.rows) {
                copyPixels(
                    0..<width, channels, ring.interior(y) + left * ring.pixel, pixel: ring.pixel,
                    to: values.baseAddress! + (y - top) * width * channels, pixel: channels)
            }
        case .borrowed: preconditionFailure("borrowed maps are read only")
        }
    }

    /// The map as real numbers, `[height, width, channels]`.
    func tensor() -> FloatTensor {
        var tensor = FloatTensor(height: height, width: width, channels: channels)
        switch storage {
        case .quantized(let values, let quantization):
            let pixel = paddedChannels(channels)
            for p in 0..<height * width {
                for c in 0..<channels {
                    tensor.values[p * channels + c] = quantization.real(decoded(values[p * pixel + c]))
                }
            }
        case .float(let values): for i in tensor.values.indices { tensor.values[i] = values[i] }
        case .borrowed(let values): for i in tensor.values.indices { tensor.values[i] = values[i] }
        }
        return tensor
    }
}
