import Glibc

/// Zeroed memory for an image's rows and maps, aligned to cache lines.
///
/// Large buffers are mapped from the system one by one, so releasing them returns their memory. The allocator would
/// take them from its pool, where images of different sizes leave gaps that later buffers do not fit in. Their pages
/// are huge where the system has such pages, because faults of small ones take up to a quarter of the time of a small
/// image.
final class LargeBuffer<Element: BitwiseCopyable>: @unchecked Sendable {  // its owner decides which thread writes what
    let elements: UnsafeMutableBufferPointer<Element>
    /// The pages, or nil for a small buffer of the allocator.
    private let mapping: UnsafeMutableRawBufferPointer?

    private static var leastMapped: Int { 1 << 20 }

    init(count: Int) {
        let bytes = count * MemoryLayout<Element>.stride
        mapping = bytes < Self.leastMapped ? nil : Self.mapped(bytes)
        if let mapping {
            elements = mapping.bindMemory(to: Element.self)
        } else {
            elements = .aligned(count)
            UnsafeMutableRawBufferPointer(elements).initializeMemory(as: UInt8.self, repeating: 0)
        }
    }

    deinit {
        if let mapping {
            munmap(mapping.baseAddress!, mapping.count)
        } else {
            elements.deallocate()
        }
    }

    /// Maps pages; nil if the system has none left.
    private static func mapped(_ bytes: Int) -> UnsafeMutableRawBufferPointer? {
        guard let start = mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
            start != MAP_FAILED
        else {
            return nil
        }
        madvise(start, bytes, MADV_HUGEPAGE)
        return UnsafeMutableRawBufferPointer(start: start, count: bytes)
    }
}
