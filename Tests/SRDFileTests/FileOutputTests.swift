import Foundation
import SRDFile
import Testing
import TestSupport

/// Chunks that look around while they are written.
private struct Chunks: Sequence, IteratorProtocol {
    var rest: [[UInt8]]
    let whileWriting: () -> Void

    mutating func next() -> [UInt8]? {
        whileWriting()
        return rest.isEmpty ? nil : rest.removeFirst()
    }
}

private func failure(_ chunks: some Sequence<[UInt8]>, _ path: String) -> FileError? {
    do { try FileOutput.write(atomically: chunks, to: path) } catch { return error }
    return nil
}

@Suite("Files appear whole or not at all", .serialized)  // one test takes all of PartialFiles' room
struct FileOutputTests {
    private func names(_ folder: String) -> [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: folder).sorted()) ?? []
    }

    @Test("chunks in order, replacing what was there; nothing else remains")
    func writes() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/out"
            for chunks in [[[1, 2], [], [3]], [[4]], []] as [[[UInt8]]] {
                try FileOutput.write(atomically: chunks, to: path)
                #expect(try Array(Data(contentsOf: URL(fileURLWithPath: path))) == Array(chunks.joined()))
                #expect(names(folder) == ["out"])
            }
        }
    }

    @Test("until the end the old file is there, the new one stands aside and a signal handler knows it")
    func aside() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/out"
            try FileOutput.write(atomically: [[1]], to: path)
            var looks = 0, partial = ""
            try FileOutput.write(
                atomically: Chunks(rest: [[2], [3]]) {
                    looks += 1
                    #expect(FileManager.default.contents(atPath: path) == Data([1]))
                    partial = PartialFiles.paths.first { $0.hasPrefix(path) } ?? ""
                    #expect(
                        partial.hasSuffix(".\(getpid()).partial") && FileManager.default.fileExists(atPath: partial))
                }, to: path)
            #expect(looks == 3)
            #expect(!PartialFiles.paths.contains(partial))
            #expect(names(folder) == ["out"])
            // A process of our number was killed while it wrote.
            _ = FileManager.default.createFile(atPath: partial, contents: Data([9]))
            try FileOutput.write(atomically: [[4]], to: path)
            #expect(names(folder).count == 2 && FileManager.default.contents(atPath: path) == Data([4]))
        }
    }

    @Test("failures leave nothing behind")
    func failures() throws {
        try withTemporaryFolder { folder in
            #expect(failure([[1]], folder + "/none/out") == FileError(.write, folder + "/none/out", .missing))
            #expect(failure([[1]], folder) == FileError(.write, folder, .directory))
            #expect(failure([[1]], "/dev/null") == FileError(.write, "/dev/null", .notARegularFile))
            let long = folder + "/" + String(repeating: "x", count: 300)
            #expect(failure([[1]], long) == FileError(.write, long, .system(code: ENAMETOOLONG)))
            // A folder takes the name while the file is written.
            let path = folder + "/late"
            let error = failure(Chunks(rest: [[1]]) { mkdir(path, 0o700) }, path)
            #expect(error == FileError(.write, path, .directory))
            #expect(names(folder) == ["late"])
        }
    }

    @Test("names of up to 255 bytes are written; longer ones fail before the work")
    func longNames() throws {
        try withTemporaryFolder { folder in
            for name in [
                String(repeating: "x", count: 255), String(repeating: "ü", count: 127),
                String(repeating: "🙂", count: 63),
            ] {
                let path = "\(folder)/\(name)"
                try FileOutput.check(path)
                try FileOutput.write(
                    atomically: Chunks(rest: [[1]]) { #expect(PartialFiles.paths.contains { $0.hasPrefix(folder) }) },
                    to: path)
                #expect(FileManager.default.contents(atPath: path) == Data([1]))
            }
            #expect(names(folder).count == 3)
            let long = folder + "/" + String(repeating: "x", count: 256),
                expected = FileError(.write, long, .system(code: ENAMETOOLONG))
            #expect(throws: expected) { try FileOutput.check(long) }
        }
    }

    @Test("the check before the work finds what writing would, and leaves nothing")
    func checks() throws {
        try withTemporaryFolder { folder in
            try FileOutput.check(folder + "/new")
            #expect(names(folder) == [])
            #expect(throws: FileError(.write, folder + "/none/out", .missing)) {
                try FileOutput.check(folder + "/none/out")
            }
            #expect(throws: FileError(.write, folder, .directory)) { try FileOutput.check(folder) }
            #expect(throws: FileError(.write, "/dev/full", .notARegularFile)) { try FileOutput.check("/dev/full") }
            #expect(throws: FileError(.write, "/proc/x", .missing)) { try FileOutput.check("/proc/x") }
        }
    }

    @Test("a replaced file keeps its permissions")
    func permissions() throws {
        try withTemporaryFolder { folder in
            _ = FileManager.default.createFile(
                atPath: folder + "/out", contents: Data(), attributes: [.posixPermissions: 0o640])
            try FileOutput.write(atomically: [[1]], to: folder + "/out")
            let mode = try FileManager.default.attributesOfItem(atPath: folder + "/out")[.posixPermissions] as? Int
            #expect(mode == 0o640)
        }
    }

    @Test("temporary files of processes that have ended are removed, others are not")
    func stale() throws {
        try withTemporaryFolder { folder in
            var ours = ""
            try FileOutput.write(
                atomically: Chunks(rest: []) { ours = PartialFiles.paths.first { $0.hasPrefix(folder) } ?? "" },
                to: folder + "/a")
            let host = String(ours.dropLast(".\(getpid()).partial".count).split(separator: ".").last!)
            // No process has such a number: the largest is 2²².
            let dead = ["b.\(host).99999999.partial", "c.png.\(host).99999998-3.partial"]
            let kept = [
                "b.\(host).1.partial", "b.other-host.99999999.partial", "b.99999999.partial", "b.partial",
                "b.\(host).x.partial",
                "b.\(host).99999999.partial.png", "locked.\(host).99999999.partial",
            ]
            for name in dead + kept {
                _ = FileManager.default.createFile(atPath: "\(folder)/\(name)", contents: Data([1]))
            }
            mkdir("\(folder)/d.\(host).99999999.partial", 0o700)
            symlink("\(folder)/a", "\(folder)/e.\(host).99999999.partial")
            let descriptor = open("\(folder)/locked.\(host).99999999.partial", O_RDONLY)
            flock(descriptor, LOCK_EX)
            defer { close(descriptor) }
            #expect(FileOutput.removeStaleFiles(in: folder) == 2)
            #expect(
                Set(names(folder)) == Set(kept + ["a", "d.\(host).99999999.partial", "e.\(host).99999999.partial"]))
        }
    }

    @Test("an open descriptor: a full device and a closed pipe are named")
    func descriptors() throws {
        let full = open("/dev/full", O_WRONLY)
        defer { close(full) }
        #expect(throws: FileError(.write, "standard output", .full)) {
            try FileOutput.write([[1, 2, 3]], toDescriptor: full, path: "standard output")
        }
        signal(SIGPIPE, SIG_IGN)
        var ends: [Int32] = [0, 0]
        #expect(pipe(&ends) == 0)
        _ = fcntl(ends[1], F_SETFL, O_NONBLOCK)
        let (reading, writing) = (ends[0], ends[1]),
            reader = Thread {
                var buffer = [UInt8](repeating: 0, count: 1 << 16), count = 0
                while count < 1 << 20 { count += max(0, read(reading, &buffer, buffer.count)) }
                close(reading)
            }
        reader.start()
        try FileOutput.write([[UInt8](repeating: 1, count: 1 << 20)], toDescriptor: writing, path: "a pipe")
        while !reader.isFinished { usleep(1000) }
        #expect(throws: FileError(.write, "a pipe", .system(code: EPIPE))) {
            try FileOutput.write([[1]], toDescriptor: writing, path: "a pipe")
        }
        close(writing)
    }

    @Test("more files at once than a signal handler can know are written all the same")
    func many() throws {
        try withTemporaryFolder { folder in
            func nested(_ depth: Int) {
                let error = failure(Chunks(rest: []) { if depth < 40 { nested(depth + 1) } }, "\(folder)/\(depth)")
                #expect(error == nil)
            }
            nested(1)
            #expect(names(folder).count == 40)
        }
    }
}
