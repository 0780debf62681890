import SRDTensor
import SRDModel

extension FloatExecutor {
    /// About how many bytes it holds for an image of this (padded) size: weights twice, as read and as packed, and every
    /// feature map of the graphs it walks, since `MapPool` keeps the memory of those that are done.
    public static func memoryEstimate(_ model: Model, lowWidth: Int, lowHeight: Int, preview: Bool = false) -> Int {
        var maps = MapTally(width: lowWidth * model.configuration.scale, height: lowHeight * model.configuration.scale)
        let network = model.network
        if preview {
            maps.walk(network.encoder)
            maps.walk(network.preview)
        } else {
            maps.walk(network.encoder)
            maps.walk(network.conditioner, inputsAreNew: network.configuration.hasEnlargedInput)
            maps.hold(network.noisePredictor.inputs[1].shape)
            maps.walk(network.noisePredictor)
        }
        return maps.bytes + 2 * 4 * model.weights.values.reduce(0) { $0 + $1.values.count }
    }
}

/// `FloatExecutor.run`'s allocations, counted by size and not made.
private struct MapTally {
    let width, height: Int
    private var live: [Int: Int] = [:], most: [Int: Int] = [:]
    private var extra = 0

    init(width: Int, height: Int) {
        self.width = width
        self.height = height
    }

    var bytes: Int { 4 * (extra + most.reduce(0) { $0 + $1.key * $1.value }) }

    mutating func hold(_ shape: FeatureShape) {
        let size = size(shape)
        live[size, default: 0] += 1
        most[size] = max(most[size] ?? 0, live[size]!)
    }

    /// Inputs live as long as the walk.
    mutating func walk(_ graph: Graph, inputsAreNew: Bool = true) {
        let before = live, lastUses = graph.lastUses
        for (i, node) in graph.nodes.enumerated() {
            if node.operation != .input || inputsAreNew { hold(node.output.shape) }
            if case .linearAttention(let heads, let headChannels) = node.operation {
                let inner = heads * headChannels
                extra += 4 * size(FeatureShape(channels: inner, reduction: node.output.shape.reduction))
            }
            for value in lastUses[i] where graph.node(of: value).operation != .input { live[size(value.shape), default: 0] -= 1 }
        }
        live = before
    }

    /// As `FeatureMap` allocates it.
    private func size(_ shape: FeatureShape) -> Int {
        (height / shape.reduction + 1) * (width / shape.reduction + 2) * shape.channels
    }
}
