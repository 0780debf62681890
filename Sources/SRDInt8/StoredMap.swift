import CSRDKernels
import SRDTensor
import SRDModel

/// A whole feature map, as it lies between two graphs: codes, or floats where the value is kept in float.
final class StoredMap: @unchecked Sendable {       // rows are written by one thread each, and read only afterwards
    let height, width: Int
    /// Of the float form `[height][width][channels]`; codes are filled up as in a ring.
    let channels: Int
    let quantization: Quantization?
    private let codes: UnsafeMutableBufferPointer<srd_code>
    private var floats: FloatTensor
    /// Floats that belong to someone else.
    private let borrowed: UnsafePointer<Float>?

    init(height: Int, width: Int, channels: Int, quantization: Quantization?) {
        self.height = height
        self.width = width
        self.channels = channels
        self.quantization = quantization
        borrowed = nil
        codes = .allocate(capacity: quantization == nil ? 0 : height * width * RowRing<srd_code>.filledUp(channels))
        floats = FloatTensor(shape: [quantization == nil ? height : 0, width, channels])
    }

    init(_ tensor: FloatTensor) {
        height = tensor.height
        width = tensor.width
        channels = tensor.channels
        quantization = nil
        borrowed = nil
        codes = .allocate(capacity: 0)
        floats = tensor
    }

    /// Of floats that outlive it, `[height][width][channels]`.
    init(borrowing floats: UnsafePointer<Float>, height: Int, width: Int, channels: Int) {
        self.height = height
        self.width = width
        self.channels = channels
        quantization = nil
        borrowed = floats
        codes = .allocate(capacity: 0)
        self.floats = FloatTensor(shape: [0, width, channels])
    }

    deinit { codes.deallocate() }

    func codeRow(_ y: Int) -> UnsafeMutablePointer<srd_code> {
        codes.baseAddress! + y * width * RowRing<srd_code>.filledUp(channels)
    }

    func readFloats<R>(_ y: Int, _ body: (UnsafePointer<Float>) -> R) -> R {
        if let borrowed { return body(borrowed + y * width * channels) }
        return floats.values.withUnsafeBufferPointer { body($0.baseAddress! + y * width * channels) }
    }

    /// Where rows of floats may be written, by several threads.
    func writeFloats<R>(_ body: (UnsafeMutablePointer<Float>?) -> R) -> R {
        floats.values.withUnsafeMutableBufferPointer { body($0.baseAddress) }
    }

    /// `[height, width, channels]`, real values.
    func tensor() -> FloatTensor {
        guard let quantization else { return floats }
        let pixel = RowRing<srd_code>.filledUp(channels)
        var values: [Float] = []
        values.reserveCapacity(height * width * channels)
        for p in 0..<height * width {
            for c in 0..<channels { values.append(quantization.real(decoded(codes[p * pixel + c]))) }
        }
        return FloatTensor(shape: [height, width, channels], values: values)
    }
}

/// The code that a kernel's byte stands for.
func decoded(_ byte: srd_code) -> Int8 { Int8(truncatingIfNeeded: Int(byte) - Int(SRD_CODE_BIAS)) }

extension Int8 {
    /// The byte that stands for a code.
    var encoded: srd_code { srd_code(truncatingIfNeeded: Int(self) + Int(SRD_CODE_BIAS)) }
}
