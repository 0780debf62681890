/// What one element is in a file: the types of safetensors under its names. Little-endian, at any alignment.
public enum ElementType: String, CaseIterable, Sendable {
    case f64 = "F64", f32 = "F32", f16 = "F16", bf16 = "BF16"
    case i64 = "I64", i32 = "I32", i16 = "I16", i8 = "I8", u8 = "U8", bool = "BOOL"

    /// Bytes per element.
    public var size: Int {
        switch self {
        case .f64, .i64: 8
        case .f32, .i32: 4
        case .f16, .bf16, .i16: 2
        case .i8, .u8, .bool: 1
        }
    }

    public var isFloat: Bool {
        switch self {
        case .f64, .f32, .f16, .bf16: true
        default: false
        }
    }

    /// Elements of a tensor of this shape; nil when the number does not fit or a dimension is negative.
    public static func count(of shape: [Int]) -> Int? {
        var count = 1
        for dimension in shape {
            let (product, overflow) = count.multipliedReportingOverflow(by: dimension)
            guard dimension >= 0, !overflow else { return nil }
            count = product
        }
        return count
    }

    /// The `index`-th element, rounded to `Float` where it is wider. Only for float types.
    public func float(in bytes: UnsafeRawBufferPointer, at index: Int) -> Float {
        func bits<T: FixedWidthInteger>(_: T.Type) -> T {
            T(littleEndian: bytes.loadUnaligned(fromByteOffset: index * size, as: T.self))
        }
        return switch self {
        case .f64: Float(Double(bitPattern: bits(UInt64.self)))
        case .f32: Float(bitPattern: bits(UInt32.self))
        case .bf16: Float(bitPattern: UInt32(bits(UInt16.self)) << 16)
        case .f16: Self.float(half: bits(UInt16.self))
        default: preconditionFailure("\(rawValue) is no float type")
        }
    }

    /// All elements, in order. Only for float types.
    public func floats(in bytes: UnsafeRawBufferPointer) -> [Float] {
        (0..<bytes.count / size).map { float(in: bytes, at: $0) }
    }

    /// IEEE 754 binary16 → binary32, exact. By hand: `Float16` calls a runtime helper that older systems lack.
    private static func float(half: UInt16) -> Float {
        let sign = UInt32(half & 0x8000) << 16, rest = UInt32(half & 0x7fff) << 13
        if half & 0x7c00 == 0x7c00 { return Float(bitPattern: sign | 0x7f80_0000 | rest) }  // ∞ and NaN
        return Float(bitPattern: sign | rest) * 0x1p112  // the exponent's bias goes from 15 to 127, subnormals too
    }

    /// Binary32 → IEEE 754 binary16, to nearest, ties to even. By hand, as above.
    static func half(_ value: Float) -> UInt16 {
        let sign = UInt16(truncatingIfNeeded: value.bitPattern >> 16) & 0x8000, size = value.magnitude
        if size.isNaN { return sign | 0x7e00 }
        if size >= 65520 { return sign | 0x7c00 }
        // Subnormal: in units of 2⁻²⁴.
        if size < 0x1p-14 { return sign | UInt16((size * 0x1p24).rounded(.toNearestOrEven)) }
        let bits = size.bitPattern - (112 << 23)
        return sign | UInt16(truncatingIfNeeded: (bits + 0xfff + (bits >> 13 & 1)) >> 13)
    }
}
