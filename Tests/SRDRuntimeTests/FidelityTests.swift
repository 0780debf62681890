import Foundation
import SRDImage
import SRDModel
import SRDRuntime
import SRDTensor
import TestSupport
import Testing

@Suite("Fidelity")
struct FidelityTests {
    private func image(width: Int = 13, height: Int = 9) -> Image {
        var random = SeededRandom(seed: 5)
        let samples = (0..<width * height * 3).map { _ in UInt16.random(in: 60...200, using: &random) }
        return Image(width: width, height: height, channels: 3, bitDepth: 8, samples: samples)
    }

    private func upscale(
        _ model: Model, _ fidelity: Fidelity, threads: Int = 1, instructionSet: InstructionSet = .fastest
    ) -> Image {
        let pipeline = Pipeline(Executor(model, threads: threads, instructionSet: instructionSet))
        let settings = SamplingSettings(schedule: .ancestral(steps: 3), seed: 11, fidelity: fidelity)
        return pipeline.upscale(pipeline.prepare(image(), fidelity: fidelity), settings: settings) { _, _ in }
    }

    @Test("the blurs' weights sum to 1, and sigma falls from infinity to 0")
    func kernel() {
        for value: Float in [.leastNonzeroMagnitude, 1e-30, 0.05, 0.25, 0.5, 0.75, 1] {
            let fidelity = Fidelity(value)!
            for kernel in [fidelity.addedBand, fidelity.removedBand].compactMap({ $0 }) {
                let weights = kernel.weights
                let total = Double(weights[0]) + 2 * weights.dropFirst().reduce(0) { $0 + Double($1) }
                #expect(abs(total - 1) < 1e-6 && kernel.radius <= fidelity.radius && fidelity.radius <= 64)
            }
        }
        #expect(Fidelity(1)!.removedBand == nil && Fidelity(0.5)!.colorSigma == 6 && Fidelity(0.25)!.colorSigma == 18)
        #expect(Fidelity(0.5)!.sigma == 1.5 && Fidelity(1)!.sigma == 0 && Fidelity(0)!.sigma == .infinity)
        #expect(Fidelity(-0.1) == nil && Fidelity(1.1) == nil && Fidelity(.nan) == nil)
    }

    @Test("0 is the sample, 1 the encoder's image, and a fidelity close to 0 is close to the sample")
    func limits() throws {
        let model = try TinyModel.model(), pipeline = Pipeline(Executor(model, threads: 1))
        let sample = upscale(model, .sample), encoded = pipeline.encoderImage(image())
        func difference(_ a: Image, _ b: Image) -> Int {
            zip(a.samples, b.samples).map { abs(Int($0) - Int($1)) }.max()!
        }
        #expect(difference(upscale(model, Fidelity(1)!), encoded) <= 1)
        #expect(difference(upscale(model, Fidelity(1e-30)!), sample) <= 1)
        #expect(difference(upscale(model, Fidelity(0.5)!), sample) > 5)
    }

    @Test(
        "the correction is a narrow blur of the difference less a wide one", arguments: [(20, 13), (3, 2)],
        [Float(0.5), 0.9, 1])
    func formula(size: (width: Int, height: Int), value: Float) throws {
        var random = SeededRandom(seed: 8)
        let fidelity = Fidelity(value)!, bandRows = 4, width = size.width * 4, height = size.height * 4,
            length = width * 3
        let bicubic = BicubicRows(image(width: size.width, height: size.height), scaledBy: 4)
        let encoded = (0..<height).map { _ in (0..<length).map { _ in Float.random(in: 0...1, using: &random) } }
        let sample = (0..<height).map { bicubic.networkRow($0) }
        let correction = FidelityCorrection(
            of: FloatTensor(height: height, width: width, channels: 3), bicubic, fidelity, bandRows: bandRows,
            Finiteness())
        var difference = FloatTensor(height: height, width: width, channels: 3)
        for y in 0..<height {
            for j in 0..<length { difference.values[y * length + j] = encoded[y][j] * 2 - 1 - sample[y][j] }
        }
        let narrow = Self.blurred(difference, fidelity.addedBand.weights)
        let wide = fidelity.removedBand.map { Self.blurred(difference, $0.weights) }
        var stored = 0
        for y in 0..<height {
            while stored < min(height, y + correction.radius + 1) {
                correction.store(stored, encoded[stored])
                stored += 1
            }
            var found = sample[y]
            correction.add(to: &found, y)
            for j in 0..<length {
                let i = y * length + j, expected = Double(sample[y][j]) + narrow[i] - (wide?[i] ?? 0)
                #expect(abs(Double(found[j]) - expected) < 1e-5)
            }
        }
    }

    /// A separable blur with replicated borders, in double precision.
    private static func blurred(_ image: FloatTensor, _ weights: [Float]) -> [Double] {
        let width = image.width, height = image.height, radius = weights.count - 1
        func pass(_ values: [Double], _ count: Int, _ index: (_ line: Int, _ place: Int) -> Int, lines: Int) -> [Double]
        {
            var out = values
            for line in 0..<lines {
                for place in 0..<count {
                    out[index(line, place)] = (-radius...radius).reduce(0) { sum, k in
                        sum + Double(weights[abs(k)]) * values[index(line, max(0, min(count - 1, place + k)))]
                    }
                }
            }
            return out
        }
        let along = pass(
            image.values.map(Double.init), width, { line, x in (line / 3 * width + x) * 3 + line % 3 },
            lines: height * 3)
        return pass(along, height, { line, y in y * width * 3 + line }, lines: width * 3)
    }

    @Test("the same pixels for every instruction set and number of threads, in float and int8")
    func sameBytes() throws {
        let float = try TinyModel.model(), fidelity = Fidelity(0.4)!
        for model in [float, try TinyQuantizer.quantize(float)] {
            let expected = upscale(model, fidelity, instructionSet: .scalar)
            for instructionSet in InstructionSet.available {
                for threads in [1, 3] {
                    #expect(upscale(model, fidelity, threads: threads, instructionSet: instructionSet) == expected)
                }
            }
        }
    }
}
