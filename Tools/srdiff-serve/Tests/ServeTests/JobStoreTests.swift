import Glibc
@testable import Serve
import Testing

@Suite("The job store")
struct JobStoreTests {
    private func add(_ job: Job, to store: JobStore, _ folder: TestFolder, queueLength: Int = 100) async throws -> Bool
    {
        try await store.add([(job, try folder.write("upload-\(job.id)", "abc"))], queueLength: queueLength)
    }

    @Test("a job comes back as it was, after another start too")
    func survives() async throws {
        let folder = try TestFolder(), job = Job.test(samples: 2)
        do {
            let store = try JobStore(folder: "\(folder.path)/state")
            #expect(try await add(job, to: store, folder))
            #expect(try await store.job(job.id) == job)
            #expect(try Files.text(store.inputPath(job.id)) == "abc")
            #expect(throws: ServeError.self) { try JobStore(folder: "\(folder.path)/state") }  // locked
            let started = try #require(try await store.startNext())
            #expect(started.state == .running)
            try await store.add(JobResult(sample: 0, seed: 7, bytes: 10), to: job.id)
        }
        let store = try JobStore(folder: "\(folder.path)/state")  // as after kill -9
        let again = try #require(try await store.startNext())
        #expect(again.id == job.id && again.results == [JobResult(sample: 0, seed: 7, bytes: 10)])
        let finished = try #require(try await store.finish(job.id, seconds: 2, error: nil))
        #expect(finished.state == .done && finished.seconds == 2)
        #expect(try await store.startNext() == nil)
    }

    @Test("jobs run in their order; one that stopped the program twice goes behind, and ends after eight times")
    func order() async throws {
        let folder = try TestFolder(), first = Job.test(), second = Job.test()
        var starts: [String] = []
        for i in 0..<12 {
            let store = try JobStore(folder: "\(folder.path)/state")
            if i == 0 {
                #expect(try await add(first, to: store, folder))
                #expect(try await add(second, to: store, folder))
                #expect(try await store.place(of: second.id).position == 2)
            }
            if let job = try await store.startNext() { starts.append(job.id == first.id ? "1" : "2") }
        }
        #expect(starts.joined() == "112212121212")
        for i in 0..<6 {
            let store = try JobStore(folder: "\(folder.path)/state")
            if try await store.startNext() == nil {
                let job = try #require(try await store.job(first.id))
                #expect(job.state == .failed && job.error?.contains("several times") == true && i > 2)
                return
            }
        }
        Issue.record("jobs that stop the program are tried for ever")
    }

    @Test("a full queue takes nothing; a request takes all of its images or none")
    func full() async throws {
        let folder = try TestFolder(), store = try JobStore(folder: "\(folder.path)/state")
        #expect(try await add(.test(), to: store, folder, queueLength: 2))
        let two = try [Job.test(), .test()].map { ($0, try folder.write("upload-\($0.id)", "abc")) }
        #expect(try await !store.add(two, queueLength: 2))
        #expect(try await !store.add([two[0]], queueLength: 9, unfinishedBytes: 5))
        #expect(try await store.jobs(limit: 9).count == 1)
        await #expect(throws: FileFailure.self) {
            try await store.add([two[0], (two[1].0, "/missing")], queueLength: 9)
        }
        #expect(try await store.jobs(limit: 9).count == 1 && Files.list("\(store.folder)/files").count == 1)
    }

    @Test("old results go, and the oldest ones until the rest fits; unfinished jobs stay")
    func expiry() async throws {
        let folder = try TestFolder(), store = try JobStore(folder: "\(folder.path)/state")
        var ids: [String] = []
        for i in 0..<4 {
            let job = Job.test()
            ids.append(job.id)
            #expect(try await add(job, to: store, folder))
            guard i < 3 else { continue }
            _ = try await store.startNext()
            try await store.add(JobResult(sample: 0, seed: 7, bytes: 100), to: job.id)
            _ = try await store.finish(job.id, seconds: 1, error: nil)
        }
        #expect(try await store.storedBytes() == 312)
        #expect(try await store.expire(olderThan: 1000, keepingBytes: 1000) == [])
        #expect(try await store.expire(olderThan: 1000, keepingBytes: 220) == [ids[0]])
        #expect(Files.size(store.inputPath(ids[0])) == nil && Files.size(store.inputPath(ids[1])) == 3)
        #expect(Set(try await store.expire(olderThan: -1, keepingBytes: 1000)) == [ids[1], ids[2]])
        #expect(try await store.jobs(limit: 9).map(\.id) == [ids[3]])
    }

    @Test("files without a job and uploads of the last run are removed at start")
    func strays() async throws {
        let folder = try TestFolder()
        do { _ = try JobStore(folder: "\(folder.path)/state") }
        try Files.makeFolder("\(folder.path)/state/files/0123")
        for name in ["incoming/x", "files/0123/input"] { _ = try folder.write("state/\(name)", "x") }
        let store = try JobStore(folder: "\(folder.path)/state")
        #expect(Files.list("\(store.folder)/files").isEmpty && Files.list(store.incomingFolder).isEmpty)
    }

    @Test("a database of a newer version is left alone")
    func newer() throws {
        let folder = try TestFolder(), path = "\(folder.path)/x.sqlite"
        do { _ = try Database(path: path, migrations: ["CREATE TABLE a (b TEXT)", "CREATE TABLE c (d TEXT)"]) }
        #expect(throws: DatabaseError.self) { try Database(path: path, migrations: ["CREATE TABLE a (b TEXT)"]) }
    }
}
