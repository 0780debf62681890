extension UnsafeMutableBufferPointer {
    /// Room for so many elements that begins with a cache line: a vector load that straddles two takes twice as long.
    static func aligned(_ count: Int) -> Self {
        let bytes = UnsafeMutableRawPointer.allocate(byteCount: Swift.max(64, count * MemoryLayout<Element>.stride), alignment: 64)
        return Self(start: bytes.bindMemory(to: Element.self, capacity: count), count: count)
    }
}
