/// A layer's quantized weights in PyTorch's order, in memory of their own or in place in a mapped file.
///
/// A model that was read from a file does not hold its weights twice: the executor packs them once and then releases
/// their pages.
public struct QuantizedWeights: RandomAccessCollection, Equatable, @unchecked Sendable {  // read only
    private let owner: AnyObject
    private let values: UnsafeBufferPointer<Int8>
    private let evicted: (@Sendable () -> Void)?

    private final class Memory {
        let values: UnsafeMutableBufferPointer<Int8>

        init(_ values: [Int8]) {
            self.values = .allocate(capacity: values.count)
            _ = self.values.initialize(from: values)
        }

        deinit { values.deallocate() }
    }

    public init(_ values: [Int8]) {
        let memory = Memory(values)
        self.init(UnsafeBufferPointer(memory.values), in: memory)
    }

    /// - Parameters:
    ///   - owner: the object that keeps the memory valid.
    ///   - evicted: releases the pages until they are read again.
    public init(_ values: UnsafeBufferPointer<Int8>, in owner: AnyObject, evicted: (@Sendable () -> Void)? = nil) {
        self.owner = owner
        self.values = values
        self.evicted = evicted
    }

    public var startIndex: Int { 0 }
    public var endIndex: Int { values.count }
    public subscript(i: Int) -> Int8 { values[i] }

    public func withUnsafeBufferPointer<Result>(_ body: (UnsafeBufferPointer<Int8>) -> Result) -> Result {
        defer { withExtendedLifetime(owner) {} }
        return body(values)
    }

    /// The smallest weight, or 0 if all are positive.
    public var least: Int8 {
        var least: Int8 = 0
        for value in values { least = Swift.min(least, value) }
        return least
    }

    /// Hints that the pages may be released.
    public func evict() { evicted?() }

    public static func == (a: Self, b: Self) -> Bool { a.elementsEqual(b) }
}
