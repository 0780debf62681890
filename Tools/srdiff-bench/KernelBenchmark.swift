import SRDiff
import ArgumentParser
import SRDTensor
import CSRDKernels
import Glibc
import ToolSupport

struct KernelBenchmark: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kernels",
        abstract: "Measures each convolution kernel by itself, on one thread.",
        discussion: """
            One row of output, over and over: codes in, Mish and codes out, weights packed. GMAC/s are the median's. Four \
            rows at once go through Winograd's products; GMAC/s count what they replace, so that more than the peak is \
            possible.
            """)

    @Option(help: ArgumentHelp("Instruction sets, by commas, or all.", valueName: "names"))
    var cpu: String?

    @Option(help: ArgumentHelp("Pixels of the row.", valueName: "n"))
    var width = 128

    @Option(name: .customLong("repeat"), help: ArgumentHelp("Repetitions, of some 10 ms each.", valueName: "n"))
    var repetitions = 7

    @Option(help: "A table for people, for spreadsheets, or for programs.")
    var format = Format.md

    func validate() throws {
        guard (1...65536).contains(width) else { throw ValidationError("--width \(width): 1 to 65536") }
        guard (1...1000).contains(repetitions) else { throw ValidationError("--repeat \(repetitions): 1 to 1000") }
        _ = try InstructionSets.parse(cpu)
    }

    /// A kernel's work on a pixel.
    private struct Shape {
        let name: String
        let taps, stride, input, output: Int
        var isWinograd = false
        var macs: Int { taps * input * output }
    }

    private static let shapes: [Shape] = [32, 64, 128, 256].flatMap { c in
        [
            Shape(name: "3×3", taps: 9, stride: 1, input: c, output: c),
            Shape(name: "3×3 Winograd", taps: 9, stride: 1, input: c, output: c, isWinograd: true),
            Shape(name: "3×3 stride 2", taps: 9, stride: 2, input: c, output: c),
            Shape(name: "1×1", taps: 1, stride: 1, input: c, output: c),
            Shape(name: "4×4 transposed (one phase)", taps: 4, stride: 1, input: c, output: c),
        ]
    }

    func run() throws {
        var table = ResultTable(columns: [
            .init(key: "cpu", heading: "CPU"), .init(key: "kernel", heading: "kernel"), .init(key: "channels", heading: "channels"),
            .init(key: "gmac_per_s", heading: "GMAC/s", decimals: 1), .init(key: "peak_gmac_per_s", heading: "peak", decimals: 1),
            .init(key: "peak_share", heading: "of peak", decimals: 3),
        ])
        let progress = ProgressLine(isShown: true), names = try InstructionSets.parse(cpu)
        for (i, name) in names.enumerated() {
            var peak = Peak(name, threads: 1), results: [(Shape, Double)] = []
            let kernels = Peak.kernels(name)
            let shapes = Self.shapes.filter { !$0.isWinograd || kernels.conv_winograd != nil && width >= Int(kernels.winograd_width) }
            for (k, shape) in shapes.enumerated() {
                progress.show(name.rawValue, done: i * shapes.count + k, of: names.count * shapes.count)
                peak.measure()
                results.append((shape, measure(shape, kernels)))
            }
            table.rows += results.map { shape, rate in
                [.string(name.rawValue), .string(shape.name), .int(shape.input), .number(rate / 1e9), .number(peak.rate / 1e9), .number(rate / peak.rate)]
            }
        }
        progress.clear()
        switch format {
        case .md: Terminal.output.line(table.markdown)
        case .csv: Terminal.output.line(table.csv)
        case .json: Terminal.output.line(JSON.object([
            ("machine", Machine.name.map { .string($0) } ?? .null), ("version", .string(SRDiffVersion.string)), ("results", table.json)
        ]).text)
        }
    }

    /// Multiply-accumulates a second.
    private func measure(_ shape: Shape, _ kernels: srd_kernels_s8) -> Double {
        let block = Int(kernels.block), blocks = (shape.output + block - 1) / block
        let rowPixels = (width + 2) * shape.stride, side = shape.taps == 9 ? 3 : shape.taps == 4 ? 2 : 1
        var random = SplitMix64(seed: 1)
        func bytes<T: FixedWidthInteger>(_ count: Int, _: T.Type) -> UnsafeMutableBufferPointer<T> {
            // Whole cache lines, as an allocation of some size is.
            let base = aligned_alloc(64, (count + 63) / 64 * 64)!.bindMemory(to: T.self, capacity: count)
            let buffer = UnsafeMutableBufferPointer(start: base, count: count)
            for i in 0..<count { buffer[i] = T(truncatingIfNeeded: random.next()) }
            return buffer
        }
        let input = bytes((side + 3) * rowPixels * shape.input, srd_quantized.self)
        let weights = bytes(blocks * block * shape.taps * shape.input, Int8.self)
        let output = bytes(4 * width * shape.output, srd_quantized.self)
        var starts = [Int32](repeating: 0, count: 256), scale = [Float](repeating: 1e-4, count: 256)
        var bias = [Float](repeating: 0, count: 256)
        defer {
            free(input.baseAddress)
            free(weights.baseAddress)
            free(output.baseAddress)
        }
        var taps = (0..<shape.taps).map { t in
            srd_tap_s8(
                input: input.baseAddress! + (t / side * rowPixels + t % side) * shape.input, pixel: shape.stride * shape.input,
                channels: Int32(shape.input), weights: weights.baseAddress! + t * shape.input * block)
        }
        return taps.withUnsafeMutableBufferPointer { taps in
            starts.withUnsafeMutableBufferPointer { starts in
                scale.withUnsafeMutableBufferPointer { scale in
                    bias.withUnsafeMutableBufferPointer { bias in
                        var segment = srd_segment_s8(
                            taps: UnsafePointer(taps.baseAddress), tap_count: Int32(taps.count),
                            correction: UnsafePointer(starts.baseAddress), scale: 1)
                        return withUnsafePointer(to: &segment) { segment in
                            var args = srd_conv_row_s8_args()
                            args.segments = segment
                            args.segment_count = 1
                            args.width = Int32(width)
                            args.channels = Int32(shape.output)
                            args.block_stride = block * shape.taps * shape.input
                            args.weight_scale = UnsafePointer(scale.baseAddress)
                            args.bias = UnsafePointer(bias.baseAddress)
                            args.gain = 1
                            args.activation = SRD_ACTIVATION_MISH
                            args.quantized = output.baseAddress
                            args.quantized_pixel = shape.output
                            args.inverse_scale = 16
                            return shape.isWinograd
                                ? winogradRate(shape, kernels, args, input: input.baseAddress!, rowPixels: rowPixels)
                                : rate(shape.macs * width) { kernels.conv_row(&args) }
                        }
                    }
                }
            }
        }
    }

    /// Of four rows, the first of which is `first`.
    private func winogradRate(
        _ shape: Shape, _ kernels: srd_kernels_s8, _ first: srd_conv_row_s8_args, input: UnsafePointer<srd_quantized>, rowPixels: Int
    ) -> Double {
        let block = Int(kernels.winograd_block), blocks = (shape.output + block - 1) / block
        let blockStride = Int(SRD_WINOGRAD_POINTS) * (shape.input * block + Int(SRD_WINOGRAD_PADDING))
        let weights = aligned_alloc(64, 2 * blocks * blockStride)!.bindMemory(to: Int16.self, capacity: blocks * blockStride)
        defer { free(weights) }
        var random = SplitMix64(seed: 2)
        for i in 0..<blocks * blockStride { weights[i] = Int16(truncatingIfNeeded: random.next()) / 8 }
        func row(_ y: Int) -> UnsafePointer<srd_quantized> { input + y * rowPixels * shape.input }
        var segment = srd_winograd_segment_s8(
            rows: (row(0), row(1), row(2), row(3), row(4), row(5)), pixel: shape.input, channels: Int32(shape.input), weights: weights,
            correction: first.segments.pointee.correction, scale: 1)
        let rows = (0..<4).map { y in
            var row = first
            row.quantized = first.quantized + y * width * shape.output
            return row
        }
        return rows.withUnsafeBufferPointer { rows in
            withUnsafePointer(to: &segment) { segment in
                let row = rows.baseAddress!
                var args = srd_conv_winograd_s8_args(
                    segments: segment, segment_count: 1, block_stride: blockStride, rows: (row, row + 1, row + 2, row + 3))
                return rate(4 * shape.macs * width) { kernels.conv_winograd(&args) }
            }
        }
    }

    private func rate(_ macs: Int, _ body: () -> Void) -> Double {
        let clock = ContinuousClock()
        var rounds = 1
        func time() -> Duration { clock.measure { for _ in 0..<rounds { body() } } }
        while time().seconds < 0.008 { rounds *= 2 }
        var series = Series()
        for _ in 0..<repetitions { series.add(time()) }
        return Double(macs * rounds) / (series.median / 1000)
    }
}
