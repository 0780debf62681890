import Foundation
import SRDImage
import SRDModel
import SRDRuntime
import TestSupport
import Testing

@Suite("Fidelity")
struct FidelityTests {
    private func image() -> Image {
        var random = SeededRandom(seed: 5)
        return Image(
            width: 13, height: 9, channels: 3, bitDepth: 8, samples: (0..<13 * 9 * 3).map { _ in .random(in: 60...200, using: &random) })
    }

    private func upscale(
        _ model: Model, _ fidelity: Fidelity, threads: Int = 1, instructionSet: InstructionSet = .fastest
    ) -> Image {
        let pipeline = Pipeline(Executor(model, threads: threads, instructionSet: instructionSet))
        let settings = SamplingSettings(schedule: .ancestral(steps: 3), seed: 11, fidelity: fidelity)
        return pipeline.upscale(pipeline.prepare(image(), fidelity: fidelity), settings: settings) { _, _ in }
    }

    @Test("the blur's weights sum to 1, and sigma falls from infinity to 0")
    func kernel() {
        for value: Float in [0.05, 0.25, 0.5, 0.75, 1] {
            let kernel = Fidelity(value)!.kernel
            let total = Double(kernel[0]) + 2 * kernel.dropFirst().reduce(0) { $0 + Double($1) }
            #expect(abs(total - 1) < 1e-6 && kernel.count <= 65)
        }
        #expect(Fidelity(0.5)!.sigma == 1.5 && Fidelity(1)!.sigma == 0 && Fidelity(0)!.sigma == .infinity)
        #expect(Fidelity(-0.1) == nil && Fidelity(1.1) == nil && Fidelity(.nan) == nil)
    }

    @Test("0 is the sample, 1 the encoder's image, and between them the low band moves from one to the other")
    func formula() throws {
        let model = try TinyModel.model(), pipeline = Pipeline(Executor(model, threads: 1))
        let sample = upscale(model, .sample), encoded = pipeline.encoderImage(image())
        func difference(_ a: Image, _ b: Image) -> Int { zip(a.samples, b.samples).map { abs(Int($0) - Int($1)) }.max()! }
        #expect(difference(upscale(model, Fidelity(1)!), encoded) <= 1)

        let fidelity = Fidelity(0.5)!, found = upscale(model, fidelity), weights = fidelity.kernel.map(Double.init)
        let width = found.width, height = found.height
        // From 8-bit images, so up to a level of rounding in each of three places; samples that were clipped to 0 or 255 are left out.
        func blurred(_ x: Int, _ y: Int, _ c: Int) -> Double {
            func value(_ x: Int, _ y: Int) -> Double {
                let i = (max(0, min(height - 1, y)) * width + max(0, min(width - 1, x))) * 3 + c
                return Double(encoded.samples[i]) - Double(sample.samples[i])
            }
            var sum = 0.0
            for dy in -(weights.count - 1)...weights.count - 1 {
                for dx in -(weights.count - 1)...weights.count - 1 { sum += weights[abs(dy)] * weights[abs(dx)] * value(x + dx, y + dy) }
            }
            return sum
        }
        var compared = 0
        for y in 5..<height - 5 {
            for x in 5..<width - 5 {
                for c in 0..<3 {
                    let i = (y * width + x) * 3 + c
                    guard (1..<255).contains(sample.samples[i]), (1..<255).contains(found.samples[i]) else { continue }
                    let isClean = (y - 5...y + 5).allSatisfy { y in
                        (x - 5...x + 5).allSatisfy { x in
                            let i = (y * width + x) * 3 + c
                            return (1..<255).contains(sample.samples[i]) && (1..<255).contains(encoded.samples[i])
                        }
                    }
                    guard isClean else { continue }
                    compared += 1
                    #expect(abs(Double(found.samples[i]) - Double(sample.samples[i]) - blurred(x, y, c)) < 2.5)
                }
            }
        }
        #expect(compared > 100, "\(compared) samples compared")
    }

    @Test("the same pixels for every instruction set and number of threads, in float and int8")
    func sameBytes() throws {
        let float = try TinyModel.model(), fidelity = Fidelity(0.4)!
        for model in [float, try TinyQuantizer.quantize(float)] {
            let expected = upscale(model, fidelity, instructionSet: .scalar)
            for instructionSet in InstructionSet.available {
                for threads in [1, 3] { #expect(upscale(model, fidelity, threads: threads, instructionSet: instructionSet) == expected) }
            }
        }
    }
}
