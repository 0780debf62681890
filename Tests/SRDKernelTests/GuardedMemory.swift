import Foundation

/// Memory that ends, or begins, at an inaccessible page, so that an access beyond it always crashes.
final class GuardedMemory<Element> {
    enum Side { case below, above }

    let pointer: UnsafeMutablePointer<Element>
    private let base: UnsafeMutableRawPointer
    private let bytes: Int

    /// - Parameter side: the side of the inaccessible page.
    init(_ values: [Element], forbidden side: Side) {
        let page = Int(sysconf(Int32(_SC_PAGESIZE))), size = values.count * MemoryLayout<Element>.stride
        let pages = (size + page - 1) / page * page
        bytes = pages + page
        base = mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)!
        precondition(mprotect(side == .above ? base + pages : base, page, PROT_NONE) == 0)
        pointer = (side == .above ? base + (pages - size) : base + page).bindMemory(
            to: Element.self, capacity: values.count)
        for (i, value) in values.enumerated() { pointer[i] = value }
    }

    deinit { munmap(base, bytes) }
}
