import Glibc

/// Memory from the system, followed by a page that cannot be read: an overrun faults at once.
final class AnonymousMemory: @unchecked Sendable {  // written only before it is shared
    let bytes: UnsafeMutableRawBufferPointer
    private let mapping: UnsafeMutableRawPointer, mappedCount: Int

    static let page = sysconf(Int32(_SC_PAGESIZE))

    /// - Parameter atEnd: whether the bytes end exactly at the unreadable page; else they start at a page.
    /// - Returns: nil if there is not enough memory.
    init?(count: Int, atEnd: Bool = false) {
        let page = Self.page
        let (rounded, overflow) = count.addingReportingOverflow(2 * page - 1)
        guard !overflow else { return nil }
        let total = rounded / page * page, usable = total - page
        guard let start = mmap(nil, total, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
            start != MAP_FAILED
        else {
            return nil
        }
        mprotect(start + usable, page, PROT_NONE)
        mapping = start
        mappedCount = total
        bytes = UnsafeMutableRawBufferPointer(start: start + (atEnd ? usable - count : 0), count: count)
    }

    /// Allocates all pages at once, which is faster than one at a time when they are first written. Linux before 5.14
    /// ignores it.
    func populate() {
        let populateWrite: Int32 = 23  // MADV_POPULATE_WRITE, which older headers lack
        madvise(mapping, mappedCount - Self.page, populateWrite)
    }

    /// Makes the memory read-only.
    func seal() { mprotect(mapping, mappedCount - Self.page, PROT_READ) }

    /// Replaces whole pages of a range by the same pages of an open file, which the system may drop and read again.
    func replace(_ range: Range<Int>, byPagesOf descriptor: Int32) {
        let page = Self.page, first = (range.lowerBound + page - 1) / page * page, end = range.upperBound / page * page
        guard first < end else { return }
        _ = mmap(mapping + first, end - first, PROT_READ, MAP_PRIVATE | MAP_FIXED, descriptor, off_t(first))
    }

    deinit { munmap(mapping, mappedCount) }
}
