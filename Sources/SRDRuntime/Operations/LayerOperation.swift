import SRDModel

/// What the runtime must know about a kind of layer. A new kind is one file with a conforming type, a case in `Graph`'s
/// `Operation`, and a case each in `Node.layerOperation` and `CompiledOperation`.
protocol LayerOperation {
    /// The rows of an input of `height` rows that are read to compute some output rows.
    func inputRows(for rows: Range<Int>, of height: Int) -> Range<Int>

    /// Multiply-accumulates per output pixel.
    func macsPerOutputPixel(_ node: Node) -> Double

    /// Whether the whole map has to be computed at once.
    var needsWholeMap: Bool { get }

    /// Prepares the layer for one image size.
    func compile(_ node: Node, _ compiler: inout Compiler) -> CompiledOperation
}

extension Node {
    var layerOperation: any LayerOperation {
        switch operation {
        case .input: InputLayer()
        case .convolution(let convolution): ConvolutionLayer(convolution)
        case .transposedConvolution(let stride): TransposedConvolutionLayer(stride: stride)
        case .nearestUpsample: NearestUpsampleLayer()
        case .linearAttention(let heads, let headChannels):
            LinearAttentionLayer(heads: heads, headChannels: headChannels)
        }
    }

    /// Multiply-accumulates per pixel of the upscaled image.
    public var macsPerPixel: Double {
        layerOperation.macsPerOutputPixel(self) / Double(output.shape.reduction * output.shape.reduction)
    }

    /// The rows of an input of `height` rows that are read to compute some output rows.
    package func inputRows(for rows: Range<Int>, of height: Int) -> Range<Int> {
        layerOperation.inputRows(for: rows, of: height)
    }

    var inputChannels: Int { inputs.reduce(0) { $0 + $1.shape.channels } }
}

extension Graph {
    /// Multiply-accumulates per pixel of the upscaled image.
    public var macsPerPixel: Double { nodes.reduce(0) { $0 + $1.macsPerPixel } }
}

/// A node's layer, ready to run: what computes its rows.
enum CompiledOperation {
    case input(source: Int)
    case int8Convolution(Int8Convolution)
    case winogradConvolution(WinogradConvolution)
    case floatConvolution(FloatConvolution)
    case nearestUpsample
    case linearAttention(LinearAttention)

    /// The int8 convolution that it is or can fall back to.
    var int8Convolution: Int8Convolution? {
        switch self {
        case .int8Convolution(let convolution): convolution
        case .winogradConvolution(let convolution): convolution.direct
        case .input, .floatConvolution, .nearestUpsample, .linearAttention: nil
        }
    }

    /// Whether the rows are computed in float, and quantized afterwards if the node is quantized.
    var computesInFloat: Bool {
        switch self {
        case .floatConvolution, .nearestUpsample, .linearAttention: true
        case .input, .int8Convolution, .winogradConvolution: false
        }
    }

    /// Computes part of row y of a node.
    func computeRow(_ y: Int, _ part: RowPart, _ context: NodeContext) {
        switch self {
        case .input(let source):
            context.sources[source]._withUnsafeGuaranteedRef {
                readInput($0, y, part.columns, into: context.output, context.kernels.int8)
            }
        case .int8Convolution(let convolution): convolution.computeRow(y, part, context)
        case .winogradConvolution(let convolution): convolution.direct.computeRow(y, part, context)
        case .floatConvolution(let convolution): convolution.computeRow(y, part, context)
        case .nearestUpsample: upsampleNearest(y, part.columns, context)
        case .linearAttention: preconditionFailure("attention computes the whole map at once")
        }
    }

    func deallocate() {
        switch self {
        case .int8Convolution, .winogradConvolution: int8Convolution!.deallocate()
        case .floatConvolution(let convolution): convolution.deallocate()
        case .input, .nearestUpsample, .linearAttention: break
        }
    }
}

/// What a node's operation reads and writes while it runs.
struct NodeContext: @unchecked Sendable {  // work items write rows that do not overlap
    let node: CompiledNode
    let buffers: UnsafeMutableBufferPointer<NodeBuffer>
    /// The maps that the graph's inputs read. Not an array: threads would contend for its reference count.
    let sources: UnsafeMutableBufferPointer<Unmanaged<FeatureMap>>
    let kernels: Kernels
    let threads: Int

    var output: NodeBuffer { buffers[node.index] }
    func input(_ i: Int) -> NodeBuffer { buffers[node.inputs[i]] }
}
