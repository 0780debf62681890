import CSRDKernels
import SRDTensor
import SRDModel

/// The kernels of one instruction set: the integer ones, and the float ones for the layers kept wide.
struct Kernels: Sendable {
    let int8: srd_kernels_s8
    let float: srd_kernels_f32

    static var table: [srd_kernels_s8] {
        var count: Int32 = 0
        return Array(UnsafeBufferPointer(start: srd_kernels_s8_available(&count), count: Int(count)))
    }

    /// The float kernels' name for what an integer instruction set implies.
    static func floatInstructionSet(beside name: String) -> String {
        ["scalar": "scalar", "avx2": "avx2", "avxvnni": "avx2", "avx512vnni": "avx512"][name] ?? "vector128"
    }

    /// nil takes the fastest. The float kernels are the widest that the integer set implies.
    init(_ instructionSet: String?) {
        let table = Self.table
        int8 = table.first { String(cString: $0.name) == instructionSet } ?? table[table.count - 1]
        var count: Int32 = 0
        let floats = UnsafeBufferPointer(start: srd_kernels_f32_available(&count), count: Int(count))
        let wanted = Self.floatInstructionSet(beside: String(cString: int8.name))
        float = floats.first { String(cString: $0.name) == wanted } ?? floats[0]
    }

    /// Of how many output channels at a time the transformed weights are made, for a layer that goes through Winograd's products;
    /// nil for what is no int8 layer that is faster so, its sums allowing.
    /// - Parameters:
    ///   - rows: that go through one after another with the same weights.
    ///   - width: of such a row.
    func winogradChannels(_ node: Node, rows: Int, width: Int) -> Int? {
        guard int8.conv_winograd != nil, case .convolution(let convolution) = node.operation, convolution.kernel == 3,
              convolution.stride == 1, rows >= Self.leastWinogradRows, width >= Int(int8.winograd_width),
              rows * width >= Int(int8.winograd_pixels)
        else { return nil }
        let inputs = node.inputs.map { RowRing<srd_code>.filledUp($0.shape.channels) }
        guard inputs.reduce(0, +) <= Int(SRD_WINOGRAD_CHANNELS) else { return nil }
        return Int(SRD_WINOGRAD_SCRATCH) / (2 * WinogradWeights.blockCount(inputs: inputs, int8)) * Int(int8.winograd_block)
            / RowPart.channelStep * RowPart.channelStep
    }

    /// Of fewer rows Winograd's products are not faster.
    static let leastWinogradRows = 3
}

/// A model's layers, packed for the kernels at first use and shared by the sweeps of every size.
final class LayerCache {
    let model: QuantizedModel
    let kernels: Kernels
    private var packed: [String: [PackedConvolution]] = [:]
    private var wide: [String: [WideConvolution]] = [:]

    init(_ model: QuantizedModel, kernels: Kernels) {
        self.model = model
        self.kernels = kernels
    }

    func isInt8(_ node: Node) -> Bool { model.layers[node.name]!.isInt8 }

    /// One convolution, or one for each phase of a transposed one.
    func packed(_ node: Node) -> [PackedConvolution] {
        if let layers = packed[node.name] { return layers }
        let layer = model.layers[node.name]!
        guard case .int8(let codes, let scales) = layer.weights else { preconditionFailure("\(node.name) is a float layer") }
        let layers = TapLayout.layouts(of: node)!.map {
            PackedConvolution($0, codes: codes, scales: scales, bias: layer.bias, kernels: kernels.int8)
        }
        codes.evict()
        packed[node.name] = layers
        return layers
    }

    /// See `Kernels.winogradChannels`.
    func winogradChannels(_ node: Node, rows: Int, width: Int) -> Int? {
        guard let channels = kernels.winogradChannels(node, rows: rows, width: width), isInt8(node) else { return nil }
        return packed(node)[0].prepareWinograd() ? channels : nil
    }

    func wide(_ node: Node) -> [WideConvolution] {
        if let layers = wide[node.name] { return layers }
        let layer = model.layers[node.name]!
        guard case .float(let weights) = layer.weights else { preconditionFailure("\(node.name) is an int8 layer") }
        let layers = TapLayout.layouts(of: node)!.map {
            WideConvolution($0, weight: weights, bias: layer.bias, kernels: kernels.float)
        }
        wide[node.name] = layers
        return layers
    }

    /// The two 1×1 convolutions around linear attention, and its gain.
    func attention(_ node: Node) -> (WideConvolution, WideConvolution, Float) {
        func layer(_ name: String) -> WideConvolution {
            let weight = model.floatWeights["\(name).weight"]!, channels = weight.shape[0]
            return WideConvolution(
                TapLayout(kernel: 1, inputChannels: [weight.shape[1]], outputChannels: channels), weight: weight.values,
                bias: model.floatWeights["\(name).bias"]?.values ?? [Float](repeating: 0, count: channels),
                kernels: kernels.float)
        }
        return (
            layer("\(node.name).fn.to_qkv"), layer("\(node.name).fn.to_out"), model.floatWeights["\(node.name).g"]!.values[0]
        )
    }
}
