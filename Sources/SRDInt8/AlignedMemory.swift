extension UnsafeMutableBufferPointer {
    /// Room for so many elements that begins with a cache line: a vector load that straddles two takes twice as long.
    static func aligned(_ count: Int) -> Self {
        let bytes = UnsafeMutableRawPointer.allocate(byteCount: Swift.max(64, count * MemoryLayout<Element>.stride), alignment: 64)
        return Self(start: bytes.bindMemory(to: Element.self, capacity: count), count: count)
    }
}

extension UnsafeMutableBufferPointer {
    /// Memory of its own with the array's elements, for threads that read it at the same time: an array's reference count would go from
    /// one processor's cache to the other's for every row.
    static func copy(of elements: [Element]) -> Self {
        let buffer = allocate(capacity: elements.count)
        _ = buffer.initialize(from: elements)
        return buffer
    }
}
