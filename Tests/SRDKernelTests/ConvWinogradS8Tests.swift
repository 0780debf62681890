import CSRDKernels
import Foundation
import TestSupport
import Testing

/// Compares rows by Winograd's products with calls of the scalar conv_row.
@Suite("Winograd's products in int8 kernels")
struct ConvWinogradS8Tests {
    static let kernels = KernelsS8Tests.kernels.filter { $0.conv_winograd != nil }
    private static let step = Int(SRD_CHANNEL_STEP)

    /// G of F(4, 3) (Lavin, Gray 2016), and the factors that make its rows integers of 16 bits.
    private static let transform: [[Double]] = [
        [1.0 / 4, 0, 0], [-1.0 / 6, -1.0 / 6, -1.0 / 6], [-1.0 / 6, 1.0 / 6, -1.0 / 6], [1.0 / 24, 1.0 / 12, 1.0 / 6],
        [1.0 / 24, -1.0 / 12, 1.0 / 6], [0, 0, 1],
    ]
    private static let multiples: [Double] = [24, 24, 24, 24, 24, 12]

    /// Random rows, which are packed for every kernel.
    struct Call {
        struct Input {
            let channels: Int; let rows: [[Int8]]; let weights: [Int8]; let zeroPoint: Int; let scale: Float
        }  // weights [out][in][9]

        let width, height, channels: Int
        let inputs: [Input]
        let weightScales, bias, timeBias: [Float]
        let hasTimeBias: Bool
        let gain: Float
        let activation: srd_activation
        let residual: [[Float]]?
        let writesFloats: Bool
        let zeroPoint: Int

        init(_ random: inout SeededRandom, _ values: KernelsS8Tests.Values) {
            let isExtreme = values == .extreme
            width = .random(in: kernels.map { Int($0.winograd_width) }.max()!...140, using: &random)
            height = .random(in: 1...Int(SRD_WINOGRAD_ROWS), using: &random)
            channels = ConvWinogradS8Tests.step * [1, 1, 2, 2, 3, 4, 5].randomElement(using: &random)!
            let channels = channels, width = width, height = height
            var left = Int(SRD_WINOGRAD_CHANNELS)
            inputs = (0..<Int.random(in: 1...6, using: &random)).compactMap { _ in
                let steps = isExtreme ? [16, 8, 4, 1] : [1, 1, 2, 3, 4, 6]
                let count = min(left, ConvWinogradS8Tests.step * steps.randomElement(using: &random)!)
                left -= count
                guard count > 0 else { return nil }
                // Extreme values give the largest accumulators that are allowed.
                let largestCode = Int(SRD_QUANTIZED_BIAS) + (SRD_QUANTIZED_BIAS == 0 ? 128 : 127)
                let most = isExtreme ? min(127, Int(SRD_WINOGRAD_LARGEST_SUM) / largestCode / (9 * count)) : 127
                func randomQ() -> Int8 {
                    isExtreme ? [-128, 127].randomElement(using: &random)! : .random(in: -128...127, using: &random)
                }
                return Input(
                    channels: count,
                    rows: (0..<height + 2).map { _ in (0..<(width + 2) * count).map { _ in randomQ() } },
                    weights: (0..<channels).flatMap { _ -> [Int8] in
                        let sign = Int8([-1, 1].randomElement(using: &random)!)
                        return (0..<count * 9).map { _ in
                            isExtreme ? sign * Int8(most) : .random(in: -Int8(most)...Int8(most), using: &random)
                        }
                    },
                    zeroPoint: isExtreme
                        ? [-128, 0, 127].randomElement(using: &random)! : .random(in: -128...127, using: &random),
                    scale: .random(in: 0.0001...0.01, using: &random))
            }
            func floats() -> [Float] { (0..<channels).map { _ in .random(in: -2...2, using: &random) } }
            weightScales = (0..<channels).map { _ in .random(in: 0.0001...0.01, using: &random) }
            bias = floats()
            timeBias = floats()
            hasTimeBias = .random(using: &random)
            gain = Bool.random(using: &random) ? 1 : 0.2
            activation = [SRD_ACTIVATION_NONE, SRD_ACTIVATION_MISH, SRD_ACTIVATION_LEAKY_RELU].randomElement(
                using: &random)!
            residual =
                Bool.random(using: &random)
                ? (0..<height).map { _ in (0..<width * channels).map { _ in .random(in: -2...2, using: &random) } }
                : nil
            writesFloats = .random(using: &random)
            zeroPoint = .random(in: -128...127, using: &random)
        }

        struct Result: Equatable {
            var quantized: [UInt8]
            var floats: [UInt32]
        }

        private var vector: Int { (channels + 63) / 64 * 64 }

        private func filled(_ values: [Float]) -> GuardedMemory<Float> {
            GuardedMemory(values + [Float](repeating: 0, count: vector - values.count), forbidden: .above)
        }

        private func starts(_ kernels: srd_kernels_s8) -> [GuardedMemory<Int32>] {
            inputs.map { input in
                var sums = [Int32](repeating: 0, count: vector)
                for o in 0..<channels {
                    let sum = input.weights[o * input.channels * 9..<(o + 1) * input.channels * 9].reduce(Int32(0)) {
                        $0 + Int32($1)
                    }
                    sums[o] = -(Int32(input.zeroPoint) + kernels.offset) * sum
                }
                return GuardedMemory(sums, forbidden: .above)
            }
        }

        /// Returns one input's transformed weights of a block by the definition.
        private func transformed(_ input: Input, block b: Int, _ kernels: srd_kernels_s8) -> [Int16] {
            let block = Int(kernels.winograd_block), group = Int(kernels.winograd_group),
                transform = ConvWinogradS8Tests.transform
            let multiples = ConvWinogradS8Tests.multiples, stride = input.channels * block + Int(SRD_WINOGRAD_PADDING)
            var packed = [Int16](repeating: 0, count: Int(SRD_WINOGRAD_POINTS) * stride)
            for o in b * block..<min(channels, (b + 1) * block) {
                for i in 0..<input.channels {
                    let first = (o * input.channels + i) * 9
                    for r in 0..<6 {
                        for k in 0..<6 {
                            var sum = 0.0
                            for y in 0..<3 {
                                for x in 0..<3 {
                                    sum += transform[r][y] * transform[k][x] * Double(input.weights[first + 3 * y + x])
                                }
                            }
                            packed[(6 * r + k) * stride + i / group * block * group + o % block * group + i % group] =
                                Int16((sum * multiples[r] * multiples[k]).rounded())
                        }
                    }
                }
            }
            return packed
        }

        private func transformed(_ kernels: srd_kernels_s8) -> (
            weights: GuardedMemory<Int16>, offsets: [Int], blockStride: Int
        ) {
            let block = Int(kernels.winograd_block)
            var packed: [Int16] = [], offsets: [Int] = [], blockStride = 0
            for input in inputs {
                offsets.append(blockStride)
                blockStride += Int(SRD_WINOGRAD_POINTS) * (input.channels * block + Int(SRD_WINOGRAD_PADDING))
            }
            for b in 0..<(channels + block - 1) / block {
                for input in inputs { packed += transformed(input, block: b, kernels) }
            }
            return (GuardedMemory(packed, forbidden: .above), offsets, blockStride)
        }

        /// Returns the weights that winograd_weights computes and the expected ones, without padding.
        func weights(_ kernels: srd_kernels_s8) -> (made: [[Int16]], expected: [[Int16]]) {
            let block = Int(kernels.block), group = Int(kernels.group), winogradBlock = Int(kernels.winograd_block),
                stride = inputs.reduce(0) { $0 + 9 * $1.channels * block }
            let blocks = (channels + winogradBlock - 1) / winogradBlock * winogradBlock / block
            let packed = GuardedMemory([Int8](repeating: 0, count: blocks * stride), forbidden: .above)
            var offset = 0, made: [[Int16]] = [], expected: [[Int16]] = []
            for input in inputs {
                for t in 0..<9 {
                    for o in 0..<channels {
                        for i in 0..<input.channels {
                            let place =
                                o / block * stride + offset + t * input.channels * block + i / group * block * group
                            packed.pointer[place + o % block * group + i % group] =
                                input.weights[(o * input.channels + i) * 9 + t]
                        }
                    }
                }
                let point = input.channels * winogradBlock + Int(SRD_WINOGRAD_PADDING),
                    count = Int(SRD_WINOGRAD_POINTS) * point
                func withoutPadding(_ values: [Int16]) -> [Int16] {
                    values.indices.filter { $0 % point < point - Int(SRD_WINOGRAD_PADDING) }.map { values[$0] }
                }
                for b in 0..<(channels + winogradBlock - 1) / winogradBlock {
                    let out = GuardedMemory([Int16](repeating: 0, count: count), forbidden: .above)
                    kernels.winograd_weights(
                        UnsafePointer(packed.pointer) + b * winogradBlock / block * stride + offset, stride,
                        Int32(input.channels), out.pointer)
                    made.append(withoutPadding((0..<count).map { out.pointer[$0] }))
                    expected.append(withoutPadding(transformed(input, block: b, kernels)))
                }
                offset += 9 * input.channels * block
            }
            return (made, expected)
        }

        /// Computes the rows by conv_row or by conv_winograd.
        func run(_ kernels: srd_kernels_s8, byWinograd: Bool) -> Result {
            func bytes(_ quantized: [Int8]) -> [UInt8] {
                quantized.map { UInt8(truncatingIfNeeded: Int($0) + Int(SRD_QUANTIZED_BIAS)) }
            }
            let rows = inputs.map { $0.rows.map { GuardedMemory(bytes($0), forbidden: .above) } },
                starts = starts(kernels)
            let scaleMemory = filled(weightScales), biasMemory = filled(bias), timeMemory = filled(timeBias)
            let residuals = residual.map { $0.map { GuardedMemory($0, forbidden: .above) } }
            let quantized = (0..<height).map { _ in
                GuardedMemory([UInt8](repeating: 0xa5, count: width * channels), forbidden: .above)
            }
            let floats = (0..<height).map { _ in
                GuardedMemory([Float](repeating: 12345, count: width * channels), forbidden: .above)
            }
            var args = (0..<height).map { y in
                var args = srd_conv_row_s8_args()
                args.width = Int32(width)
                args.channels = Int32(channels)
                args.weight_scale = UnsafePointer(scaleMemory.pointer)
                args.bias = UnsafePointer(biasMemory.pointer)
                args.time_bias = hasTimeBias ? UnsafePointer(timeMemory.pointer) : nil
                args.gain = gain
                args.activation = activation
                if let residuals {
                    args.residual_count = 1
                    args.residual.0 = srd_residual_s8(
                        quantized: nil, floats: UnsafePointer(residuals[y].pointer), pixel: channels, zero_point: 0,
                        scale: 0.5)
                }
                args.quantized = quantized[y].pointer
                args.quantized_pixel = channels
                args.inverse_scale = 20
                args.zero_point = Int32(zeroPoint)
                args.floats = writesFloats ? floats[y].pointer : nil
                args.floats_pixel = channels
                return args
            }
            withExtendedLifetime((rows, starts, scaleMemory, biasMemory, timeMemory, residuals)) {
                if byWinograd {
                    winograd(kernels, &args, rows, starts)
                } else {
                    separately(kernels, &args, rows, starts)
                }
            }
            return Result(
                quantized: quantized.flatMap { memory in (0..<width * channels).map { memory.pointer[$0] } },
                floats: floats.flatMap { memory in (0..<width * channels).map { memory.pointer[$0].bitPattern } })
        }

        private func winograd(
            _ kernels: srd_kernels_s8, _ rows: inout [srd_conv_row_s8_args], _ sources: [[GuardedMemory<UInt8>]],
            _ starts: [GuardedMemory<Int32>]
        ) {
            let (weights, offsets, blockStride) = transformed(kernels)
            let inputGroups = inputs.indices.map { i in
                let source = sources[i].map { UnsafePointer($0.pointer) }, last = height + 1
                return srd_winograd_input_s8(
                    rows: (
                        source[0], source[1], source[2], source[min(3, last)], source[min(4, last)],
                        source[min(5, last)]
                    ), pixel: inputs[i].channels, channels: Int32(inputs[i].channels),
                    weights: UnsafePointer(weights.pointer + offsets[i]), correction: UnsafePointer(starts[i].pointer),
                    scale: inputs[i].scale)
            }
            inputGroups.withUnsafeBufferPointer { inputGroups in
                rows.withUnsafeBufferPointer { rows in
                    func row(_ y: Int) -> UnsafePointer<srd_conv_row_s8_args>? {
                        y < height ? rows.baseAddress! + y : nil
                    }
                    var args = srd_conv_winograd_s8_args(
                        inputs: inputGroups.baseAddress, input_count: Int32(inputGroups.count),
                        block_stride: blockStride,
                        rows: (row(0), row(1), row(2), row(3)))
                    withExtendedLifetime(weights) { kernels.conv_winograd(&args) }
                }
            }
        }

        private func separately(
            _ kernels: srd_kernels_s8, _ rows: inout [srd_conv_row_s8_args], _ sources: [[GuardedMemory<UInt8>]],
            _ starts: [GuardedMemory<Int32>]
        ) {
            precondition(kernels.block == 1)  // the scalar kernel's weights are [out][input][tap][channel]
            let blockStride = inputs.reduce(0) { $0 + 9 * $1.channels }
            var weights: [Int8] = []
            for o in 0..<channels {
                for input in inputs {
                    for t in 0..<9 {
                        for i in 0..<input.channels { weights.append(input.weights[(o * input.channels + i) * 9 + t]) }
                    }
                }
            }
            weights.withUnsafeBufferPointer { weights in
                for y in 0..<height {
                    var offset = 0
                    let taps = inputs.indices.flatMap { i in
                        (0..<9).map { t in
                            defer { offset += inputs[i].channels }
                            return srd_tap_s8(
                                input: UnsafePointer(sources[i][y + t / 3].pointer) + t % 3 * inputs[i].channels,
                                pixel: inputs[i].channels,
                                channels: Int32(inputs[i].channels), weights: weights.baseAddress! + offset)
                        }
                    }
                    taps.withUnsafeBufferPointer { taps in
                        let inputGroups = inputs.indices.map { i in
                            srd_input_group_s8(
                                taps: taps.baseAddress! + 9 * i, tap_count: 9,
                                correction: UnsafePointer(starts[i].pointer), scale: inputs[i].scale)
                        }
                        inputGroups.withUnsafeBufferPointer { inputGroups in
                            rows[y].input_groups = inputGroups.baseAddress
                            rows[y].input_group_count = Int32(inputGroups.count)
                            rows[y].block_stride = blockStride
                            kernels.conv_row(&rows[y])
                        }
                    }
                }
            }
        }
    }

    @Test("winograd_weights computes G g Gᵀ", arguments: 0..<10, KernelsS8Tests.Values.allCases)
    func weights(round: Int, values: KernelsS8Tests.Values) {
        var random = SeededRandom(seed: SeededRandom.seed &* 1000 &+ UInt64(round))
        let call = Call(&random, values)
        for kernels in Self.kernels {
            let (made, expected) = call.weights(kernels)
            #expect(
                made == expected, "\(String(cString: kernels.name)), SRD_TEST_SEED=\(SeededRandom.seed), round \(round)"
            )
        }
    }

    @Test(
        "conv_winograd gives the scalar conv_row's bytes and reads nothing outside its inputs", arguments: 0..<80,
        KernelsS8Tests.Values.allCases)
    func equalScalar(round: Int, values: KernelsS8Tests.Values) {
        var random = SeededRandom(seed: SeededRandom.seed &* 1000 &+ UInt64(round))
        let call = Call(&random, values), expected = call.run(KernelsS8Tests.kernels[0], byWinograd: false)
        for kernels in Self.kernels {
            #expect(
                call.run(kernels, byWinograd: true) == expected,
                "\(String(cString: kernels.name)), SRD_TEST_SEED=\(SeededRandom.seed), round \(round)")
        }
    }
}
