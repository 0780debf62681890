import SRDRuntime
import Testing

@Suite("Convolution trial")
struct ConvolutionTrialTests {
    @Test(
        "the calls that srdiff-bench times give the scalar kernels' bytes", arguments: ConvolutionTrial.Kind.allCases,
        [32, 64])
    func bytes(_ kind: ConvolutionTrial.Kind, channels: Int) {
        func trial(_ instructionSet: InstructionSet) -> ConvolutionTrial {
            ConvolutionTrial(kind, channels: channels, width: 67, instructionSet: instructionSet)
        }
        let scalar = trial(.scalar), rows = kind == .convolution3x3 ? 0..<4 : 0..<1
        for y in rows { scalar.computeRow(y) }
        #expect(Set(scalar.output.prefix(67 * channels)).count > 100)
        for instructionSet in InstructionSet.available {
            let direct = trial(instructionSet)
            for y in rows { direct.computeRow(y) }
            #expect(direct.output == scalar.output, "\(instructionSet)")
            guard direct.usesWinograd else { continue }
            let winograd = trial(instructionSet)
            winograd.computeFourRows(winograd.transformWeights())
            #expect(winograd.output == scalar.output, "\(instructionSet), Winograd")
        }
    }
}
