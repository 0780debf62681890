/// A dense float tensor, row-major: the last dimension is contiguous.
///
/// Images and feature maps are `[height, width, channels]`; weights keep the checkpoint's own order.
public struct FloatTensor: Equatable, Sendable {
    public let shape: [Int]
    public var values: [Float]

    /// Creates a tensor. Traps unless `values.count` is the product of `shape`; sizes from files must be checked
    /// before.
    public init(shape: [Int], values: [Float]) {
        precondition(values.count == shape.reduce(1, *), "\(values.count) values for shape \(shape)")
        self.shape = shape
        self.values = values
    }

    public init(shape: [Int], repeating value: Float = 0) {
        self.init(shape: shape, values: [Float](repeating: value, count: shape.reduce(1, *)))
    }
}

extension FloatTensor {
    /// The height of a feature map, `[height, width, channels]`.
    public var height: Int { shape[0] }
    public var width: Int { shape[1] }
    public var channels: Int { shape[2] }

    public init(height: Int, width: Int, channels: Int) {
        self.init(shape: [height, width, channels])
    }

    /// Returns the upper left `height` × `width` part of a feature map.
    public func cropped(height: Int, width: Int) -> FloatTensor {
        guard height != self.height || width != self.width else { return self }
        var out: [Float] = []
        out.reserveCapacity(height * width * channels)
        for y in 0..<height {
            let start = y * self.width * channels
            out += values[start..<start + width * channels]
        }
        return FloatTensor(shape: [height, width, channels], values: out)
    }

    /// Returns an empty map with the width and channels of another, to append rows to.
    package static func noRows(like map: FloatTensor) -> FloatTensor {
        FloatTensor(height: 0, width: map.width, channels: map.channels)
    }

    /// Appends the rows of a map of the same width and channels.
    package mutating func append(_ rows: FloatTensor) {
        precondition(rows.width == width && rows.channels == channels)
        self = FloatTensor(shape: [height + rows.height, width, channels], values: values + rows.values)
    }

    /// Returns some rows of a feature map.
    package func rows(_ rows: Range<Int>) -> FloatTensor {
        let length = width * channels
        return FloatTensor(
            shape: [rows.count, width, channels],
            values: Array(values[rows.lowerBound * length..<rows.upperBound * length]))
    }
}
