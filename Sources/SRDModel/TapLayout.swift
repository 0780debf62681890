/// The taps of a convolution: the input pixels that each output pixel reads, and the weights that they are multiplied
/// by.
///
/// A transposed convolution of kernel 2·stride and padding stride/2 consists of stride² phases, each an ordinary
/// convolution of 2×2 taps. A phase computes the output pixels whose row is `py` and whose column is `px` modulo the
/// stride.
public struct TapLayout: Sendable {
    public struct Tap: Hashable, Sendable {
        /// The index of the input among the concatenated ones, its channels, and the index of its first channel among
        /// all.
        public let input, channels, firstChannel: Int
        /// The tap offset, in rows and pixels from the output pixel's input pixel.
        public let dy, dx: Int
        let ky, kx: Int
    }

    /// The taps, ordered by input, then by row.
    public let taps: [Tap]
    private let kernel, channelsIn, channelsOut: Int
    private let isTransposed: Bool

    /// Returns one layout, or one per phase (py · stride + px), or nil if the node is not a convolution.
    public static func layouts(of node: Node) -> [TapLayout]? {
        let channels = node.inputs.map(\.shape.channels), out = node.output.shape.channels
        switch node.operation {
        case .convolution(let c):
            return [TapLayout(kernel: c.kernel, inputChannels: channels, outputChannels: out)]
        case .transposedConvolution(let stride):
            return (0..<stride * stride).map {
                TapLayout(phase: $0 / stride, $0 % stride, stride: stride, inputChannels: channels, outputChannels: out)
            }
        default: return nil
        }
    }

    public init(kernel: Int, inputChannels: [Int], outputChannels: Int) {
        let pad = (kernel - 1) / 2, places = (0..<kernel).map { (d: $0 - pad, k: $0) }
        self.init(rows: places, columns: places, inputChannels, outputChannels, kernel: kernel, isTransposed: false)
    }

    /// The layout of a phase of a transposed convolution with a kernel of 2·stride.
    package init(phase py: Int, _ px: Int, stride: Int, inputChannels: [Int], outputChannels: Int) {
        /// Returns the tap offsets d and kernel indices k of a phase, from output = stride · input + k − stride / 2.
        func places(_ phase: Int) -> [(d: Int, k: Int)] {
            let reach = phase + stride / 2
            return [(reach / stride, reach % stride), (reach / stride - 1, reach % stride + stride)]
        }
        self.init(
            rows: places(py), columns: places(px), inputChannels, outputChannels, kernel: 2 * stride, isTransposed: true
        )
    }

    private init(
        rows: [(d: Int, k: Int)], columns: [(d: Int, k: Int)], _ inputChannels: [Int], _ outputChannels: Int,
        kernel: Int,
        isTransposed: Bool
    ) {
        var taps: [Tap] = [], first = 0
        for (input, channels) in inputChannels.enumerated() {
            for row in rows {
                for column in columns {
                    taps.append(
                        Tap(
                            input: input, channels: channels, firstChannel: first, dy: row.d, dx: column.d, ky: row.k,
                            kx: column.k
                        ))
                }
            }
            first += channels
        }
        self.taps = taps
        self.kernel = kernel
        self.isTransposed = isTransposed
        channelsIn = first
        channelsOut = outputChannels
    }

    /// Where a tap's weights are in PyTorch's order: channel i for output channel o is at
    /// `first + i · channel + o · output`.
    public struct WeightStrides: Sendable {
        public let first, channel, output: Int
    }

    public func weightStrides(_ tap: Tap) -> WeightStrides {
        let pair = kernel * kernel, channel = isTransposed ? channelsOut * pair : pair
        return WeightStrides(
            first: tap.firstChannel * channel + tap.ky * kernel + tap.kx, channel: channel,
            output: isTransposed ? pair : channelsIn * pair)
    }

    /// Returns the index in PyTorch's weights of channel i of a tap for output channel o.
    public func weightIndex(_ tap: Tap, _ i: Int, _ o: Int) -> Int {
        let strides = weightStrides(tap)
        return strides.first + i * strides.channel + o * strides.output
    }
}
