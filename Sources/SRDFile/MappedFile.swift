import Synchronization

/// The bytes of a file, read-only.
///
/// A file of up to 64 MiB is copied into memory when it is opened, so nothing that happens to it later can change what
/// was read or stop the process (a mapped file that is truncated raises SIGBUS). A larger file is read on demand, slice
/// by slice, and every read checks that the file is still the one that was opened.
public final class MappedFile: @unchecked Sendable {  // its state is behind a mutex
    /// Size up to which a file is copied when it is opened.
    public static let longestCopy = 64 << 20

    public let path: String
    /// The size in bytes.
    public let count: Int
    /// nil for bytes that are not from a file.
    private let input: InputDescriptor?
    /// nil for a file that is read on demand.
    private let copy: AnonymousMemory?
    private let whole = Mutex<AnonymousMemory?>(nil)
    private let failure = Mutex<FileError?>(nil)

    /// Opens a regular, non-empty file, and reads it unless it is larger than `longestCopy`.
    public convenience init(path: String) throws(FileError) {
        try self.init(path: path, longestCopy: Self.longestCopy)
    }

    package init(path: String, longestCopy: Int) throws(FileError) {
        let input = try InputDescriptor(path: path)
        self.path = path
        self.input = input
        count = input.count
        copy = count <= longestCopy ? try Self.read(0..<input.count, of: input) : nil
    }

    /// Bytes that came another way (standard input, a test), presented as a file called `path`.
    ///
    /// They end where an unreadable page begins, so that an overrun faults at once.
    public init(copying contents: some Collection<UInt8>, path: String) throws(FileError) {
        guard let memory = AnonymousMemory(count: contents.count, atEnd: true) else {
            throw FileError(.read, path, .outOfMemory)
        }
        memory.bytes.copyBytes(from: contents)
        memory.seal()
        self.path = path
        input = nil
        count = contents.count
        copy = memory
    }

    /// Whether the bytes stay at one place in memory as long as this lives.
    var isInMemory: Bool { copy != nil }

    /// Calls `body` with all bytes. The pointer is valid inside `body` only.
    ///
    /// For a file that is read on demand, this copies it into memory. If that fails, the bytes are zero or missing and
    /// `checkUnchanged()` throws; `slice(_:)` reports the failure itself.
    public func withBytes<Result, Failure>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        guard let memory = copy ?? copyWhole() else { return try body(UnsafeRawBufferPointer(start: nil, count: 0)) }
        defer { withExtendedLifetime(memory) {} }
        return try body(UnsafeRawBufferPointer(memory.bytes))
    }

    /// The bytes of a range, read now if the file is read on demand.
    public func slice(_ range: Range<Int>) throws(FileError) -> FileSlice {
        precondition(range.lowerBound >= 0 && range.upperBound <= count, "bytes \(range) of a file of \(count)")
        if let copy { return FileSlice(copy, UnsafeRawBufferPointer(rebasing: copy.bytes[range])) }
        let memory = try Self.read(range, of: input!)
        return FileSlice(memory, UnsafeRawBufferPointer(memory.bytes))
    }

    /// Throws `.changed` if the file is no longer what was opened, for a file that is read on demand.
    public func checkUnchanged() throws(FileError) {
        if let failure = failure.withLock({ $0 }) { throw failure }
        if copy == nil { try input?.checkUnchanged() }
    }

    /// The SHA-256 of all bytes, in hexadecimal.
    public func sha256() throws(FileError) -> String {
        var sha = SHA256(), position = 0
        while position < count {
            let window = try slice(position..<min(count, position + 1 << 20))
            window.withBytes { sha.update($0) }
            position += window.count
        }
        return sha.hexDigest()
    }

    /// Hints that the bytes of a range will not be read again soon, so that their memory can be released.
    ///
    /// If they are read again they come from the file, so the range must not be read again after the file was
    /// truncated.
    public func evict(_ range: Range<Int>) {
        guard let copy, let input, input.isUnchanged else { return }
        copy.replace(range, byPagesOf: input.descriptor)
    }

    private static func read(_ range: Range<Int>, of input: InputDescriptor) throws(FileError) -> AnonymousMemory {
        guard let memory = AnonymousMemory(count: range.count) else { throw FileError(.read, input.path, .outOfMemory) }
        memory.populate()
        try input.read(into: memory.bytes, at: range.lowerBound)
        memory.seal()
        return memory
    }

    private func copyWhole() -> AnonymousMemory? {
        whole.withLock { whole in
            if let whole { return whole }
            do throws(FileError) {
                whole = try Self.read(0..<count, of: input!)
            } catch {
                failure.withLock { $0 = error }
                whole = AnonymousMemory(count: count)
            }
            return whole
        }
    }
}

/// A range of a file's bytes, kept in memory as long as this lives.
public struct FileSlice: @unchecked Sendable {  // the bytes are never written
    private let owner: AnyObject
    private let bytes: UnsafeRawBufferPointer

    init(_ owner: AnyObject, _ bytes: UnsafeRawBufferPointer) {
        self.owner = owner
        self.bytes = bytes
    }

    public var count: Int { bytes.count }

    /// Calls `body` with the bytes. The pointer is valid inside `body` only.
    public func withBytes<Result, Failure>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        defer { withExtendedLifetime(owner) {} }
        return try body(bytes)
    }
}
