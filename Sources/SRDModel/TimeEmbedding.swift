import SRDTensor

/// The embedding of the timestep, from which every residual block gets a bias per channel.
///
/// Sinusoid of t → `mlp.0` → Mish → `mlp.2` → Mish → each block's own `mlp.1`. It takes a few thousand multiplications,
/// once per timestep.
public struct TimeEmbedding: Sendable {
    private let width: Int
    private let weights: [String: FloatTensor]

    static func parameters(_ configuration: Configuration) -> [Parameter] {
        let d = configuration.hiddenSize
        return [
            Parameter(name: "denoise_fn.mlp.0.weight", shape: [4 * d, d]),
            Parameter(name: "denoise_fn.mlp.0.bias", shape: [4 * d]),
            Parameter(name: "denoise_fn.mlp.2.weight", shape: [d, 4 * d]),
            Parameter(name: "denoise_fn.mlp.2.bias", shape: [d]),
        ]
    }

    /// Creates an embedding from the weights of a checked `Model`.
    public init(_ configuration: Configuration, weights: [String: FloatTensor]) {
        width = configuration.hiddenSize
        self.weights = weights
    }

    /// Returns the biases of every convolution of `graph` that has them, by the name of their linear layer (`….mlp.1`).
    public func biases(of graph: Graph, at timestep: Int) -> [String: [Float]] {
        let embedded = linear("denoise_fn.mlp.2", linear("denoise_fn.mlp.0", sinusoid(timestep)).map(mish)).map(mish)
        var biases: [String: [Float]] = [:]
        for case .convolution(let convolution) in graph.nodes.map(\.operation) {
            if let name = convolution.timeBias { biases[name] = linear(name, embedded) }
        }
        return biases
    }

    /// Returns sin and cos of t · 10000^(−i / (half − 1)), rounded to float where the published code rounds.
    private func sinusoid(_ timestep: Int) -> [Float] {
        let half = width / 2
        let slope = Float(-Mathematics.log(10_000) / Double(half - 1))
        let angles = (0..<half).map { Float(timestep) * Float(Mathematics.exp(Double(Float($0) * slope))) }
        return angles.map { Float(Mathematics.sincos(Double($0)).sin) }
            + angles.map { Float(Mathematics.sincos(Double($0)).cos) }
    }

    private func linear(_ name: String, _ x: [Float]) -> [Float] {
        let weight = weights["\(name).weight"]!.values, bias = weights["\(name).bias"]!.values
        return bias.indices.map { o in
            var sum = Double(bias[o])
            for i in x.indices { sum += Double(weight[o * x.count + i]) * Double(x[i]) }
            return Float(sum)
        }
    }

    private func mish(_ x: Float) -> Float {
        let e = Mathematics.exp(min(Double(x), 40)), n = e * (e + 2)  // tanh(ln(1 + e)) = n / (n + 2)
        return Float(Double(x) * (n / (n + 2)))
    }
}
