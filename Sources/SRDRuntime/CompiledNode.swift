import CSRDKernels
import SRDModel

/// A node of a program. Neither it nor a buffer counts references: see `UnsafeMutableBufferPointer.copy`.
struct CompiledNode: @unchecked Sendable {  // its memory is the program's
    let index: Int
    let operation: CompiledOperation
    /// The nodes whose outputs it reads.
    let inputs: UnsafeMutableBufferPointer<Int>
    let epilogue: Epilogue
    /// Padded output channels.
    let channels: Int
    /// Output pixels per work item column: the stride of a transposed convolution, else 1.
    let phases: Int

    func deallocate() {
        operation.deallocate()
        inputs.deallocate()
        epilogue.deallocate()
    }
}

/// gain · activation(convolution + bias) + time bias + Σ residual gain · residual, except for the bias, which is the
/// layer's.
struct Epilogue {
    struct Residual {
        let node: Int
        let gain: Float
    }

    let activation: srd_activation
    let gain: Float
    /// Padded; set for each timestep.
    let timeBias: UnsafeMutableBufferPointer<Float>?
    let residuals: UnsafeMutableBufferPointer<Residual>

    /// - Parameter convolution: nil for nodes without an epilogue of their own.
    init(_ convolution: Convolution?, _ node: Node, mish: srd_activation) {
        activation =
            switch convolution?.activation ?? .none {
            case .none: SRD_ACTIVATION_NONE
            case .mish: mish
            case .leakyReLU: SRD_ACTIVATION_LEAKY_RELU
            }
        gain = convolution?.gain ?? 1
        timeBias = convolution?.timeBias.map { _ in
            .copy(of: [Float](repeating: 0, count: (paddedChannels(node.output.shape.channels) + 63) / 64 * 64))
        }
        residuals = .copy(
            of: zip(node.residuals, convolution?.residualGains ?? []).map { Residual(node: $0.index, gain: $1) })
    }

    func deallocate() {
        timeBias?.deallocate()
        residuals.deallocate()
    }
}
