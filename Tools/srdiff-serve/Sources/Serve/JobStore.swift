import Glibc
import SRDiff

/// Jobs in a database, their images as files. What `add` has returned survives a power failure.
///
///     STATE/jobs.sqlite           the jobs
///     STATE/incoming/             uploads that are not yet jobs; emptied at start
///     STATE/files/ID/input        a job's image
///     STATE/files/ID/0.png        its first result, and so on
///
/// A file is complete and synchronized with the disk before the row that names it is committed.
actor JobStore {
    /// A job that stops the program so often is not tried again.
    static let maximumAttempts = 8

    nonisolated let folder: String
    private let executor: ThreadExecutor
    private let database: Database
    private let lock: FolderLock
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    /// Opens the folder. Jobs that were running are queued again.
    init(folder: String) throws {
        self.folder = folder
        executor = ThreadExecutor()
        try Files.makeFolder(folder)
        lock = try FolderLock(folder)
        for name in Files.list("\(folder)/incoming") { unlink("\(folder)/incoming/\(name)") }
        try Files.makeFolder("\(folder)/incoming")
        try Files.makeFolder("\(folder)/files")
        let database = try Database(path: "\(folder)/jobs.sqlite", migrations: Migrations.all)
        try database.requeueRunningJobs(maximumAttempts: Self.maximumAttempts)
        let known = Set(try database.rows("SELECT id FROM jobs").compactMap { $0.text("id") })
        for name in Files.list("\(folder)/files") where !known.contains(name) {
            Files.removeFolder("\(folder)/files/\(name)")
        }
        self.database = database
    }

    // MARK: Files

    nonisolated var incomingFolder: String { "\(folder)/incoming" }
    nonisolated func inputPath(_ id: String) -> String { "\(folder)/files/\(id)/input" }
    nonisolated func resultPath(_ job: Job, _ sample: Int) -> String {
        "\(folder)/files/\(job.id)/\(sample).\(job.options.format.extensions[0])"
    }

    // MARK: Adding

    /// Adds jobs with their images, all or none.
    ///
    /// - Parameters:
    ///   - queueLength: the most unfinished jobs. If there would be more, returns false.
    ///   - unfinishedBytes: the most bytes of their images. If there would be more, returns false.
    func add(_ jobs: [(job: Job, path: String)], queueLength: Int, unfinishedBytes: Int = .max) throws -> Bool {
        let unfinished = try unfinished(), bytes = jobs.reduce(0) { $0 + $1.job.image.bytes }
        guard unfinished.count + jobs.count <= queueLength, unfinished.bytes + Double(bytes) <= Double(unfinishedBytes)
        else { return false }
        do {
            for (job, path) in jobs {
                let folder = "\(folder)/files/\(job.id)"
                try Files.makeFolder(folder)
                try Files.synchronize(path)
                try Files.move(path, to: inputPath(job.id))
                try Files.synchronize(folder)
            }
            try Files.synchronize("\(folder)/files")
            try database.transaction {
                for (job, _) in jobs { try database.insert(job) }
            }
        } catch {
            for (job, _) in jobs { Files.removeFolder("\(folder)/files/\(job.id)") }
            throw error
        }
        return true
    }

    /// Whether an unfinished job has this file of the watched folder.
    func hasUnfinished(folderPath: String) throws -> Bool {
        try !database.rows(
            "SELECT 1 AS one FROM jobs WHERE folder_path = ? AND state IN ('queued', 'running')", .text(folderPath)
        ).isEmpty
    }

    // MARK: Working

    /// Starts the next job and returns it; nil if none is queued.
    func startNext() throws -> Job? {
        guard
            let id = try database.rows("SELECT id FROM jobs WHERE state = 'queued' ORDER BY sequence LIMIT 1").first?
                .text("id")
        else {
            return nil
        }
        try database.run(
            "UPDATE jobs SET state = 'running', started = ?, attempts = attempts + 1 WHERE id = ?", .real(Clock.now),
            .text(id))
        return try job(id)
    }

    /// Adds a result whose file is there. Throws if the job has been deleted.
    func add(_ result: JobResult, to id: String) throws {
        try database.run(
            "INSERT OR REPLACE INTO results (job, sample, seed, bytes) VALUES (?, ?, ?, ?)", .text(id),
            .int(result.sample),
            .int(Int(bitPattern: UInt(result.seed))), .int(result.bytes))
    }

    /// Ends a job and returns it, or nil if it has been deleted.
    ///
    /// - Parameter error: why it failed, or nil.
    func finish(_ id: String, seconds: Double, error: String?) throws -> Job? {
        let changed = try database.run(
            "UPDATE jobs SET state = ?, finished = ?, seconds = ?, error = ? WHERE id = ?",
            .text(error == nil ? "done" : "failed"),
            .real(Clock.now), .real(seconds), DatabaseValue(error), .text(id))
        return changed > 0 ? try job(id) : nil
    }

    func setSpeed(_ secondsPerWork: Double, of model: String) throws {
        try database.run(
            "INSERT OR REPLACE INTO speeds (model, seconds_per_work) VALUES (?, ?)", .text(model), .real(secondsPerWork)
        )
    }

    func speeds() throws -> [String: Double] {
        var speeds: [String: Double] = [:]
        for row in try database.rows("SELECT model, seconds_per_work FROM speeds") {
            if let model = row.text("model") { speeds[model] = row.real("seconds_per_work") }
        }
        return speeds
    }

    // MARK: Reading

    func job(_ id: String) throws -> Job? {
        try database.rows("SELECT * FROM jobs WHERE id = ?", .text(id)).first.flatMap { try database.job($0) }
    }

    /// Returns jobs from the newest on.
    ///
    /// - Parameter before: only jobs that are older than this one.
    func jobs(limit: Int, before: String? = nil, state: Job.State? = nil) throws -> [Job] {
        let last = try before.flatMap {
            try database.rows("SELECT sequence FROM jobs WHERE id = ?", .text($0)).first?.int("sequence")
        }
        return try database.rows(
            """
            SELECT * FROM jobs WHERE origin <> 'request' AND (?1 IS NULL OR sequence < ?1) AND \
            (?2 IS NULL OR state = ?2) ORDER BY sequence DESC LIMIT ?3
            """, DatabaseValue(last), DatabaseValue(state?.rawValue), .int(limit)
        ).compactMap { try database.job($0) }
    }

    /// Returns the number of jobs before this one and itself, and their work by model.
    func place(of id: String) throws -> (position: Int, work: [String: Double]) {
        var position = 0, work: [String: Double] = [:]
        for row in try database.rows(
            """
            SELECT model, count(*) AS count, total(work) AS work FROM jobs WHERE state = 'queued' \
            AND sequence <= (SELECT sequence FROM jobs WHERE id = ?) GROUP BY model
            """, .text(id))
        {
            position += row.int("count") ?? 0
            if let model = row.text("model") { work[model] = row.real("work") }
        }
        return (position, work)
    }

    func counts() throws -> [Job.State: Int] {
        var counts: [Job.State: Int] = [:]
        for row in try database.rows("SELECT state, count(*) AS count FROM jobs GROUP BY state") {
            if let state = row.text("state").flatMap(Job.State.init) { counts[state] = row.int("count") }
        }
        return counts
    }

    /// Returns the number of unfinished jobs and the bytes of their images.
    func unfinished() throws -> (count: Int, bytes: Double) {
        let row = try database.rows(
            "SELECT count(*) AS count, total(bytes) AS bytes FROM jobs WHERE state IN ('queued', 'running')"
        ).first
        return (row?.int("count") ?? 0, row?.real("bytes") ?? 0)
    }

    // MARK: Removing

    /// Removes a job and its files. Returns whether there was one.
    func delete(_ id: String) throws -> Bool {
        let changed = try database.run("DELETE FROM jobs WHERE id = ?", .text(id))
        Files.removeFolder("\(folder)/files/\(id)")
        return changed > 0
    }

    /// Removes finished jobs that are older than this many seconds, then the oldest ones until all files take no more
    /// than this many bytes. Returns the removed jobs.
    func expire(olderThan seconds: Double, keepingBytes: Int) throws -> [String] {
        let size = "bytes + (SELECT total(results.bytes) FROM results WHERE job = jobs.id)"
        var total = Int(try database.rows("SELECT total(\(size)) AS size FROM jobs").first?.real("size") ?? 0)
        let limit = Clock.now - seconds
        var removed: [String] = []
        for row in try database.rows(
            """
            SELECT id, finished, \(size) AS size FROM jobs WHERE state IN ('done', 'failed') AND origin \
            <> 'request' ORDER BY finished
            """)
        {
            guard (row.real("finished") ?? 0) < limit || total > keepingBytes else { break }
            guard let id = row.text("id"), try delete(id) else { continue }
            total -= Int(row.real("size") ?? 0)
            removed.append(id)
        }
        return removed
    }

    /// Returns the bytes of all files.
    func storedBytes() throws -> Int {
        let inputs = try database.rows("SELECT total(bytes) AS sum FROM jobs").first?.real("sum") ?? 0
        return Int(inputs + (try database.rows("SELECT total(bytes) AS sum FROM results").first?.real("sum") ?? 0))
    }
}
