/// real = scale · (q − zeroPoint), q in −128…127, so real 0 is exactly the code `zeroPoint`.
public struct Quantization: Hashable, Sendable {
    public let scale: Float
    public let zeroPoint: Int8

    public init(scale: Float, zeroPoint: Int8) {
        self.scale = scale
        self.zeroPoint = zeroPoint
    }

    /// The 256 codes spread over `range`, widened to hold 0.
    public init(covering range: ClosedRange<Float>) {
        let low = min(range.lowerBound, 0), high = max(range.upperBound, 0)
        let scale = max((high - low) / 255, .leastNormalMagnitude * 0x1p23)
        let zero = (-128 - low / scale).rounded(.toNearestOrEven)
        self.init(scale: scale, zeroPoint: Int8(max(-128, min(127, zero))))
    }

    /// The least and greatest real value that has a code of its own.
    public var range: ClosedRange<Float> {
        scale * Float(-128 - Int(zeroPoint))...scale * Float(127 - Int(zeroPoint))
    }

    /// The nearest code, ties to even; values beyond the range get the code of its end.
    public func code(_ real: Float) -> Int8 {
        Int8(max(-128, min(127, (real * (1 / scale)).rounded(.toNearestOrEven) + Float(zeroPoint))))
    }

    /// `real(code(x))`, in a form that vectorises.
    @inlinable
    public func rounded(_ real: Float) -> Float {
        let zero = Float(zeroPoint), steps = max(-512, min(512, real * (1 / scale)))
        let nearest = (steps + 0x1.8p23) - 0x1.8p23          // to nearest, ties to even
        return (max(-128, min(127, nearest + zero)) - zero) * scale
    }

    public func real(_ code: Int8) -> Float { Float(Int(code) - Int(zeroPoint)) * scale }
}
