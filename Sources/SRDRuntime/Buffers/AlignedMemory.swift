extension UnsafeMutableBufferPointer {
    /// Allocates `count` elements at the start of a cache line. A vector load that straddles two lines takes twice as
    /// long.
    static func aligned(_ count: Int) -> Self {
        let bytes = UnsafeMutableRawPointer.allocate(
            byteCount: Swift.max(64, count * MemoryLayout<Element>.stride), alignment: 64)
        return Self(start: bytes.bindMemory(to: Element.self, capacity: count), count: count)
    }

    /// Allocates memory with the elements of an array, for threads that read it concurrently. Reading the array itself
    /// would move its reference count from one core's cache to another's for every row.
    static func copy(of elements: [Element]) -> Self {
        let buffer = allocate(capacity: elements.count)
        _ = buffer.initialize(from: elements)
        return buffer
    }
}
