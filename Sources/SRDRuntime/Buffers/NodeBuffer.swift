import CSRDKernels
import SRDTensor

/// Where the live rows of a node's output are kept, and in which form.
struct NodeBuffer: @unchecked Sendable {  // see RowRing
    enum Storage {
        /// Floats only.
        case float(RowRing<Float>)
        /// Quantized values only.
        case quantized(RowRing<srd_quantized>)
        /// Floats as computed, and the values quantized from them.
        case quantizedFromFloat(RowRing<srd_quantized>, RowRing<Float>)
        /// Quantized values, and the real numbers they stand for, because float layers read this node.
        case dequantized(RowRing<srd_quantized>, RowRing<Float>)
        /// Quantized values of a float layer. Its floats are kept for one band of rows only.
        case quantizedFromBand(RowRing<srd_quantized>, RowRing<Float>)
    }

    let storage: Storage
    /// Set for each timestep; meaningless for `float`.
    var quantization = Quantization(scale: 1, zeroPoint: 0)

    init(_ storage: Storage) { self.storage = storage }

    var quantized: RowRing<srd_quantized>? {
        switch storage {
        case .float: nil
        case .quantized(let ring), .quantizedFromFloat(let ring, _), .dequantized(let ring, _),
            .quantizedFromBand(let ring, _):
            ring
        }
    }

    /// Floats in any of the forms above.
    var floats: RowRing<Float>? {
        switch storage {
        case .quantized: nil
        case .float(let ring), .quantizedFromFloat(_, let ring), .dequantized(_, let ring),
            .quantizedFromBand(_, let ring):
            ring
        }
    }

    /// Floats as the layer computed them; residuals read these if they exist.
    var exactFloats: RowRing<Float>? {
        switch storage {
        case .float(let ring), .quantizedFromFloat(_, let ring): ring
        case .quantized, .dequantized, .quantizedFromBand: nil
        }
    }

    var height: Int { quantized?.height ?? floats!.height }
    var width: Int { quantized?.width ?? floats!.width }

    private var zeroPoint: Int32 { Int32(quantization.zeroPoint) }

    /// Sets what depends on the timestep.
    mutating func prepare(_ quantization: Quantization?) {
        if let quantization { self.quantization = quantization }
        quantized?.fillOutsideRow(with: self.quantization.zeroPoint.encoded)
    }

    /// Quantizes pixels `columns` of row y from the floats that were computed.
    func quantize(_ y: Int, _ columns: Range<Int>, _ kernels: srd_kernels_s8) {
        guard let quantized, let floats else { return }
        let first = columns.lowerBound * quantized.pixel
        kernels.quantize_row(
            floats.interior(y) + first, columns.count * quantized.pixel, 1 / quantization.scale, zeroPoint,
            quantized.interior(y) + first)
    }

    /// Replaces the floats of pixels `columns` of row y by what the quantized values stand for.
    func dequantize(_ y: Int, _ columns: Range<Int>, _ kernels: srd_kernels_s8) {
        guard let quantized, let floats else { return }
        let first = columns.lowerBound * quantized.pixel
        kernels.dequantize_row(
            quantized.interior(y) + first, columns.count * quantized.pixel, quantization.scale, zeroPoint,
            floats.interior(y) + first)
    }

    /// Completes pixels `columns` of row y after a layer has computed them: the other form, and the border pixels next
    /// to them.
    ///
    /// - Parameter computedInFloat: whether the layer wrote floats only.
    func finishRow(_ y: Int, _ columns: Range<Int>, computedInFloat: Bool, _ kernels: srd_kernels_s8) {
        if computedInFloat { quantize(y, columns, kernels) }
        if case .dequantized = storage { dequantize(y, columns, kernels) }
        quantized?.writeBorders(y, columns: columns, zero: quantization.zeroPoint.encoded)
        switch storage {
        case .quantized, .quantizedFromBand: break
        case .float(let ring), .quantizedFromFloat(_, let ring), .dequantized(_, let ring):
            ring.writeBorders(y, columns: columns, zero: 0)
        }
    }

    /// Returns rows as real numbers, `[rows, width, channels]`: the value that the node's readers see, in float if it
    /// is kept in float.
    func tensor(_ rows: Range<Int>, channels: Int) -> FloatTensor {
        var tensor = FloatTensor(height: rows.count, width: width, channels: channels)
        tensor.values.withUnsafeMutableBufferPointer { values in
            for (i, y) in rows.enumerated() {
                let out = values.baseAddress! + i * width * channels
                if let exactFloats {
                    copyPixels(
                        0..<width, channels, exactFloats.interior(y), pixel: exactFloats.pixel, to: out, pixel: channels
                    )
                } else if let quantized {
                    for x in 0..<width {
                        for c in 0..<channels {
                            out[x * channels + c] = quantization.real(
                                decoded(quantized.interior(y)[x * quantized.pixel + c]))
                        }
                    }
                }
            }
        }
        return tensor
    }

    /// Overwrites rows with real numbers `[rows, width, channels]`, as if the layer had computed them.
    func replace(_ rows: Range<Int>, with tensor: FloatTensor, _ kernels: srd_kernels_s8) {
        let channels = tensor.channels
        for (i, y) in rows.enumerated() {
            tensor.values.withUnsafeBufferPointer { values in
                let row = values.baseAddress! + i * width * channels
                if let floats {
                    copyPixels(0..<width, channels, row, pixel: channels, to: floats.interior(y), pixel: floats.pixel)
                } else if let quantized {
                    for x in 0..<width {
                        for c in 0..<channels {
                            quantized.interior(y)[x * quantized.pixel + c] =
                                quantization.quantized(row[x * channels + c]).encoded
                        }
                    }
                }
            }
            finishRow(y, 0..<width, computedInFloat: floats != nil, kernels)
        }
    }
}
