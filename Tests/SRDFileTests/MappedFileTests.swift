import Foundation
import SRDFile
import Testing
import TestSupport

private func failure(_ path: String) -> FileError? {
    do { _ = try MappedFile(path: path) } catch { return error }
    return nil
}

@Suite("A file is mapped, or the error says which and why")
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
            _ = FileManager.default.createFile(atPath: folder + "/secret", contents: Data([1]), attributes: [.posixPermissions: 0])
            #expect(failure(folder + "/secret")?.reason == .denied)
        }
    }

    @Test("messages are for people")
    func messages() {
        #expect(FileError(.read, "a.ckpt", .missing).description == "cannot read a.ckpt: no such file")
        #expect(FileError(.write, "b/c.png", .missing).description == "cannot write b/c.png: no such folder")
        #expect(FileError(.write, "b.png", .system(code: ENOSPC)).description == "cannot write b.png: No space left on device")
    }
}
