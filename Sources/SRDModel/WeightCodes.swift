/// A layer's weights as codes, in PyTorch's order: in memory, or where they lie in a mapped file. A model that was read
/// does not hold its weights a second time beside the kernels' packed ones.
public struct WeightCodes: RandomAccessCollection, Equatable, @unchecked Sendable {      // nobody writes them
    private let owner: AnyObject
    private let codes: UnsafeBufferPointer<Int8>
    private let evicted: (@Sendable () -> Void)?

    private final class Memory {
        let codes: UnsafeMutableBufferPointer<Int8>

        init(_ values: [Int8]) {
            codes = .allocate(capacity: values.count)
            _ = codes.initialize(from: values)
        }

        deinit { codes.deallocate() }
    }

    public init(_ values: [Int8]) {
        let memory = Memory(values)
        self.init(UnsafeBufferPointer(memory.codes), in: memory)
    }

    /// - Parameters:
    ///   - owner: keeps the codes where they are.
    ///   - evicted: lets their memory go until they are read again.
    public init(_ codes: UnsafeBufferPointer<Int8>, in owner: AnyObject, evicted: (@Sendable () -> Void)? = nil) {
        self.owner = owner
        self.codes = codes
        self.evicted = evicted
    }

    public var startIndex: Int { 0 }
    public var endIndex: Int { codes.count }
    public subscript(i: Int) -> Int8 { codes[i] }

    /// Called by who has read them and will not soon do so again.
    public func evict() { evicted?() }

    public static func == (a: Self, b: Self) -> Bool { a.elementsEqual(b) }
}
