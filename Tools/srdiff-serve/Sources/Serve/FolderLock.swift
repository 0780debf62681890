import Glibc

/// A lock on a folder, held until it is released. A second program cannot take it.
struct FolderLock: ~Copyable {
    private let descriptor: Int32

    init(_ folder: String) throws {
        descriptor = open("\(folder)/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw FileFailure("\(folder)/lock") }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            throw ServeError("\(folder): another srdiff-serve uses this folder")
        }
    }

    deinit { close(descriptor) }
}
