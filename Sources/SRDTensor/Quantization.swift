/// An affine quantization: real = scale · (q − zeroPoint) with q in −128…127. Real 0 is exactly q = `zeroPoint`.
public struct Quantization: Hashable, Sendable {
    public let scale: Float
    public let zeroPoint: Int8

    public init(scale: Float, zeroPoint: Int8) {
        self.scale = scale
        self.zeroPoint = zeroPoint
    }

    /// Creates a quantization whose 256 values cover `range`, widened to contain 0.
    public init(covering range: ClosedRange<Float>) {
        let low = min(range.lowerBound, 0), high = max(range.upperBound, 0)
        let scale = max((high - low) / 255, .leastNormalMagnitude * 0x1p23)
        let zero = (-128 - low / scale).rounded(.toNearestOrEven)
        self.init(scale: scale, zeroPoint: Int8(max(-128, min(127, zero))))
    }

    /// The least and the greatest real value that can be represented.
    public var range: ClosedRange<Float> {
        scale * Float(-128 - Int(zeroPoint))...scale * Float(127 - Int(zeroPoint))
    }

    /// Returns the nearest quantized value, ties to even. Values outside the range are clamped to it.
    public func quantized(_ real: Float) -> Int8 {
        Int8(max(-128, min(127, (real * (1 / scale)).rounded(.toNearestOrEven) + Float(zeroPoint))))
    }

    /// Returns `real(quantized(x))` for finite x, in a form that vectorizes.
    @inlinable
    public func rounded(_ real: Float) -> Float {
        let zero = Float(zeroPoint), steps = max(-512, min(512, real * (1 / scale)))
        let nearest = (steps + 0x1.8p23) - 0x1.8p23  // to nearest, ties to even
        return (max(-128, min(127, nearest + zero)) - zero) * scale
    }

    /// Returns the real value that a quantized value represents.
    public func real(_ q: Int8) -> Float { Float(Int(q) - Int(zeroPoint)) * scale }
}
