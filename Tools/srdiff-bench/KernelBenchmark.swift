import SRDiff
import ArgumentParser
import ToolSupport

struct KernelBenchmark: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kernels",
        abstract: "Measures each convolution kernel by itself, on one thread.",
        discussion: """
            One row of output, repeated: quantized values in, Mish, quantized values out, weights packed, by the call \
            that programs make. GMAC/s are those of the median. Winograd's products compute four rows; GMAC/s count \
            the products that they replace, so values above the peak are possible.
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

    private struct Shape {
        let name: String
        let kind: ConvolutionTrial.Kind
        let channels: Int
        var isWinograd = false
    }

    private static let shapes: [Shape] = [32, 64, 128, 256].flatMap { c in
        [
            Shape(name: "3×3", kind: .convolution3x3, channels: c),
            Shape(name: "3×3 Winograd", kind: .convolution3x3, channels: c, isWinograd: true),
            Shape(name: "3×3 stride 2", kind: .strided3x3, channels: c),
            Shape(name: "1×1", kind: .pointwise, channels: c),
            Shape(name: "4×4 transposed (one phase)", kind: .transposed4x4, channels: c),
        ]
    }

    func run() throws {
        var table = Measurements(columns: [
            .init(key: "cpu", heading: "CPU"), .init(key: "kernel", heading: "kernel"),
            .init(key: "channels", heading: "channels"),
            .init(key: "gmac_per_s", heading: "GMAC/s", decimals: 1),
            .init(key: "peak_gmac_per_s", heading: "peak", decimals: 1),
            .init(key: "peak_share", heading: "of peak", decimals: 3),
        ])
        let progress = ProgressLine(isShown: true), names = try InstructionSets.parse(cpu)
        for (i, name) in names.enumerated() {
            var peak = Peak(name, threads: 1), results: [(Shape, Double)] = []
            for (k, shape) in Self.shapes.enumerated() {
                progress.show(name.rawValue, done: i * Self.shapes.count + k, of: names.count * Self.shapes.count)
                peak.measure()
                if let rate = measure(shape, name) { results.append((shape, rate)) }
            }
            table.rows += results.map { shape, rate in
                [
                    .string(name.rawValue), .string(shape.name), .int(shape.channels), .number(rate / 1e9),
                    .number(peak.rate / 1e9), .number(rate / peak.rate),
                ]
            }
        }
        progress.clear()
        Terminal.output.line(table.text(format))
    }

    /// Multiply-accumulates per second, or nil if programs do not use the kernel. Winograd's products count as what
    /// they replace.
    private func measure(_ shape: Shape, _ instructionSet: InstructionSet) -> Double? {
        let trial = ConvolutionTrial(shape.kind, channels: shape.channels, width: width, instructionSet: instructionSet)
        guard shape.isWinograd else { return rate(trial.macsPerRow) { trial.computeRow() } }
        guard trial.usesWinograd else { return nil }
        let weights = trial.transformWeights()
        return rate(trial.macsOfFourRows) { trial.computeFourRows(weights) }
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
