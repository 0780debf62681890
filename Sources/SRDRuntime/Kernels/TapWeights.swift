import SRDModel

/// The weights of a tap in PyTorch's order, and where they go among packed ones.
struct TapWeights {
    private let strides: TapLayout.WeightStrides
    private let channels: Int
    private let offset: Int

    /// - Parameter offset: from the start of a block of packed weights.
    init(_ strides: TapLayout.WeightStrides, channels: Int, offset: Int) {
        self.strides = strides
        self.channels = channels
        self.offset = offset
    }

    /// Copies the weights of an output channel and returns their sum.
    ///
    /// - Parameters:
    ///   - packed: the output channel's first weight in its block, which is ordered as [channels /
    ///     group][block][group].
    ///   - block, group: the kernels'.
    func pack(
        _ weights: UnsafeBufferPointer<Int8>, output: Int, to packed: UnsafeMutablePointer<Int8>, _ block: Int,
        _ group: Int
    ) -> WeightSum {
        let last = strides.first + output * strides.output + (channels - 1) * strides.channel
        precondition(last < weights.count, "a layer has \(weights.count) weights, too few for its layout")
        let from = weights.baseAddress! + strides.first + output * strides.output, to = packed + offset
        switch group {  // constants, with which the loops are unrolled
        case 2: return copy(from, to, step: block * 2, group: 2)
        case 4: return copy(from, to, step: block * 4, group: 4)
        case 8: return copy(from, to, step: block * 8, group: 8)
        default: return copy(from, to, step: block * group, group: group)
        }
    }

    /// - Parameter step: from one group of channels to the next.
    @inline(__always)
    private func copy(_ from: UnsafePointer<Int8>, _ to: UnsafeMutablePointer<Int8>, step: Int, group: Int) -> WeightSum
    {
        var sum = WeightSum(), from = from, to = to
        let stride = strides.channel
        func copy(_ count: Int) {
            for j in 0..<count {
                let weight = from[j &* stride]
                to[j] = weight
                sum.add(weight)
            }
        }
        for _ in 0..<channels / group {
            copy(group)
            from += group &* stride
            to += step
        }
        copy(channels % group)
        return sum
    }
}

/// The sum of the positive and of the negative weights.
struct WeightSum {
    private(set) var positive: Int32 = 0, negative: Int32 = 0

    var total: Int32 { positive + negative }

    @inline(__always)
    mutating func add(_ weight: Int8) {
        positive &+= Int32(max(weight, 0))
        negative &+= Int32(min(weight, 0))
    }

    static func += (sum: inout Self, other: Self) {
        sum.positive += other.positive
        sum.negative += other.negative
    }
}
