import Foundation
import SRDFile
import Testing
import TestSupport

private func failure(_ path: String) -> FileError? {
    do { _ = try MappedFile(path: path) } catch { return error }
    return nil
}

private final class Stop: @unchecked Sendable {
    private let lock = NSLock()
    private var value = false
    var isSet: Bool { lock.withLock { value } }
    func set() { lock.withLock { value = true } }
}

@Suite("A file is read, or the error says which and why")
struct MappedFileTests {
    @Test("bytes are the file's")
    func contents() throws {
        try withTemporaryFolder { folder in
            let bytes = (0..<10_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            try Data(bytes).write(to: URL(fileURLWithPath: folder + "/f"))
            let file = try MappedFile(path: folder + "/f")
            #expect(file.count == bytes.count && file.path == folder + "/f")
            #expect(file.withBytes { Array($0) } == bytes)
            // Though nothing else holds the file.
            #expect(try MappedFile(path: folder + "/f").withBytes { Array($0) } == bytes)
            file.evict(0..<file.count)
            #expect(file.withBytes { Array($0) } == bytes)
            let copy = try MappedFile(copying: bytes, path: "copy")
            copy.evict(0..<copy.count)
            #expect(copy.withBytes { Array($0) } == bytes)
            #expect(try MappedFile(copying: bytes, path: "-").withBytes { Array($0) } == bytes)
            #expect(try MappedFile(copying: [], path: "-").count == 0)
        }
    }

    @Test("a file that is read on demand gives the same bytes")
    func onDemand() throws {
        try withTemporaryFolder { folder in
            let bytes = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }, path = folder + "/f"
            try Data(bytes).write(to: URL(fileURLWithPath: path))
            let copied = try MappedFile(path: path), file = try MappedFile(path: path, longestCopy: 0)
            for range in [0..<8, 4095..<4097, 2_999_990..<3_000_000, 7..<7] {
                #expect(try file.slice(range).withBytes { Array($0) } == Array(bytes[range]))
                #expect(try copied.slice(range).withBytes { Array($0) } == Array(bytes[range]))
            }
            #expect(try file.sha256() == SHA256.hex(bytes) && copied.sha256() == SHA256.hex(bytes))
            #expect(file.withBytes { Array($0) } == bytes)
            file.evict(0..<file.count)
            #expect(try file.slice(0..<file.count).withBytes { Array($0) } == bytes)
        }
    }

    @Test("truncating or rewriting a file after it was opened neither stops the process nor goes unnoticed")
    func changed() throws {
        try withTemporaryFolder { folder in
            let bytes = [UInt8](repeating: 7, count: 1_000_000), path = folder + "/f"
            func open(longestCopy: Int) throws -> MappedFile {
                try Data(bytes).write(to: URL(fileURLWithPath: path))
                return try MappedFile(path: path, longestCopy: longestCopy)
            }
            // A copy is not affected.
            var file = try open(longestCopy: .max)
            truncate(path, 0)
            #expect(file.withBytes { Array($0) } == bytes)
            try file.checkUnchanged()
            file.evict(0..<file.count)  // the file is not what it was: nothing is released
            #expect(file.withBytes { Array($0) } == bytes)

            for change in [
                { truncate(path, 10) }, { truncate(path, 0) },
                {
                    let handle = FileHandle(forUpdatingAtPath: path)!
                    handle.write(Data([1]))
                    handle.closeFile()
                    return 0
                },
            ] as [() -> Int32] {
                file = try open(longestCopy: 0)
                usleep(20_000)  // beyond the clock of file times
                _ = change()
                let changed = FileError(.read, path, .changed)
                #expect(throws: changed) { try file.slice(0..<100) }
                #expect(throws: changed) { try file.sha256() }
                #expect(throws: changed) { try file.checkUnchanged() }
                #expect(file.withBytes { $0.count } == bytes.count)
                #expect(throws: SafetensorsError.file(changed)) { try Safetensors(file) }
            }
            #expect(
                FileError(.read, "a", .changed).description == "cannot read a: the file was changed while being read")
        }
    }

    @Test("a file that is being written all the time gives its bytes or an error")
    func race() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/f", stop = Stop()
            try Data(count: 200_000).write(to: URL(fileURLWithPath: path))
            let thread = Thread {
                while !stop.isSet {
                    truncate(path, 0)
                    truncate(path, 200_000)
                }
            }
            thread.start()
            defer { stop.set() }
            for i in 0..<300 {
                do throws(FileError) {
                    let file = try MappedFile(path: path, longestCopy: i % 2 == 0 ? 0 : .max)
                    _ = try file.sha256()
                } catch {
                    #expect(error.reason == .changed || error.reason == .empty)
                }
            }
        }
    }

    @Test("a missing file, a folder, an empty file, a device, a pipe, a file in a file")
    func failures() throws {
        try withTemporaryFolder { folder in
            _ = FileManager.default.createFile(atPath: folder + "/empty", contents: nil)
            mkfifo(folder + "/pipe", 0o600)
            #expect(failure(folder + "/none") == FileError(.read, folder + "/none", .missing))
            #expect(failure(folder) == FileError(.read, folder, .directory))
            #expect(failure(folder + "/empty") == FileError(.read, folder + "/empty", .empty))
            #expect(failure("/dev/zero") == FileError(.read, "/dev/zero", .notARegularFile))
            #expect(failure(folder + "/pipe") == FileError(.read, folder + "/pipe", .notARegularFile))
            #expect(failure(folder + "/empty/x") == FileError(.read, folder + "/empty/x", .missing))
            #expect(failure("")?.reason == .missing)
        }
    }

    @Test("a file we may not read", .enabled(if: geteuid() != 0, "root may read everything"))
    func denied() throws {
        try withTemporaryFolder { folder in
            _ = FileManager.default.createFile(
                atPath: folder + "/secret", contents: Data([1]), attributes: [.posixPermissions: 0])
            #expect(failure(folder + "/secret")?.reason == .denied)
        }
    }

    @Test("messages are for people")
    func messages() {
        #expect(FileError(.read, "a.ckpt", .missing).description == "cannot read a.ckpt: no such file")
        #expect(FileError(.write, "b/c.png", .missing).description == "cannot write b/c.png: no such folder")
        #expect(FileError(.write, "b.png", .full).description == "cannot write b.png: no space left on the device")
        for (code, reason) in [
            (ENOSPC, .full), (EDQUOT, .full), (EFBIG, .tooLarge), (EROFS, .readOnly), (EISDIR, .directory),
        ] as [(Int32, FileError.Reason)] {
            #expect(FileError(.write, "b", errno: code).reason == reason)
        }
    }
}
