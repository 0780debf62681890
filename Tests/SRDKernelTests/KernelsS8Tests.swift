import CSRDKernels
import Foundation
import TestSupport
import Testing

@Suite("Int8 kernels")
struct KernelsS8Tests {
    static let kernels: [srd_kernels_s8] = {
        var count: Int32 = 0
        return Array(UnsafeBufferPointer(start: srd_kernels_s8_available(&count), count: Int(count)))
    }()
    static let step = Int(SRD_CHANNEL_STEP)

    /// The distribution of quantized values and weights.
    enum Values: CaseIterable { case random, extreme }

    /// One random call, which is packed for every kernel.
    struct Call {
        /// Weights are [out][in].
        struct Tap { let inputGroup, channels, pixel: Int; let quantized: [Int8]; let weights: [Int8] }

        let width, channels: Int
        let taps: [Tap]
        let zeroPoints: [Int], scales: [Float]
        let weightScales, bias, timeBias: [Float]
        let hasTimeBias: Bool
        let gain: Float
        let activation: srd_activation
        let quantizedResiduals: [[Int8]?], residualFloats: [[Float]?]
        let outputStep: Int
        let writesQuantized, writesFloats: Bool
        let inverseScale: Float
        let zeroPoint: Int

        init(_ random: inout SeededRandom, _ values: Values) {
            func randomQ() -> Int8 {
                values == .random
                    ? .random(in: -128...127, using: &random) : [-128, 127].randomElement(using: &random)!
            }
            func weight() -> Int8 {
                values == .random
                    ? .random(in: -127...127, using: &random) : [-127, 127].randomElement(using: &random)!
            }
            // Epilogue values of every size: quantized values in range, far outside, and subnormal.
            let size: Float = [1, 1, 1, 1e-3, 1e4, 1e30, 1e-38].randomElement(using: &random)!
            func float() -> Float { .random(in: -2...2, using: &random) * size }
            width = .random(in: 1...70, using: &random)
            let channels = step * [1, 1, 2, 2, 3, 4, 5, 8, 16].randomElement(using: &random)!
            self.channels = channels
            outputStep = .random(in: 1...3, using: &random)
            let stride = Int.random(in: 1...2, using: &random), inputGroups = Int.random(in: 1...3, using: &random)
            let tapsPerInput = [1, 2, 4, 9].randomElement(using: &random)!, width = width
            taps = (0..<inputGroups).flatMap { inputGroup -> [Tap] in
                let channelsIn = step * [1, 1, 2, 3, 4, 8].randomElement(using: &random)!
                return (0..<tapsPerInput).map { _ in
                    Tap(
                        inputGroup: inputGroup, channels: channelsIn, pixel: stride * channelsIn,
                        quantized: (0..<((width - 1) * stride + 1) * channelsIn).map { _ in randomQ() },
                        weights: (0..<channels * channelsIn).map { _ in weight() })
                }
            }
            zeroPoints = (0..<inputGroups).map { _ in
                values == .random
                    ? .random(in: -128...127, using: &random) : [-128, 0, 127].randomElement(using: &random)!
            }
            scales = (0..<inputGroups).map { _ in .random(in: 0.0001...0.01, using: &random) }
            weightScales = (0..<channels).map { _ in .random(in: 0.0001...0.01, using: &random) * size }
            bias = (0..<channels).map { _ in float() }
            timeBias = (0..<channels).map { _ in float() }
            hasTimeBias = .random(using: &random)
            gain = Bool.random(using: &random) ? 1 : 0.2
            activation = [SRD_ACTIVATION_NONE, SRD_ACTIVATION_MISH, SRD_ACTIVATION_LEAKY_RELU].randomElement(
                using: &random)!
            let kinds = (0..<Int.random(in: 0...2, using: &random)).map { _ in Bool.random(using: &random) }
            quantizedResiduals = kinds.map { isQuantized in
                isQuantized ? (0..<width * channels).map { _ in randomQ() } : nil
            }
            residualFloats = kinds.map { isQuantized in isQuantized ? nil : (0..<width * channels).map { _ in float() }
            }
            writesQuantized = .random(in: 0...3, using: &random) > 0
            writesFloats = !writesQuantized || .random(using: &random)
            inverseScale = .random(in: 1...60, using: &random) / max(1, size)
            zeroPoint = .random(in: -128...127, using: &random)
        }

        struct Result: Equatable {
            var quantized: [UInt8]
            var floats: [UInt32]
        }

        /// Returns the output rows with guard values between their pixels and after them. All other buffers end at an
        /// inaccessible page.
        func run(_ kernels: srd_kernels_s8, side: GuardedMemory<UInt8>.Side) -> Result {
            let floatSide: GuardedMemory<Float>.Side = side == .above ? .above : .below
            let block = Int(kernels.block), group = Int(kernels.group), blocks = (channels + block - 1) / block
            let vector = (channels + 63) / 64 * 64, blockStride = taps.reduce(0) { $0 + $1.channels } * block
            var packed = [Int8](repeating: 0, count: blocks * blockStride), offsets: [Int] = [], offset = 0
            var starts = [[Int32]](repeating: [Int32](repeating: 0, count: vector), count: zeroPoints.count)
            for tap in taps {
                offsets.append(offset)
                for o in 0..<channels {
                    for i in 0..<tap.channels {
                        let weight = tap.weights[o * tap.channels + i]
                        packed[
                            o / block * blockStride + offset + i / group * block * group + o % block * group + i % group
                        ] = weight
                        starts[tap.inputGroup][o] -=
                            (Int32(zeroPoints[tap.inputGroup]) + kernels.offset) * Int32(weight)
                    }
                }
                offset += tap.channels * block
            }
            func bytes(_ quantized: [Int8]) -> [UInt8] {
                quantized.map { UInt8(truncatingIfNeeded: Int($0) + Int(SRD_QUANTIZED_BIAS)) }
            }
            func filled(_ values: [Float]) -> GuardedMemory<Float> {
                GuardedMemory(values + [Float](repeating: 0, count: vector - values.count), forbidden: floatSide)
            }
            let weights = GuardedMemory(packed, forbidden: side == .above ? .above : .below)
            let inputs = taps.map { GuardedMemory(bytes($0.quantized), forbidden: side) }
            let startMemory = starts.map { GuardedMemory($0, forbidden: side == .above ? .above : .below) }
            let scaleMemory = filled(weightScales), biasMemory = filled(bias), timeMemory = filled(timeBias)
            let residualBytes = quantizedResiduals.map { $0.map { GuardedMemory(bytes($0), forbidden: side) } }
            let residualReals = residualFloats.map { $0.map { GuardedMemory($0, forbidden: floatSide) } }
            let pixel = outputStep * channels, count = (width - 1) * pixel + channels
            let quantized = GuardedMemory([UInt8](repeating: 0xa5, count: count), forbidden: side)
            let floats = GuardedMemory([Float](repeating: 12345, count: count), forbidden: floatSide)

            let tapArguments = zip(zip(taps, inputs), offsets).map { item, offset in
                srd_tap_s8(
                    input: UnsafePointer(item.1.pointer), pixel: item.0.pixel, channels: Int32(item.0.channels),
                    weights: UnsafePointer(weights.pointer + offset))
            }
            tapArguments.withUnsafeBufferPointer { tapArguments in
                let inputGroups = zeroPoints.indices.map { s in
                    let first = taps.firstIndex { $0.inputGroup == s }!
                    return srd_input_group_s8(
                        taps: tapArguments.baseAddress! + first, tap_count: Int32(taps.count { $0.inputGroup == s }),
                        correction: UnsafePointer(startMemory[s].pointer), scale: scales[s])
                }
                inputGroups.withUnsafeBufferPointer { inputGroups in
                    var args = srd_conv_row_s8_args()
                    args.input_groups = inputGroups.baseAddress
                    args.input_group_count = Int32(inputGroups.count)
                    args.width = Int32(width)
                    args.channels = Int32(channels)
                    args.block_stride = blockStride
                    args.weight_scale = UnsafePointer(scaleMemory.pointer)
                    args.bias = UnsafePointer(biasMemory.pointer)
                    args.time_bias = hasTimeBias ? UnsafePointer(timeMemory.pointer) : nil
                    args.gain = gain
                    args.activation = activation
                    args.residual_count = Int32(quantizedResiduals.count)
                    func residual(_ i: Int) -> srd_residual_s8 {
                        srd_residual_s8(
                            quantized: residualBytes[i].map { UnsafePointer($0.pointer) },
                            floats: residualReals[i].map { UnsafePointer($0.pointer) },
                            pixel: channels, zero_point: Int32(zeroPoint / 2), scale: i == 0 ? 1 : 0.03)
                    }
                    if quantizedResiduals.count > 0 { args.residual.0 = residual(0) }
                    if quantizedResiduals.count > 1 { args.residual.1 = residual(1) }
                    args.quantized = writesQuantized ? quantized.pointer : nil
                    args.quantized_pixel = pixel
                    args.inverse_scale = inverseScale
                    args.zero_point = Int32(zeroPoint)
                    args.floats = writesFloats ? floats.pointer : nil
                    args.floats_pixel = pixel
                    withExtendedLifetime(
                        (
                            weights, inputs, startMemory, scaleMemory, biasMemory, timeMemory, residualBytes,
                            residualReals
                        )
                    ) {
                        kernels.conv_row(&args)
                    }
                }
            }
            return withExtendedLifetime((quantized, floats)) {
                Result(
                    quantized: (0..<count).map { quantized.pointer[$0] },
                    floats: (0..<count).map { floats.pointer[$0].bitPattern })
            }
        }
    }

    private static let rounds = 150

    @Test("conv_row gives the scalar kernel's bytes and touches nothing else", arguments: 0..<rounds, Values.allCases)
    func equalScalar(round: Int, values: Values) {
        var random = SeededRandom(seed: SeededRandom.seed &* 1000 &+ UInt64(round))
        let call = Call(&random, values), expected = call.run(Self.kernels[0], side: .above)
        for kernels in Self.kernels.dropFirst() {
            for side in [GuardedMemory<UInt8>.Side.above, .below] {
                #expect(
                    call.run(kernels, side: side) == expected,
                    "\(String(cString: kernels.name)), SRD_TEST_SEED=\(SeededRandom.seed), round \(round)")
            }
        }
    }

    @Test(
        "the scalar conv_row computes the formula in its header, within its roundings, and writes its own pixels only")
    func scalar() {
        var random = SeededRandom(seed: SeededRandom.seed)
        for _ in 0..<40 {
            let call = Call(&random, .random), found = call.run(Self.kernels[0], side: .above)
            guard call.writesFloats else { continue }
            for x in 0..<call.width {
                for o in 0..<call.channels {
                    var v = Double(call.bias[o]), size = abs(v)
                    for (s, zeroPoint) in call.zeroPoints.enumerated() {
                        var sum = 0
                        for tap in call.taps where tap.inputGroup == s {
                            for i in 0..<tap.channels {
                                sum +=
                                    (Int(tap.quantized[x * tap.pixel + i]) - zeroPoint)
                                    * Int(tap.weights[o * tap.channels + i])
                            }
                        }
                        let term = Double(sum) * Double(call.scales[s]) * Double(call.weightScales[o])
                        v += term
                        size += abs(term)
                    }
                    if call.activation == SRD_ACTIVATION_MISH {
                        let e = exp(min(v, 40)), n = e * (e + 2)
                        v = v * n / (n + 2)
                    } else if call.activation == SRD_ACTIVATION_LEAKY_RELU, v < 0 {
                        v *= 0.2
                    }
                    if call.gain != 1 { v *= 0.2 }
                    if call.hasTimeBias { v += Double(call.timeBias[o]) }
                    for r in call.quantizedResiduals.indices {
                        let place = x * call.channels + o
                        let real =
                            call.quantizedResiduals[r].map { Double(Int($0[place]) - call.zeroPoint / 2) }
                            ?? Double(call.residualFloats[r]![place])
                        v += real * (r == 0 ? 1 : Double(Float(0.03)))
                        size += abs(real)
                    }
                    let place = x * call.outputStep * call.channels + o,
                        value = Double(Float(bitPattern: found.floats[place]))
                    #expect(abs(value - v) <= 2e-4 * (size + abs(v)) + 1e-30, "\(value) \(v)")
                    guard call.writesQuantized else { continue }
                    let q = Self.q(found.quantized[place])
                    let exact = max(
                        -128,
                        min(127, (value * Double(call.inverseScale)).rounded(.toNearestOrEven) + Double(call.zeroPoint))
                    )
                    #expect(abs(Double(q) - exact) <= 1)
                }
            }
            for (i, value) in found.quantized.enumerated() {
                let isPixel = i % (call.outputStep * call.channels) < call.channels
                if !isPixel { #expect(value == 0xa5 && found.floats[i] == Float(12345).bitPattern) }
            }
        }
    }

    private static func q(_ byte: UInt8) -> Int {
        Int(Int8(truncatingIfNeeded: Int(byte) - Int(SRD_QUANTIZED_BIAS)))
    }

    @Test("quantize_row and dequantize_row give the scalar kernels' bytes", arguments: 0..<60)
    func rows(round: Int) {
        var random = SeededRandom(seed: SeededRandom.seed &* 1000 &+ UInt64(round))
        let count = Int.random(in: 0...99, using: &random), zeroPoint = Int32.random(in: -128...127, using: &random)
        let special: [Float] = [
            .nan, .infinity, -.infinity, 0, -0.0, 0.5, -0.5, 1.5, 1e30, -1e30, 0x1p-140, 126.5, -128.5,
        ]
        let reals = (0..<count).map { _ in
            Bool.random(using: &random)
                ? special.randomElement(using: &random)! : .random(in: -300...300, using: &random)
        }
        let floats = GuardedMemory(reals, forbidden: .above)
        var expected: [UInt8] = [], expectedReals: [UInt32] = []
        for kernels in Self.kernels {
            let quantized = GuardedMemory([UInt8](repeating: 7, count: count), forbidden: .above)
            withExtendedLifetime(floats) {
                kernels.quantize_row(floats.pointer, count, 1, zeroPoint, quantized.pointer)
            }
            let back = GuardedMemory([Float](repeating: 7, count: count), forbidden: .above)
            kernels.dequantize_row(quantized.pointer, count, 0.3, zeroPoint, back.pointer)
            let found = withExtendedLifetime(quantized) { (0..<count).map { quantized.pointer[$0] } }
            let foundReals = withExtendedLifetime(back) { (0..<count).map { back.pointer[$0].bitPattern } }
            if expected.isEmpty { (expected, expectedReals) = (found, foundReals) }
            #expect(
                found == expected && foundReals == expectedReals, "\(String(cString: kernels.name)), round \(round)")
        }
        for (byte, real) in zip(expected, reals) where real.isFinite {
            #expect(
                Self.q(byte) == Int(max(-128, min(127, Double(real).rounded(.toNearestOrEven) + Double(zeroPoint)))))
        }
    }

    @Test("Mish equals x · tanh(ln(1 + eˣ)) with a relative error of at most 1.3e-4")
    func mish() {
        for x in stride(from: Float(-80), through: 100, by: 0.0173) {
            let e = exp(min(Double(x), 40)), n = e * (e + 2), exact = Double(x) * n / (n + 2)
            #expect(abs(Double(srd_mish_s8(x)) - exact) <= 1.3e-4 * abs(exact) + 1e-7, "mish(\(x))")
        }
    }
}
