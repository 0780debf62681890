import CSRDKernels

/// The instruction sets that kernels exist for. The raw value is the name that `SRDIFF_CPU` takes.
///
/// One set decides both the integer kernels and the float kernels, which use vectors of the same width. The scalar
/// kernels define the results: all others give the same bytes.
public enum InstructionSet: String, Hashable, Sendable, CaseIterable {
    case scalar
    case sse41, avx2, avxvnni, avx512vnni
    case neon
    case neonDotprod = "neon-dotprod"
    case neonI8mm = "neon-i8mm"

    /// The instruction sets of this machine, slowest first.
    public static let available: [InstructionSet] = Kernels.table.map { kernels in
        guard let set = InstructionSet(rawValue: String(cString: kernels.name)) else {
            preconditionFailure("no case for the kernels \(String(cString: kernels.name))")
        }
        return set
    }

    /// The fastest instruction set of this machine.
    public static var fastest: InstructionSet { available[available.count - 1] }
}

/// The integer and float kernels of one instruction set.
struct Kernels: Sendable {
    let int8: srd_kernels_s8
    let float: srd_kernels_f32

    /// The C table, slowest first.
    static var table: UnsafeBufferPointer<srd_kernels_s8> {
        var count: Int32 = 0
        let first = srd_kernels_s8_available(&count)
        return UnsafeBufferPointer(start: first, count: Int(count))
    }

    /// Traps if this machine does not have the instruction set: callers check against `InstructionSet.available`.
    init(_ instructionSet: InstructionSet) {
        guard let index = InstructionSet.available.firstIndex(of: instructionSet) else {
            preconditionFailure("this machine has no \(instructionSet.rawValue)")
        }
        int8 = Self.table[index]
        float = int8.float_kernels.pointee
    }
}
