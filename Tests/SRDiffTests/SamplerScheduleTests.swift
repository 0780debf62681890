import Testing
import SRDiff

@Suite("A sampler's numbers keep the diffusion's laws")
struct SamplerScheduleTests {
    static let schedule = NoiseSchedule.cosine(timesteps: 100)
    static let samplers: [SamplerSchedule] = [1, 2, 3, 4, 8, 20, 50, 100].flatMap { steps in
        [.ancestral(steps: steps), .ddim(steps: steps, eta: 0), .ddim(steps: steps, eta: 0.3), .ddim(steps: steps, eta: 1)]
    }

    /// Float rounding of coefficients of order 1.
    let bound = 1e-6

    @Test("x_t distributed as the schedule says gives x_next distributed as the schedule says", arguments: samplers)
    func marginals(_ sampler: SamplerSchedule) {
        let steps = sampler.steps(of: Self.schedule)
        for (i, step) in steps.enumerated() {
            let signal = Self.schedule.signal[step.timestep], noise = Self.schedule.noise[step.timestep]
            let next = i + 1 < steps.count ? steps[i + 1].timestep : nil
            let signalNext = next.map { Self.schedule.signal[$0] } ?? 1, noiseNext = next.map { Self.schedule.noise[$0] } ?? 0
            let a = Double(step.a), b = Double(step.b), sigma = Double(step.sigma)
            #expect(abs(a + b * signal - signalNext) < bound, "signal at \(step.timestep)")
            #expect(abs(b * b * noise * noise + sigma * sigma - noiseNext * noiseNext) < bound, "noise at \(step.timestep)")
        }
    }

    @Test("the exact noise gives x_0 back", arguments: samplers)
    func exactNoise(_ sampler: SamplerSchedule) {
        let steps = sampler.steps(of: Self.schedule), x0: Float = 0.3
        var x: Float = 1.7
        for step in steps {
            let noise = (x - Float(Self.schedule.signal[step.timestep]) * x0) / Float(Self.schedule.noise[step.timestep])
            x = step.next(x, noise: noise, z: 0.1)
        }
        #expect(abs(x - x0) < 1e-3)
    }

    @Test("timesteps fall from the last to 0", arguments: samplers)
    func timesteps(_ sampler: SamplerSchedule) {
        let timesteps = sampler.steps(of: Self.schedule).map(\.timestep)
        #expect(timesteps.count == sampler.steps && timesteps[0] == 99)
        #expect(zip(timesteps, timesteps.dropFirst()).allSatisfy { $0 > $1 })
        if timesteps.count > 1 { #expect(timesteps.last == 0) }
    }

    @Test("no noise is added by the last step, nor by DDIM with η = 0", arguments: samplers)
    func lastNoise(_ sampler: SamplerSchedule) {
        let steps = sampler.steps(of: Self.schedule)
        #expect(steps.last!.sigma == 0)
        if case .ddim(_, eta: 0) = sampler { #expect(steps.allSatisfy { $0.sigma == 0 }) }
    }

    @Test("DDIM with η = 1 is respaced DDPM", arguments: [2, 4, 20, 100])
    func etaOne(steps: Int) {
        let ddim = SamplerSchedule.ddim(steps: steps, eta: 1).steps(of: Self.schedule)
        for (a, b) in zip(ddim, SamplerSchedule.ancestral(steps: steps).steps(of: Self.schedule)) {
            #expect(abs(a.a - b.a) < 1e-5 && abs(a.b - b.b) < 1e-5 && abs(a.sigma - b.sigma) < 1e-5)
        }
    }

    @Test func clampsX0() {
        let step = SamplerStep(timestep: 5, p: 3, q: 0, a: 1, b: 0, sigma: 0)
        #expect(step.next(2, noise: 0, z: 0) == 1 && step.next(-2, noise: 0, z: 0) == -1)
    }
}
