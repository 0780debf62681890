import SRDTensor
import SRDModel
import Testing

@Suite("Latent states and blends")
struct LatentStateTests {
    let schedule = NoiseSchedule.cosine(timesteps: 100)

    @Test("at λ = 0 and 1 a blend equals one of the two exactly", arguments: [0.0, 1e-9, 0.3, .pi / 2, 3, .pi])
    func ends(angle: Double) {
        #expect(
            BlendWeights.spherical(0, angle: angle) == BlendWeights.linear(0)
                && BlendWeights.linear(0).blend(0.1, 7) == 0.1)
        #expect(
            BlendWeights.spherical(1, angle: angle) == BlendWeights.linear(1)
                && BlendWeights.linear(1).blend(0.1, 7) == 7)
    }

    @Test("a spherical blend of unit vectors is a unit vector at any angle", arguments: [0.3, 1, .pi / 2, 2.5])
    func arc(angle: Double) {
        let (sine, cosine) = Mathematics.sincos(angle)
        for i in 0...20 {
            let weights = BlendWeights.spherical(Double(i) / 20, angle: angle)  // of (1, 0) and (cos Ω, sin Ω)
            let x = weights.blend(1, Float(cosine)), y = weights.blend(0, Float(sine))
            #expect(abs(x * x + y * y - 1) < 1e-6)
            let (s, c) = Mathematics.sincos(angle * Double(i) / 20)
            #expect(abs(Double(x) - c) < 1e-6 && abs(Double(y) - s) < 1e-6)
        }
    }

    @Test("a spherical blend of noise keeps its variance; a linear blend does not")
    func blendedNoise() {
        func power(_ weights: BlendWeights) -> Float {
            var source = NoiseSource.blend(.pixel(seed: 1), .pixel(seed: 2), weights)
            let field = source.field(draw: 3, height: 64, width: 64)
            var sum: Float = 0
            for y in 0..<64 { for z in field.row(y, width: 64) { sum += z * z } }
            return sum / (64 * 64 * 3)
        }
        // The mean of 12,288 squares has a standard deviation of √(2/12288) = 0.013; four times that.
        #expect(abs(power(.spherical(0.5)) - 1) < 0.052 && abs(power(.spherical(0.2)) - 1) < 0.052)
        #expect(abs(power(.linear(0.5)) - 0.5) < 0.026)
    }

    @Test("blended noise is the blend of both sources' noise", arguments: [false, true])
    func blendOfSources(isTorch: Bool) {
        func source(_ seed: UInt64) -> NoiseSource { isTorch ? .torch(TorchRandom(seed: seed)) : .pixel(seed: seed) }
        let weights = BlendWeights.spherical(0.3)
        var a = source(4), b = source(5), both = NoiseSource.blend(source(4), source(5), weights)
        for draw in 0..<3 {
            let first = a.field(draw: draw, height: 5, width: 7), second = b.field(draw: draw, height: 5, width: 7)
            let mixed = both.field(draw: draw, height: 5, width: 7)
            for y in 0..<5 {
                #expect(
                    mixed.row(y, width: 7)
                        == zip(first.row(y, width: 7), second.row(y, width: 7)).map { weights.blend($0, $1) })
            }
        }
    }

    @Test("the angle between states is that of their vectors")
    func angle() {
        func state(_ values: [Float]) -> LatentState {
            LatentState(timestep: 5, x: FloatTensor(shape: [1, 1, 3], values: values))
        }
        #expect(abs(state([1, 0, 0]).angle(to: state([0, 2, 0])) - .pi / 2) < 1e-12)
        #expect(abs(state([1, 1, 0]).angle(to: state([3, 0, 0])) - .pi / 4) < 1e-12)
        #expect(state([1, 2, 3]).angle(to: state([2, 4, 6])) < 1e-7)
        #expect(abs(state([1, 2, 3]).angle(to: state([-1, -2, -3])) - .pi) < 1e-7)
    }

    static let samplers: [TimestepSchedule] = [
        .ancestral(steps: 20), .ancestral(steps: 100), .ancestral(steps: 1), .ddim(steps: 7, eta: 0.5),
        .spaced(.unipc, steps: 9, .logSNR),
        .transitions([
            TimestepTransition(timestep: 80, eta: 0.25), TimestepTransition(timestep: 31, order: 2),
            TimestepTransition(timestep: 4),
        ]),
    ]

    @Test("a run from timestep t takes t, then exactly the sampler's steps below it, unchanged", arguments: samplers)
    func starting(sampler: TimestepSchedule) {
        let transitions = sampler.transitions(in: schedule)
        for t in 0..<100 {
            let left = sampler.starting(at: t, in: schedule).transitions(in: schedule)
            #expect(left[0].timestep == t && left.count == sampler.steps(from: t, in: schedule))
            #expect(Array(left.dropFirst()) == transitions.filter { $0.timestep < t })
            #expect(transitions.contains { $0.eta == left[0].eta && $0.order == left[0].order })
            if let own = transitions.firstIndex(where: { $0.timestep == t }) {
                #expect(left == Array(transitions[own...]))
            }
        }
        #expect(
            sampler.starting(at: transitions[0].timestep, in: schedule).steps(of: schedule)
                == sampler.steps(of: schedule))
    }
}
