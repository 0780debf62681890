import SRDTensor
import SRDModel

/// Whether a layer's weights have one scale per output channel or a single one.
public enum WeightScales: String, CaseIterable, Sendable {
    case perChannel = "per-channel", perTensor = "per-tensor"
}

extension Node {
    /// Returns the output channel of an element of this convolution's weights.
    func outputChannel(_ element: Int, shape: [Int]) -> Int {
        let inner = shape[(outputDimension + 1)...].reduce(1, *)
        return element / inner % shape[outputDimension]
    }

    /// Returns the input channel of an element of this convolution's weights.
    func inputChannel(_ element: Int, shape: [Int]) -> Int {
        let dimension = 1 - outputDimension, inner = shape[(dimension + 1)...].reduce(1, *)
        return element / inner % shape[dimension]
    }
}

extension Layer.Weights {
    /// Quantizes weights symmetrically to −127…127. The largest weight of a channel, or of all channels, becomes ±127.
    init(_ weight: FloatTensor, of node: Node, scales: WeightScales) {
        let channels = weight.shape[node.outputDimension]
        var largest = [Float](repeating: 0, count: channels)
        for (i, value) in weight.values.enumerated() {
            let channel = scales == .perChannel ? node.outputChannel(i, shape: weight.shape) : 0
            largest[channel] = max(largest[channel], abs(value))
        }
        let perChannel = largest.indices.map { channel -> Float in
            let most = largest[scales == .perChannel ? channel : 0]
            return most > 0x1p-96 ? most / 127 : 1  // else all quantized values are 0
        }
        let quantized = weight.values.enumerated().map { i, value in
            Self.quantize(value, scale: perChannel[node.outputChannel(i, shape: weight.shape)])
        }
        self = .int8(QuantizedWeights(quantized), scales: perChannel)
    }

    static func quantize(_ weight: Float, scale: Float) -> Int8 {
        Int8(max(-127, min(127, (weight / scale).rounded(.toNearestOrEven))))
    }
}
