import Foundation
import Testing
import SRDTensor

@Suite("Exact elementary functions")
struct MathematicsTests {
    /// A few units in the last place, for the library's error and ours.
    let bound = 2e-15

    @Test("exp agrees with the C library to rounding")
    func exponential() {
        for x in stride(from: -50.0, through: 50, by: 0.0371) {
            #expect(abs(Mathematics.exp(x) / Foundation.exp(x) - 1) < bound, "exp(\(x))")
        }
    }

    @Test("exp is defined for arguments that are not finite")
    func notFinite() {
        #expect(
            Mathematics.exp(.infinity) == .infinity && Mathematics.exp(-.infinity) == 0 && Mathematics.exp(.nan).isNaN)
    }

    @Test("log agrees with the C library to rounding")
    func logarithm() {
        for i in 1...4000 {
            let x = Double(i) * 0.00037
            #expect(abs(Mathematics.log(x) - Foundation.log(x)) <= bound * max(1, abs(Foundation.log(x))), "log(\(x))")
        }
    }

    @Test("sincos agrees with the C library to rounding")
    func sineAndCosine() {
        for x in stride(from: -200.0, through: 200, by: 0.0173) {
            let (s, c) = Mathematics.sincos(x)
            #expect(abs(s - Foundation.sin(x)) < bound && abs(c - Foundation.cos(x)) < bound, "sincos(\(x))")
        }
    }

    @Test("acos agrees with the C library to rounding")
    func arccosine() {
        for x in [-1, -0.9999999, 0, 1e-9, 0.9999999, 1] + Array(stride(from: -1.0, through: 1, by: 0.00037)) {
            #expect(abs(Mathematics.acos(x) - Foundation.acos(x)) < 2 * bound, "acos(\(x))")
        }
    }
}
