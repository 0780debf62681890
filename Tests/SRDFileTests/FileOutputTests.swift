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

@Suite("Files appear whole or not at all", .serialized)     // one test takes all of PartialFiles' room
struct FileOutputTests {
    private func names(_ folder: String) -> [String] { (try? FileManager.default.contentsOfDirectory(atPath: folder).sorted()) ?? [] }

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
            // A process of our number was killed while it wrote.
            _ = FileManager.default.createFile(atPath: "\(path).\(getpid()).partial", contents: Data([9]))
            let partial = "\(path).\(getpid())-1.partial"
            var looks = 0
            try FileOutput.write(atomically: Chunks(rest: [[2], [3]]) {
                looks += 1
                #expect(FileManager.default.contents(atPath: path) == Data([1]))
                #expect(PartialFiles.paths.contains(partial) && FileManager.default.fileExists(atPath: partial))
            }, to: path)
            #expect(looks == 3)
            #expect(!PartialFiles.paths.contains(partial))
            #expect(names(folder) == ["out", "out.\(getpid()).partial"])
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
