import SRDFile
import SRDTensor
import SRDModel

/// The quantizer's decisions about every layer, as a value and as a text that can be edited.
public struct Recipe: Equatable, Sendable {
    public enum Weights: String, Sendable { case int8, float }
    public enum Output: String, Sendable { case int8, both = "int8+float", float }

    public struct Decision: Equatable, Sendable {
        public var weights: Weights
        public var output: Output
        public var reason: String

        public init(weights: Weights, output: Output, reason: String) {
            self.weights = weights
            self.output = output
            self.reason = reason
        }
    }

    /// The decisions by layer name, for every convolution, nearest-neighbour upsampling and attention.
    public var decisions: [String: Decision]

    /// Creates the default recipe: int8 for all layers except those that read an image or write the result.
    ///
    /// Outputs that residuals read have a float copy, so that a chain of residuals accumulates no rounding. The
    /// condition, which only a residual reads, has none: that takes a quarter of the memory at equal PSNR (measurements
    /// in README.md).
    ///
    /// - Parameter keepFloat: layers to leave in float, and why.
    public init(for network: Network, hasPreview: Bool, keepFloat: [String: String] = [:]) {
        decisions = [:]
        let graphs = network.graphs(withPreview: hasPreview)
        for graph in graphs {
            let images: Set = ["x_t", "low", "upsampled"]
            for node in graph.nodes where node.operation != .input {
                let readsImage = node.inputs.contains {
                    graph.node(of: $0).operation == .input && images.contains(graph.node(of: $0).name)
                }
                let isResult = graph.role == .noisePredictor && graph.results.contains(node.output)
                let weights: Weights, reason: String
                if !node.isConvolution {
                    (weights, reason) = (
                        .float,
                        node.inputs.count == 1 && graph.isUpsampling(node)
                            ? "repeats pixels" : "attention runs in float"
                    )
                } else if let why = keepFloat[node.name] {
                    (weights, reason) = (.float, why)
                } else if readsImage {
                    (weights, reason) = (.float, "reads an image, finer than 8 bits")
                } else if isResult {
                    (weights, reason) = (.float, "writes the result, 0.1 % of the work")
                } else {
                    (weights, reason) = (.int8, "")
                }
                decisions[node.name] = Decision(weights: weights, output: .float, reason: reason)
            }
        }
        for graph in graphs {
            let results = Set(graph.results.map { graph.node(of: $0).name })
            let residuals = Set(graph.nodes.flatMap(\.residuals).map { graph.node(of: $0).name })
            for name in neededInInt8(graph) where !results.contains(name) {
                let isBoth = residuals.contains(name) || decisions[name]?.output == .both
                decisions[name]?.output = isBoth ? .both : .int8
            }
        }
        let condition = network.conditioner.node(of: network.conditioner.outputs[0]).name
        decisions[condition]?.output = .int8
    }

    /// Returns the names of the values of a graph that its int8 layers read, directly or upsampled.
    private func neededInInt8(_ graph: Graph) -> Set<String> {
        var needed: Set<String> = []
        for node in graph.nodes.reversed() {
            let doubles = graph.isUpsampling(node) && needed.contains(node.name)
            if decisions[node.name]?.weights == .int8 || doubles {
                needed.formUnion(node.inputs.map { graph.node(of: $0).name })
            }
        }
        return needed
    }
}

extension Graph {
    func isUpsampling(_ node: Node) -> Bool { node.operation == .nearestUpsample }
}

/// Why a recipe's text cannot be used. Lines count from 1.
public enum RecipeError: Error, Equatable, CustomStringConvertible, Sendable {
    case syntax(line: Int, found: String, expected: String)
    case unknownLayer(line: Int, name: String)
    case repeated(line: Int, name: String)
    case missing(name: String)
    /// An int8 layer reads a value that is kept in float only.
    case inputNotQuantized(line: Int, layer: String, value: String)
    case impossible(line: Int, layer: String, why: String)

    public var description: String {
        switch self {
        case .syntax(let line, let found, let expected): "line \(line): \"\(found.printable)\", expected \(expected)"
        case .unknownLayer(let line, let name): "line \(line): this model has no layer `\(name.printable)`"
        case .repeated(let line, let name): "line \(line): layer `\(name)` comes twice"
        case .missing(let name): "layer `\(name)` is missing"
        case .inputNotQuantized(let line, let layer, let value):
            """
            line \(line): layer `\(layer)` is int8, but its input `\(value)` is kept in float: \
            give that `int8` or `int8+float`
            """
        case .impossible(let line, let layer, let why): "line \(line): layer `\(layer)`: \(why)"
        }
    }
}

extension Recipe {
    /// Returns the recipe's text, with layers in the order of the network.
    public func text(for network: Network, hasPreview: Bool) -> String {
        var lines = [
            "# srdiff-quantize recipe 1",
            "# weights: int8 or float. output: int8, int8+float (residuals read the float), or float.",
            "# Everything after the third column is a remark.",
        ]
        for graph in network.graphs(withPreview: hasPreview) {
            let rows = graph.nodes.compactMap { node in decisions[node.name].map { (node.name, $0) } }
                .filter { name, _ in graph.nodes.contains { $0.name == name && $0.operation != .input } }
            let width = rows.map(\.0.count).max() ?? 0
            lines += ["", "# \(graph.role.rawValue)"]
            for (name, decision) in rows {
                func padded(_ text: String, _ width: Int) -> String {
                    text + String(repeating: " ", count: max(0, width - text.count))
                }
                let remark = decision.reason.isEmpty ? "" : "  # \(decision.reason)"
                let output = remark.isEmpty ? decision.output.rawValue : padded(decision.output.rawValue, 11)
                lines.append("\(padded(name, width))  \(padded(decision.weights.rawValue, 5))  \(output)\(remark)")
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// Parses a text that `text` wrote, possibly edited. Every layer of the network must occur once.
    public init(parsing text: String, for network: Network, hasPreview: Bool) throws(RecipeError) {
        let graphs = network.graphs(withPreview: hasPreview)
        let nodes = Dictionary(graphs.flatMap(\.nodes).filter { $0.operation != .input }.map { ($0.name, $0) }) {
            first, _ in first
        }
        decisions = [:]
        var lines: [String: Int] = [:]
        for (i, content) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let line = i + 1, parts = content.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
            let columns = parts[0].split(whereSeparator: \.isWhitespace).map(String.init)
            guard !columns.isEmpty else { continue }
            guard columns.count >= 3 else {
                throw .syntax(line: line, found: columns.joined(separator: " "), expected: "layer, weights and output")
            }
            let name = columns[0]
            guard let node = nodes[name] else { throw .unknownLayer(line: line, name: name) }
            guard lines[name] == nil else { throw .repeated(line: line, name: name) }
            guard let weights = Weights(rawValue: columns[1]) else {
                throw .syntax(line: line, found: columns[1], expected: "int8 or float")
            }
            guard let output = Output(rawValue: columns[2]) else {
                throw .syntax(line: line, found: columns[2], expected: "int8, int8+float or float")
            }
            guard weights == .float || node.isConvolution else {
                throw .impossible(line: line, layer: name, why: "it has no int8 form")
            }
            let remark = parts.count > 1 ? parts[1].drop(while: \.isWhitespace) : ""
            decisions[name] = Decision(weights: weights, output: output, reason: String(remark).printable)
            lines[name] = line
        }
        for graph in graphs {
            for node in graph.nodes where node.operation != .input {
                guard let line = lines[node.name], let decision = decisions[node.name] else {
                    throw .missing(name: node.name)
                }
                if graph.results.contains(node.output), decision.output != .float {
                    throw .impossible(line: line, layer: node.name, why: "what the network puts out is float")
                }
            }
            for node in graph.nodes
            where decisions[node.name]?.weights == .int8
                || (graph.isUpsampling(node) && decisions[node.name]?.output != .float)
            {
                for input in node.inputs where (decisions[graph.node(of: input).name]?.output ?? .float) == .float {
                    throw .inputNotQuantized(
                        line: lines[node.name] ?? 0, layer: node.name, value: graph.node(of: input).name)
                }
            }
        }
    }
}
