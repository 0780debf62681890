import Dispatch
import SRDTensor
import Testing

@Suite("Loops over threads")
struct ParallelTests {
    /// Counts how often each index of a loop is visited. An index that two threads visit at once may be counted once,
    /// but not zero times.
    private final class Visits: @unchecked Sendable {  // an index belongs to one thread, or the test fails
        let counts: UnsafeMutableBufferPointer<Int>

        init(_ count: Int) {
            counts = .allocate(capacity: count)
            counts.initialize(repeating: 0)
        }

        deinit { counts.deallocate() }

        func loop(threads: Int, _ inner: @escaping @Sendable () -> Void = {}) {
            Parallel.ranges(counts.count, threads: threads) { range in
                for i in range { self.counts[i] += 1 }
                inner()
            }
        }
    }

    @Test("every loop visits every index once", arguments: [1, 2, 3, 8])
    func once(threads: Int) {
        for count in [0, 1, 2, 3, 7, 33, 1000] {
            let visits = Visits(count)
            for _ in 0..<100 { visits.loop(threads: threads) }
            #expect(visits.counts.allSatisfy { $0 == 100 }, "\(count) on \(threads) threads")
        }
    }

    @Test("nested and concurrent loops visit every index once")
    func together() {
        let outer = (0..<6).map { _ in Visits(50) }
        DispatchQueue.concurrentPerform(iterations: outer.count) { k in
            for _ in 0..<100 {
                outer[k].loop(threads: 3) {
                    let inner = Visits(9)
                    inner.loop(threads: 2)
                    if !inner.counts.allSatisfy({ $0 == 1 }) { outer[k].counts[0] = -1 << 40 }
                }
            }
        }
        for visits in outer { #expect(visits.counts.allSatisfy { $0 == 100 }) }
    }

    @Test(arguments: [1, 2])
    func returnsBothResults(threads: Int) {
        for i in 0..<100 { #expect(Parallel.both(threads: threads, { i }, { "\(i)" }) == (i, "\(i)")) }
    }
}
