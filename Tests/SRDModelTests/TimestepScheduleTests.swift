import Foundation
import Testing
import TestSupport
import SRDModel

@Suite("A sampler's coefficients obey the laws of diffusion")
struct TimestepScheduleTests {
    static let schedule = NoiseSchedule.cosine(timesteps: 100)
    struct Method: Sendable {
        let sampler: Sampler
        var eta = 0.0
    }

    static let methods =
        Sampler.allCases.map { Method(sampler: $0) } + [
            Method(sampler: .ddim, eta: 0.3), Method(sampler: .ddim, eta: 1),
        ]
    static let samplers: [TimestepSchedule] =
        methods.flatMap { method in
            TimestepSpacing.allCases.flatMap { spacing in
                [1, 2, 3, 4, 8, 20, 50, 100].map { .spaced(method.sampler, eta: method.eta, steps: $0, spacing) }
            }
        } + [
            .transitions([
                TimestepTransition(timestep: 90, eta: 0.5), TimestepTransition(timestep: 40, order: 2),
                TimestepTransition(timestep: 11, eta: 0.2, order: 2),
            ])
        ]

    /// The float rounding of coefficients near 1; those of second order are a few times larger.
    let bound = 3e-6

    static func signal(_ t: Int?) -> Double { t.map { schedule.signal[$0] } ?? 1 }
    static func noise(_ t: Int?) -> Double { t.map { schedule.noise[$0] } ?? 0 }

    /// Returns each step with the timestep that it ends at; nil is x_0.
    static func pairs(_ sampler: TimestepSchedule) -> [(step: SamplerStep, next: Int?)] {
        let steps = sampler.steps(of: schedule)
        return steps.indices.map { (steps[$0], $0 + 1 < steps.count ? steps[$0 + 1].timestep : nil) }
    }

    /// Returns x_0 of one value. `predict` returns the predicted noise in x at timestep t.
    static func run(
        _ sampler: TimestepSchedule, _ schedule: NoiseSchedule, from x: Double, predict: (Double, Int) -> Double
    ) -> Double {
        var x = Float(x), past: (Float, Float) = (0, 0)
        for step in sampler.steps(of: schedule) {
            let clean = step.clean(x, noise: Float(predict(Double(x), step.timestep)))
            x = step.next(x, clean: clean, z: 0) + step.c * past.0 + step.d * past.1
            past = (clean, past.0)
        }
        return Double(x)
    }

    @Test(
        "x_t with the schedule's mean and variance gives x_next with the schedule's mean and variance",
        arguments: samplers)
    func marginals(_ sampler: TimestepSchedule) {
        for (step, next) in Self.pairs(sampler) {
            let a = Double(step.a) + Double(step.c) + Double(step.d), b = Double(step.b), sigma = Double(step.sigma)
            #expect(abs(a + b * Self.signal(step.timestep) - Self.signal(next)) < bound, "signal at \(step.timestep)")
            let variance = b * b * pow(Self.noise(step.timestep), 2) + sigma * sigma
            #expect(abs(variance - pow(Self.noise(next), 2)) < bound, "noise at \(step.timestep)")
        }
    }

    @Test("predicting the exact noise recovers x_0", arguments: samplers)
    func exactNoise(_ sampler: TimestepSchedule) {
        let found = Self.run(sampler, Self.schedule, from: 1.7) { x, t in
            (x - Self.schedule.signal[t] * 0.3) / Self.schedule.noise[t]
        }
        #expect(abs(found - 0.3) < 1e-3)
    }

    @Test("one step from the last timestep is the clamped x0", arguments: methods)
    func oneStep(_ method: Method) {
        let step = TimestepSchedule.spaced(method.sampler, eta: method.eta, steps: 1, .uniform).steps(
            of: Self.schedule)[0]
        #expect(step.timestep == 99 && step.a == 1 && step.b == 0 && step.sigma == 0 && step.memory == 0)
        let clean = step.clean(0.5, noise: 0.5)
        let expected = (0.5 - Self.schedule.noise[99] * 0.5) / Self.schedule.signal[99]
        #expect(abs(Double(clean) - min(1, expected)) < 1e-3)
    }

    @Test("two transitions of DDIM without noise equal one if x0 does not change")
    func twoHalves() {
        func transition(_ timesteps: [Int]) -> [SamplerStep] {
            TimestepSchedule.transitions(timesteps.map { TimestepTransition(timestep: $0) }).steps(of: Self.schedule)
        }
        let whole = transition([80, 20])[0], halves = transition([80, 50, 20]), x: Float = -0.8, clean: Float = 0.4
        let twice = halves[1].next(halves[0].next(x, clean: clean, z: 0), clean: clean, z: 0)
        #expect(abs(whole.next(x, clean: clean, z: 0) - twice) < 1e-6)
    }

    @Test("timesteps fall strictly from the last to 0", arguments: samplers.dropLast())
    func timesteps(_ sampler: TimestepSchedule) {
        let timesteps = sampler.steps(of: Self.schedule).map(\.timestep)
        #expect(timesteps.count == sampler.steps && timesteps[0] == 99)
        #expect(zip(timesteps, timesteps.dropFirst()).allSatisfy { $0 > $1 })
        if timesteps.count > 1 { #expect(timesteps.last == 0) }
    }

    @Test("spacings are even in t, √t and ln(signal / noise)")
    func spacings() {
        #expect(Self.schedule.timesteps(4, .uniform) == [99, 66, 33, 0])
        #expect(Self.schedule.timesteps(4, .quadratic) == [99, 44, 11, 0])
        let levels = (0..<100).map { log(Self.schedule.signal[$0] / Self.schedule.noise[$0]) }
        for (i, t) in Self.schedule.timesteps(5, .logSNR).enumerated() {
            let wanted = levels[99] + (levels[0] - levels[99]) * Double(i) / 4
            #expect(
                abs(levels[t] - wanted) == levels.map { abs($0 - wanted) }.min(), "no timestep is nearer to level \(i)")
        }
    }

    @Test(
        "the last step and steps with η = 0 add no noise; memory is the number of x0 that steps read",
        arguments: samplers)
    func noiseAndMemory(_ sampler: TimestepSchedule) {
        let steps = sampler.steps(of: Self.schedule)
        #expect(steps.last!.sigma == 0)
        for (step, transition) in zip(steps, sampler.transitions(in: Self.schedule)) where transition.eta == 0 {
            #expect(step.sigma == 0)
        }
        #expect(steps[0].memory == 0 && sampler.memory >= steps.map(\.memory).max()!)
        if case .spaced = sampler { #expect(sampler.memory == steps.map(\.memory).max()!) }
    }

    @Test("DDIM follows eq. 12 and 16 of its paper", arguments: [0, 0.3, 1], [2, 4, 20, 100])
    func ddim(eta: Double, steps: Int) {
        for (step, next) in Self.pairs(.ddim(steps: steps, eta: eta)) {
            let now = pow(Self.signal(step.timestep), 2), then = pow(Self.signal(next), 2)
            let sigma = eta * sqrt((1 - then) / (1 - now)) * sqrt(1 - now / then)
            let direction = sqrt(max(0, 1 - then - sigma * sigma))
            #expect(abs(Double(step.a) - (sqrt(then) - direction * sqrt(now / (1 - now)))) < bound)
            #expect(abs(Double(step.b) - direction / sqrt(1 - now)) < bound)
            #expect(abs(Double(step.sigma) - sigma) < bound)
        }
    }

    @Test("DDPM follows eq. 7 of its paper, for fewer steps with the combined β of each transition")
    func ddpm() {
        for count in [2, 4, 20, 100] {
            for (step, next) in Self.pairs(.ancestral(steps: count)) {
                let kept = Self.schedule.betas.map { 1 - $0 }
                let alpha = kept[((next ?? -1) + 1)...step.timestep].reduce(1, *)
                let now = kept[...step.timestep].reduce(1, *), then = now / alpha
                #expect(abs(Double(step.a) - sqrt(then) * (1 - alpha) / (1 - now)) < bound)
                #expect(abs(Double(step.b) - sqrt(alpha) * (1 - then) / (1 - now)) < bound)
                #expect(abs(Double(step.sigma) - sqrt(max(0, (1 - then) / (1 - now) * (1 - alpha)))) < bound)
            }
        }
    }

    @Test("DDIM with η = 1 equals respaced DDPM", arguments: [2, 4, 20, 100])
    func etaOne(steps: Int) {
        let ddim = TimestepSchedule.ddim(steps: steps, eta: 1 - 1e-9).steps(of: Self.schedule)
        for (a, b) in zip(ddim, TimestepSchedule.ancestral(steps: steps).steps(of: Self.schedule)) {
            #expect(abs(a.a - b.a) < 1e-5 && abs(a.b - b.b) < 1e-5 && abs(a.sigma - b.sigma) < 1e-5)
        }
    }

    /// Returns the papers' λ, h and r of transition i → i + 1.
    static func gains(_ pairs: [(step: SamplerStep, next: Int?)], _ i: Int) -> (h: Double, r: Double?) {
        func level(_ t: Int) -> Double { log(signal(t) / noise(t)) }
        let h = level(pairs[i].next!) - level(pairs[i].step.timestep)
        guard i > 0 else { return (h, nil) }
        return (h, (level(pairs[i].step.timestep) - level(pairs[i - 1].step.timestep)) / h)
    }

    @Test("DPM-Solver++ 2M and its SDE form follow their paper", arguments: TimestepSpacing.allCases)
    func dpm2M(_ spacing: TimestepSpacing) {
        for count in [3, 8, 20] {
            let ode = Self.pairs(.spaced(.dpmSolver2M, steps: count, spacing)),
                sde = Self.pairs(.spaced(.dpmSolver2MSDE, steps: count, spacing))
            for i in 0..<count - 1 {
                let (h, r) = Self.gains(ode, i), extra = r.map { 1 / (2 * $0) } ?? 0
                let ratio = Self.noise(ode[i].next) / Self.noise(ode[i].step.timestep),
                    signal = Self.signal(ode[i].next)
                let scale = (1 + extra) * 1e-5
                func expect(_ found: Float, _ wanted: Double, _ what: String) {
                    #expect(abs(Double(found) - wanted) < scale, "\(what) of step \(i) of \(count)")
                }
                let gain = -signal * expm1(-h), sdeGain = -signal * expm1(-2 * h)
                expect(ode[i].step.a, gain * (1 + extra), "a")
                expect(ode[i].step.c, -gain * extra, "c")
                expect(ode[i].step.b, ratio, "b")
                expect(sde[i].step.a, sdeGain * (1 + extra), "SDE a")
                expect(sde[i].step.c, -sdeGain * extra, "SDE c")
                expect(sde[i].step.b, ratio * exp(-h), "SDE b")
                expect(sde[i].step.sigma, Self.noise(sde[i].next) * sqrt(-expm1(-2 * h)), "SDE σ")
            }
        }
    }

    /// Runs UniPC by the paper's algorithms 1 and 2 (data prediction, B2), with separate states and a solved linear
    /// system.
    static func unipc(_ timesteps: [Int], from start: Double, predict: (Double, Int) -> Double) -> Double {
        let level = timesteps.map { log(signal($0) / noise($0)) }
        var x = start, corrected = start, clean: [Double] = []
        for (i, t) in timesteps.enumerated() {
            clean.append(max(-1, min(1, (x - noise(t) * predict(x, t)) / signal(t))))
            if i > 0 {
                let hh = -(level[i] - level[i - 1]), e = expm1(hh)
                let base = noise(t) / noise(timesteps[i - 1]) * corrected - signal(t) * e * clean[i - 1]
                let own = clean[i] - clean[i - 1]
                let phi2 = e / hh - 1, phi3 = phi2 / hh - 0.5
                if i == 1 {
                    x = base - signal(t) * e * 0.5 * own
                } else {
                    let r = (level[i - 2] - level[i - 1]) / (level[i] - level[i - 1])
                    // rho0 + rho1 = b1;  r rho0 + rho1 = b2, by Cramer's rule
                    let b1 = phi2 / e, b2 = 2 * phi3 / e
                    let rho0 = (b1 - b2) / (1 - r), rho1 = (b2 - r * b1) / (1 - r)
                    x = base - signal(t) * e * (rho0 * (clean[i - 2] - clean[i - 1]) / r + rho1 * own)
                }
            }
            corrected = x
            guard i + 1 < timesteps.count else { break }
            let next = timesteps[i + 1], hh = -(level[i + 1] - level[i]), e = expm1(hh)
            x = noise(next) / noise(t) * corrected - signal(next) * e * clean[i]
            if i > 0 {
                let r = (level[i - 1] - level[i]) / (level[i + 1] - level[i])
                x -= signal(next) * e * 0.5 * (clean[i - 1] - clean[i]) / r
            }
        }
        return clean.last!
    }

    @Test("UniPC follows its paper", arguments: [2, 3, 4, 8, 20], TimestepSpacing.allCases)
    func unipc(steps: Int, _ spacing: TimestepSpacing) {
        // A prediction that is linear neither in x nor in t, and is clamped sometimes.
        func predict(_ x: Double, _ t: Int) -> Double { sin(x) * 0.8 + x * 0.3 + cos(Double(t) / 13) * 0.2 }
        for start in [-1.3, 0.2, 0.9] {
            let found = Self.run(.spaced(.unipc, steps: steps, spacing), Self.schedule, from: start, predict: predict)
            let expected = Self.unipc(Self.schedule.timesteps(steps, spacing), from: start, predict: predict)
            #expect(abs(found - expected) < 1e-3)
        }
    }

    // MARK: A model with a known optimal prediction: x_0 is normal with mean 0.1 and deviation 0.2

    static let fine = NoiseSchedule.cosine(timesteps: 1000)

    /// Returns E[ε │ x_t], where x_t is normal with mean α·0.1 and variance α²·0.2² + σ².
    static func bestNoise(_ x: Double, _ t: Int) -> Double {
        let signal = fine.signal[t], noise = fine.noise[t]
        return noise * (x - signal * 0.1) / (signal * signal * 0.04 + noise * noise)
    }

    /// Returns the largest difference from the result of 1000 steps of DDIM.
    static func error(_ method: Method, _ steps: Int, _ spacing: TimestepSpacing = .logSNR) -> Double {
        [-2.0, -0.7, 0.3, 1.5].map { x in
            abs(
                run(.spaced(method.sampler, eta: method.eta, steps: steps, spacing), fine, from: x, predict: bestNoise)
                    - run(.ddim(steps: 1000, eta: 0), fine, from: x, predict: bestNoise))
        }.max()!
    }

    @Test("DDIM over all timesteps maps a quantile of x_T to the same quantile of x_0")
    func exactGaussian() {
        let x = Self.run(.ddim(steps: 1000, eta: 0), Self.fine, from: 1.5, predict: Self.bestNoise)
        #expect(abs(x - (0.1 + 0.2 * 1.5)) < 0.01)
    }

    @Test("every solver without noise converges to 1000 steps of DDIM", arguments: TimestepSpacing.allCases)
    func converges(_ spacing: TimestepSpacing) {
        for method in [Method(sampler: .ddim), Method(sampler: .dpmSolver2M), Method(sampler: .unipc)] {
            let errors = [10, 40, 160].map { Self.error(method, $0, spacing) }
            // With 1000 timesteps, second order gains little beyond 40 steps.
            #expect(
                errors[1] < errors[0] && errors[2] < errors[1] && errors[2] < 0.01,
                "\(method.sampler.rawValue) \(errors)")
        }
    }

    @Test("second order has a smaller error than first order")
    func order() {
        let ddim = Self.error(Method(sampler: .ddim), 20), dpm = Self.error(Method(sampler: .dpmSolver2M), 20),
            unipc = Self.error(Method(sampler: .unipc), 20)
        #expect(dpm < ddim / 3 && unipc < ddim / 3, "\(ddim) \(dpm) \(unipc)")
    }

    @Test("a step clamps x0 to −1…1")
    func clampsX0() {
        let step = SamplerStep(timestep: 5, p: 3, q: 0, a: 1, b: 0, sigma: 0)
        #expect(step.clean(2, noise: 0) == 1 && step.clean(-2, noise: 0) == -1)
    }

    @Test("equally noisy timesteps give finite coefficients")
    func flatSchedule() {
        var betas = Self.schedule.betas
        for t in 20..<60 { betas[t] = 0 }
        let flat = NoiseSchedule(betas: betas)
        for method in Self.methods {
            for step in TimestepSchedule.spaced(method.sampler, eta: method.eta, steps: 20, .uniform).steps(of: flat) {
                #expect(
                    [step.a, step.b, step.c, step.d, step.sigma].allSatisfy { $0.isFinite },
                    "\(method.sampler.rawValue) at \(step.timestep)")
            }
        }
    }
}
