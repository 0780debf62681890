import SRDTensor
import SRDiff

/// How many scales a layer's weights share.
public enum WeightScales: String, CaseIterable, Sendable {
    case perChannel = "per-channel", perTensor = "per-tensor"
}

extension Node {
    /// Index of the output channel of every element of this convolution's weights.
    func outputChannel(_ element: Int, shape: [Int]) -> Int {
        let inner = shape[(outputDimension + 1)...].reduce(1, *)
        return element / inner % shape[outputDimension]
    }

    /// Index of the input channel likewise.
    func inputChannel(_ element: Int, shape: [Int]) -> Int {
        let dimension = 1 - outputDimension, inner = shape[(dimension + 1)...].reduce(1, *)
        return element / inner % shape[dimension]
    }
}

extension QuantizedLayer.Weights {
    /// Symmetric codes −127…127. Where `searching`, each scale is the one of the least squared error among those that cut
    /// the largest weight down by up to 30 %.
    init(_ weight: FloatTensor, of node: Node, scales: WeightScales, searching: Bool = false) {
        let channels = weight.shape[node.outputDimension]
        var rows = [[Float]](repeating: [], count: channels)
        for (i, value) in weight.values.enumerated() { rows[node.outputChannel(i, shape: weight.shape)].append(value) }
        let perChannel: [Float]
        switch scales {
        case .perChannel: perChannel = rows.map { Self.scale(of: $0, searching: searching) }
        case .perTensor: perChannel = [Float](repeating: Self.scale(of: weight.values, searching: searching), count: channels)
        }
        let codes = weight.values.enumerated().map { i, value in
            Self.code(value, scale: perChannel[node.outputChannel(i, shape: weight.shape)])
        }
        self = .int8(codes: codes, scales: perChannel)
    }

    static func scale(of weights: [Float], searching: Bool) -> Float {
        let largest = weights.reduce(0) { max($0, abs($1)) }
        guard largest > 0x1p-96 else { return 1 }        // all codes are 0
        let widest = largest / 127
        guard searching else { return widest }
        func error(_ scale: Float) -> Double {
            var sum = 0.0
            for weight in weights {
                let d = Double(weight - Float(code(weight, scale: scale)) * scale)
                sum += d * d
            }
            return sum
        }
        var best = widest, least = error(widest)
        for percent in 70..<100 {
            let scale = widest * Float(percent) / 100, e = error(scale)
            if e < least { (best, least) = (scale, e) }
        }
        return best
    }

    static func code(_ weight: Float, scale: Float) -> Int8 {
        Int8(max(-127, min(127, (weight / scale).rounded(.toNearestOrEven))))
    }
}
