import SRDModel
import SRDTensor
import Testing
import TestSupport

@Suite("Inconsistent noise schedules are rebuilt")
struct StoredScheduleTests {
    private static func rounded(_ value: Double, bits: Int) -> Float {
        guard value != 0 else { return 0 }
        let unit = Double(sign: .plus, exponent: value.exponent - bits + 1, significand: 1)
        return Float((value / unit).rounded(.toNearestOrEven) * unit)
    }

    /// Returns the buffers of a schedule rounded to a number of significant bits: 24 for float, 11 for float16, 8 for
    /// bfloat16.
    private static func tensors(_ s: NoiseSchedule, bits: Int) -> [String: FloatTensor] {
        let buffers = [s.betas, s.signal, s.noise, s.inverseSignal, s.noiseToSignal]
        return Dictionary(
            uniqueKeysWithValues: zip(NoiseSchedule.bufferNames, buffers).map { name, values in
                (name, FloatTensor(shape: [values.count], values: values.map { rounded($0, bits: bits) }))
            })
    }

    private static func spaced(_ a: Double, _ b: Double, _ count: Int) -> [Double] {
        (0..<count).map { a + (b - a) * Double($0) / Double(count - 1) }
    }

    private static func schedule(_ kind: String) -> NoiseSchedule {
        switch kind {
        case "cosine 100": .cosine(timesteps: 100)
        case "cosine 1000": .cosine(timesteps: 1000)
        case "linear 1000": NoiseSchedule(betas: spaced(1e-4, 0.02, 1000))
        case "linear 100": NoiseSchedule(betas: spaced(1e-4, 0.2, 100))
        default: NoiseSchedule(betas: spaced(0.00085.squareRoot(), 0.012.squareRoot(), 1000).map { $0 * $0 })
        }
    }

    static let kinds = ["cosine 100", "cosine 1000", "linear 1000", "linear 100", "scaled linear 1000"]

    @Test("schedules in single precision are used as they are stored", arguments: kinds)
    func stored(kind: String) throws {
        let tensors = Self.tensors(Self.schedule(kind), bits: 24), schedule = try NoiseSchedule(tensors: tensors)
        #expect(schedule.warning == nil)
        #expect(schedule.noiseToSignal.map(Float.init) == tensors["sqrt_recipm1_alphas_cumprod"]?.values)
        #expect(schedule.betas.map(Float.init) == tensors["betas"]?.values)
    }

    @Test("known schedules rounded to 16 bits are replaced by the exact ones", arguments: kinds, [8, 11])
    func rounded(kind: String, bits: Int) throws {
        let exact = Self.schedule(kind), rebuilt = try NoiseSchedule(tensors: Self.tensors(exact, bits: bits))
        #expect(
            rebuilt.warning?.contains(kind.split(separator: " ").dropLast().joined(separator: " ")) == true,
            "\(rebuilt.warning ?? "none")")
        let worst = zip(rebuilt.signal, exact.signal).map { abs($0 - $1) }.max()!
        #expect(worst < 1e-6, "\(worst)")
    }

    @Test("known schedules are recognized by rounded betas alone", arguments: kinds)
    func betasAlone(kind: String) throws {
        // In bfloat16 the last β of a cosine schedule is 1, which leaves no signal.
        let exact = Self.schedule(kind), tensors = ["betas": Self.tensors(exact, bits: 8)["betas"]!]
        let rebuilt = try NoiseSchedule(tensors: tensors)
        for (signal, noise) in zip(rebuilt.signal, rebuilt.noise) {
            let sum: Double = signal * signal + noise * noise
            #expect(signal > 0 && abs(sum - 1) < 1e-6)
        }
        if kind.hasPrefix("cosine") { #expect(zip(rebuilt.signal, exact.signal).allSatisfy { abs($0 - $1) < 1e-6 }) }
    }

    @Test("an unknown schedule is recomputed from its betas, or from signal and noise if these agree")
    func unknown() throws {
        let exact = NoiseSchedule(
            betas: (0..<50).map { (t: Int) -> Double in 0.01 + 0.2 * Double(t * t * t) / 125_000 })
        var tensors = Self.tensors(exact, bits: 24)
        tensors["sqrt_alphas_cumprod"] = FloatTensor(shape: [50], values: .init(repeating: 0.5, count: 50))
        var rebuilt = try NoiseSchedule(tensors: tensors)
        #expect(rebuilt.warning?.hasSuffix("recomputed from its betas") == true)
        #expect(zip(rebuilt.signal, exact.signal).allSatisfy { abs($0 - $1) < 1e-6 })

        tensors = Self.tensors(exact, bits: 24)
        tensors["betas"] = FloatTensor(shape: [50], values: .init(repeating: 0.5, count: 50))
        rebuilt = try NoiseSchedule(tensors: tensors)
        #expect(rebuilt.warning?.contains("signal and noise agree") == true)
        #expect(zip(rebuilt.betas, exact.betas).allSatisfy { abs($0 - $1) < 1e-5 })
        #expect(rebuilt.signal.map(Float.init) == tensors["sqrt_alphas_cumprod"]?.values)

        tensors["sqrt_recip_alphas_cumprod"] = FloatTensor(shape: [50], values: .init(repeating: .nan, count: 50))
        #expect(try NoiseSchedule(tensors: tensors).inverseSignal.allSatisfy(\.isFinite))
    }

    @Test("betas that are not between 0 and 1 are an error", arguments: [Float.nan, .infinity, -0.1, 1.5])
    func impossible(value: Float) {
        var tensors = Self.tensors(.cosine(timesteps: 10), bits: 24)
        tensors["betas"]!.values[4] = value
        #expect(throws: ModelError.self) { try NoiseSchedule(tensors: tensors) }
    }
}
