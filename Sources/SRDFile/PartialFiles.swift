import Glibc
import Synchronization

/// The temporary files being written, kept where a signal handler can reach them: C strings in fixed memory.
public enum PartialFiles {
    private static let slots = 32, capacity = 4096
    private static let names = CStrings(count: slots * capacity)
    private static let used = Atomic<UInt32>(0)  // bit per slot; set only once the slot's name is complete
    private static let inserting = Mutex(())

    /// Deletes them. Safe in a signal handler that ends the process: it allocates nothing and takes no lock.
    public static func unlinkAll() {
        forEach { unlink($0) }
    }

    package static var paths: [String] {
        var paths: [String] = []
        forEach { paths.append(String(path: $0)) }
        return paths
    }

    private static func forEach(_ body: (UnsafePointer<CChar>) -> Void) {
        let used = used.load(ordering: .acquiring)
        for slot in 0..<slots where used & (1 << UInt32(slot)) != 0 { body(names.start + slot * capacity) }
    }

    /// Returns nil if all slots are used or the path is too long; then only an interrupt could leave the file behind.
    static func insert(_ path: String) -> Int? {
        inserting.withLock { _ in
            let used = used.load(ordering: .relaxed)
            guard let slot = (0..<slots).first(where: { used & (1 << UInt32($0)) == 0 }) else { return nil }
            let fits = path.withPath { name in
                guard strlen(name) < capacity else { return false }
                strcpy(names.start + slot * capacity, name)
                return true
            }
            guard fits else { return nil }
            Self.used.bitwiseOr(1 << UInt32(slot), ordering: .releasing)
            return slot
        }
    }

    static func remove(_ slot: Int?) {
        guard let slot else { return }
        used.bitwiseAnd(~(1 << UInt32(slot)), ordering: .releasing)
    }

    private struct CStrings: @unchecked Sendable {  // a slot is written by the one thread that claims it
        let start: UnsafeMutablePointer<CChar>
        init(count: Int) { start = .allocate(capacity: count) }
    }
}
