import CSRDKernels
import SRDTensor
import SRDiff
import ToolSupport

/// The peak rate of an instruction set on a number of threads: the best of the short runs so far.
struct Peak {
    private let kernels: srd_kernels_s8
    private let threads: Int
    private var rounds: Int64 = 1 << 12
    /// Multiply-accumulates per second.
    private(set) var rate = 0.0

    static func kernels(_ instructionSet: InstructionSet) -> srd_kernels_s8 {
        var count: Int32 = 0
        let table = UnsafeBufferPointer(start: srd_kernels_s8_available(&count), count: Int(count))
        return table[InstructionSet.available.firstIndex(of: instructionSet)!]
    }

    init(_ instructionSet: InstructionSet, threads: Int) {
        kernels = Self.kernels(instructionSet)
        self.threads = threads
    }

    /// About 30 ms.
    mutating func measure() {
        while run() < 0.01 { rounds *= 2 }
        _ = run()
    }

    private mutating func run() -> Double {
        let kernels = kernels, rounds = rounds, clock = ContinuousClock()
        let seconds = clock.measure {
            Parallel.ranges(threads, threads: threads) { range in
                for _ in range { _ = kernels.peak(rounds) }
            }
        }.seconds
        rate = max(rate, Double(kernels.peak(0)) + Double(rounds * kernels.peak(1)) * Double(threads) / seconds)
        return seconds
    }
}
