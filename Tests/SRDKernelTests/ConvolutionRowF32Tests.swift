import CSRDKernels
import Foundation
import Testing
import TestSupport

@Suite("Float convolution rows")
struct ConvolutionRowF32Tests {
    static let kernels: [srd_kernels_f32] = {
        var count: Int32 = 0
        return Array(UnsafeBufferPointer(start: srd_kernels_f32_available(&count), count: Int(count)))
    }()

    /// One random call, which is packed for every kernel.
    struct Call {
        let width, channels: Int
        // `weights` is [channels in][channels out].
        let taps: [(pixel: Int, channels: Int, input: [Float], weights: [Float])]
        let bias, timeBias: [Float]
        let hasTimeBias: Bool
        let gain: Float
        let activation: srd_activation
        let residuals: [[Float]]
        let outputStep: Int

        init(_ random: inout SeededRandom) {
            func floats(_ count: Int) -> [Float] { (0..<count).map { _ in .random(in: -2...2, using: &random) } }
            // Layers with three input channels, and those with three outputs and no epilogue, have separate code paths.
            let isFirst = Int.random(in: 0...3, using: &random) == 0,
                isLast = Int.random(in: 0...3, using: &random) == 0
            width = .random(in: 1...41, using: &random)
            channels = isLast ? 3 : .random(in: 1...70, using: &random)
            outputStep = .random(in: 1...3, using: &random)
            let stride = Int.random(in: 1...2, using: &random), width = width, channels = channels
            taps = (0..<[1, 2, 4, 9].randomElement(using: &random)!).map { _ in
                let channelsIn =
                    isFirst
                    ? 3 : isLast ? [16, 32].randomElement(using: &random)! : .random(in: 1...20, using: &random)
                return (
                    stride * channelsIn, channelsIn, floats(stride * channelsIn * width), floats(channelsIn * channels)
                )
            }
            bias = floats(channels)
            timeBias = floats(channels)
            hasTimeBias = !isLast && .random(using: &random)
            gain = isLast || .random(using: &random) ? 1 : 0.2
            activation =
                isLast
                ? SRD_ACTIVATION_NONE
                : [SRD_ACTIVATION_NONE, SRD_ACTIVATION_MISH, SRD_ACTIVATION_MISH_S8, SRD_ACTIVATION_LEAKY_RELU]
                    .randomElement(using: &random)!
            residuals = (0..<(isLast ? 0 : Int.random(in: 0...2, using: &random))).map { _ in floats(width * channels) }
        }

        static let guardValue: Float = 12345

        /// The output row with guard values between its pixels and after it.
        func run(_ kernels: srd_kernels_f32) -> [Float] {
            let block = Int(kernels.block), blocks = (channels + block - 1) / block
            let blockStride = taps.reduce(0) { $0 + $1.channels } * block
            var packed = [Float](repeating: 0, count: blocks * blockStride), offsets: [Int] = [], offset = 0
            for tap in taps {
                offsets.append(offset)
                for i in 0..<tap.channels {
                    for o in 0..<channels {
                        packed[o / block * blockStride + offset + i * block + o % block] = tap.weights[i * channels + o]
                    }
                }
                offset += tap.channels * block
            }
            let pixel = outputStep * channels
            var output = [Float](repeating: Self.guardValue, count: width * pixel + 16)
            let inputs = taps.flatMap(\.input), rows = residuals.flatMap { $0 }
            inputs.withUnsafeBufferPointer { inputs in
                packed.withUnsafeBufferPointer { packed in
                    bias.withUnsafeBufferPointer { bias in
                        timeBias.withUnsafeBufferPointer { timeBias in
                            rows.withUnsafeBufferPointer { rows in
                                output.withUnsafeMutableBufferPointer { output in
                                    var first = 0
                                    let tapArguments = zip(taps, offsets).map { tap, offset in
                                        defer { first += tap.input.count }
                                        return srd_tap_f32(
                                            input: inputs.baseAddress! + first, pixel: tap.pixel,
                                            channels: Int32(tap.channels),
                                            weights: packed.baseAddress! + offset)
                                    }
                                    tapArguments.withUnsafeBufferPointer { tapArguments in
                                        var args = srd_conv_row_f32_args()
                                        args.taps = tapArguments.baseAddress
                                        args.tap_count = Int32(tapArguments.count)
                                        args.width = Int32(width)
                                        args.channels = Int32(channels)
                                        args.block_stride = blockStride
                                        args.bias = bias.baseAddress
                                        args.time_bias = hasTimeBias ? timeBias.baseAddress : nil
                                        args.gain = gain
                                        args.activation = activation
                                        args.residual_count = Int32(residuals.count)
                                        args.residual_pixel = channels
                                        if residuals.count > 0 { args.residual.0 = rows.baseAddress }
                                        if residuals.count > 1 {
                                            args.residual.1 = rows.baseAddress! + width * channels
                                        }
                                        args.residual_gain = (1, 0.3)
                                        args.output = output.baseAddress
                                        args.output_pixel = pixel
                                        kernels.conv_row(&args)
                                    }
                                }
                            }
                        }
                    }
                }
            }
            return output
        }
    }

    @Test("every kernel gives the scalar kernel's bits and touches nothing else", arguments: 0..<200)
    func equalScalar(round: Int) {
        var random = SeededRandom(seed: SeededRandom.seed &* 1000 &+ UInt64(round))
        let call = Call(&random), expected = call.run(Self.kernels[0]).map(\.bitPattern)
        for kernels in Self.kernels.dropFirst() {
            #expect(
                call.run(kernels).map(\.bitPattern) == expected,
                "\(String(cString: kernels.name)), SRD_TEST_SEED=\(SeededRandom.seed), round \(round)")
        }
    }

    @Test("the scalar kernel writes its own pixels only")
    func guards() {
        var random = SeededRandom(seed: SeededRandom.seed)
        for _ in 0..<50 {
            let call = Call(&random), output = call.run(Self.kernels[0])
            for (i, value) in output.enumerated() {
                let isPixel =
                    i < call.width * call.outputStep * call.channels
                    && i % (call.outputStep * call.channels) < call.channels
                #expect((value != Call.guardValue) == isPixel)
            }
        }
    }

    @Test("Mish equals x · tanh(ln(1 + eˣ)) to rounding")
    func mish() {
        for x in stride(from: Float(-100), through: 100, by: 0.0173) {
            let e = exp(min(Double(x), 40)), n = e * (e + 2), exact = Double(x) * n / (n + 2)
            // A few roundings of a value of this size.
            #expect(abs(Double(srd_mish_f32(x)) - exact) <= 5e-7 * abs(exact) + 1e-30, "mish(\(x))")
        }
    }
}
