import CSRDKernels
import SRDModel
import SRDTensor

/// One int8 convolution with random weights and inputs, computed by the calls that programs make. Benchmarks time these
/// calls, and tests compare their bytes between instruction sets.
package final class ConvolutionTrial {
    package enum Kind: CaseIterable, Sendable {
        case convolution3x3, strided3x3, pointwise
        /// One phase of a transposed convolution of stride 2.
        case transposed4x4

        fileprivate var stride: Int { self == .strided3x3 ? 2 : 1 }

        fileprivate func layout(_ channels: Int) -> TapLayout {
            switch self {
            case .convolution3x3, .strided3x3: TapLayout(kernel: 3, inputChannels: [channels], outputChannels: channels)
            case .pointwise: TapLayout(kernel: 1, inputChannels: [channels], outputChannels: channels)
            case .transposed4x4: TapLayout(phase: 0, 0, stride: 2, inputChannels: [channels], outputChannels: channels)
            }
        }
    }

    private let kind: Kind
    private let width, channels: Int
    private let layer: PackedInt8Convolution
    private let layout: TapLayout
    private let input: RowRing<srd_quantized>
    private let memory, results: UnsafeMutableBufferPointer<srd_quantized>
    private let part: RowPart
    private let kernels: srd_kernels_s8

    /// Rows of the input: those that four rows of a 3×3 convolution read.
    private static let inputRows = Int(SRD_WINOGRAD_ROWS) + 2

    /// - Parameters:
    ///   - channels: of the input and the output, a multiple of 32.
    ///   - width: output pixels per row.
    package init(_ kind: Kind, channels: Int, width: Int, instructionSet: InstructionSet, seed: UInt64 = 1) {
        var random = SplitMix64(seed: seed)
        func values(_ count: Int, _ range: ClosedRange<Int>) -> [Int] {
            (0..<count).map { _ in .random(in: range, using: &random) }
        }
        self.kind = kind
        self.width = width
        self.channels = channels
        kernels = Kernels(instructionSet).int8
        layout = kind.layout(channels)
        let side = kind == .pointwise ? 1 : kind == .transposed4x4 ? 4 : 3
        // Small weights, so that Winograd's products apply at every number of channels.
        layer = PackedInt8Convolution(
            layout, weights: QuantizedWeights(values(channels * channels * side * side, -31...31).map { Int8($0) }),
            scales: values(channels, 1...100).map { Float($0) * 1e-5 },
            bias: values(channels, -8...8).map { Float($0) / 8 },
            kernels: kernels)
        layer.prepare(zeroPoints: [3])
        let inputWidth = width * kind.stride
        memory = .aligned(RowRing<srd_quantized>.count(capacity: Self.inputRows, width: inputWidth, channels: channels))
        for i in memory.indices {
            memory.initializeElement(at: i, to: Int8.random(in: -128...127, using: &random).encoded)
        }
        input = RowRing(
            memory.baseAddress!, height: Self.inputRows, width: inputWidth, channels: channels,
            capacity: Self.inputRows, border: .zero)
        results = .aligned(Int(SRD_WINOGRAD_ROWS) * width * channels)
        results.initialize(repeating: 0)
        part = RowPart(columns: 0..<width, channels: 0..<channels)
    }

    deinit {
        memory.deallocate()
        results.deallocate()
    }

    package var macsPerRow: Int { layout.taps.count * channels * channels * width }

    /// The quantized values that were computed, four rows `[width][channels]`.
    package var output: [UInt8] { results.map { UInt8(truncatingIfNeeded: $0) } }

    /// Whether programs would use Winograd's products for this layer on rows of this width.
    package var usesWinograd: Bool {
        kind == .convolution3x3 && kernels.conv_winograd != nil && width >= Int(kernels.winograd_width)
            && layer.prepareWinograd()
    }

    /// Computes output row 0…3 directly; only a 3×3 convolution of stride 1 has rows above 0.
    package func computeRow(_ y: Int = 0) {
        withInputs { inputs in
            var args = arguments(y)
            layer.run(inputs, stride: kind.stride, inputRow: y + 1, part, &args)
        }
    }

    /// The output channels that Winograd's products compute together: at most as many as a thread's scratch memory
    /// takes.
    private var winogradPart: RowPart {
        RowPart(
            columns: part.columns,
            channels: 0..<min(channels, WinogradWeights.channelsPerTransform(inputs: [channels], kernels)))
    }

    /// Multiply-accumulates that `computeFourRows` replaces.
    package var macsOfFourRows: Int { 4 * macsPerRow / channels * winogradPart.channels.count }

    /// Transforms the weights for `computeFourRows`, as a thread does once per band.
    package func transformWeights() -> UnsafePointer<Int16> {
        precondition(usesWinograd)
        return layer.winograd!.transform(winogradPart.channels)
    }

    /// Computes rows 0 to 3 by Winograd's products, for the channels whose weights are transformed together.
    package func computeFourRows(_ weights: UnsafePointer<Int16>) {
        withInputs { inputs in
            withUnsafeTemporaryAllocation(of: srd_conv_row_s8_args.self, capacity: Int(SRD_WINOGRAD_ROWS)) { rows in
                for y in rows.indices { rows.initializeElement(at: y, to: arguments(y)) }
                layer.runWinograd(inputs, firstRow: 1, winogradPart, weights, rows)
            }
        }
    }

    private func withInputs(_ body: (UnsafeBufferPointer<PackedInt8Convolution.Input>) -> Void) {
        withUnsafePointer(to: PackedInt8Convolution.Input(ring: input, scale: 1)) {
            body(UnsafeBufferPointer(start: $0, count: 1))
        }
    }

    private func arguments(_ y: Int) -> srd_conv_row_s8_args {
        var args = srd_conv_row_s8_args()
        args.gain = 1
        args.activation = SRD_ACTIVATION_MISH
        args.quantized = results.baseAddress! + y * width * channels
        args.quantized_pixel = channels
        args.inverse_scale = 16
        return args
    }
}
