import SRDMetrics
import Testing

@Suite("Samples of numbers")
struct SampleTests {
    /// scipy.stats.t.interval(0.95, 4, loc, sem) of 1…5 is 3 ± 1.963243.
    @Test("mean, median and 95 % interval equal SciPy's")
    func interval() {
        let sample = Sample([5, 1, 4, 2, 3])
        #expect(sample.mean == 3 && sample.median == 3)
        #expect(abs(sample.halfWidth! - 1.9632432) < 1e-6)
        #expect(Sample([1, 2, 4, 9]).median == 3)
    }

    @Test("a single value and infinite values have no interval")
    func noInterval() {
        #expect(Sample([1]).halfWidth == nil && Sample([1, .infinity]).halfWidth == nil)
    }

    @Test("Student's t is continuous from table to series: 2.0860 at 20, 2.0796 at 21, 1.9600 at ∞")
    func quantiles() {
        #expect(abs(Sample.quantile(degrees: 20) - 2.0859634) < 1e-6)
        #expect(abs(Sample.quantile(degrees: 21) - 2.0796138) < 1e-4)
        #expect(abs(Sample.quantile(degrees: 1_000_000) - 1.959964) < 1e-5)
    }
}
