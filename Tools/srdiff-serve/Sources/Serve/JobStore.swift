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
        database = try Database(path: "\(folder)/jobs.sqlite", migrations: Migrations.all)
        try Self.recover(database, folder)
    }

    private static func recover(_ database: Database, _ folder: String) throws {
        try database.transaction {
            try database.run("DELETE FROM jobs WHERE origin = 'request'")
            try database.run("""
                UPDATE jobs SET state = 'failed', finished = ?, error = 'the program was stopped by this image several times' \
                WHERE state = 'running' AND attempts >= ?
                """, .real(Clock.now), .int(maximumAttempts))
            // A job that was running twice goes behind the others, so that it holds up none.
            try database.run("""
                UPDATE jobs SET sequence = (SELECT max(sequence) FROM jobs) + 1 WHERE state = 'running' AND attempts >= 2
                """)
            try database.run("UPDATE jobs SET state = 'queued', started = NULL WHERE state = 'running'")
        }
        let known = Set(try database.rows("SELECT id FROM jobs").compactMap { $0.text("id") })
        for name in Files.list("\(folder)/files") where !known.contains(name) { Files.removeFolder("\(folder)/files/\(name)") }
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
    /// - Parameter queueLength: more unfinished jobs are refused, by returning false.
    func add(_ jobs: [(job: Job, path: String)], queueLength: Int, unfinishedBytes: Int = .max) throws -> Bool {
        let unfinished = try counts()
        guard unfinished.queued + unfinished.running + jobs.count <= queueLength else { return false }
        let bytes = try database.rows("SELECT total(bytes) AS sum FROM jobs WHERE state IN ('queued', 'running')").first?.real("sum") ?? 0
        guard bytes + Double(jobs.reduce(0) { $0 + $1.job.image.bytes }) <= Double(unfinishedBytes) else { return false }
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
                for (job, _) in jobs { try insert(job) }
            }
        } catch {
            for (job, _) in jobs { Files.removeFolder("\(folder)/files/\(job.id)") }
            throw error
        }
        return true
    }

    private func insert(_ job: Job) throws {
        var path: String?, stamp: String?
        if case .folder(let ofFile, let ofTime) = job.origin { (path, stamp) = (ofFile, ofTime) }
        let options = job.options, image = job.image
        try database.run("""
            INSERT INTO jobs (id, sequence, image_id, name, origin, folder_path, folder_stamp, state, model, steps, fidelity, seed, \
            samples, format, quality, image_format, width, height, channels, bytes, work, created) \
            VALUES (?, (SELECT ifnull(max(sequence), 0) + 1 FROM jobs), ?, ?, ?, ?, ?, 'queued', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            .text(job.id), .text(job.imageID), .text(job.name), .text(job.origin.name), DatabaseValue(path), DatabaseValue(stamp),
            .text(options.model), .int(options.steps), .real(Double(options.fidelity)), .int(Int(bitPattern: UInt(options.seed))),
            .int(options.samples), .text(options.format.name), .int(options.quality), .text(image.format.name), .int(image.width),
            .int(image.height), .int(image.channels), .int(image.bytes), .real(job.work), .real(job.created))
    }

    /// Whether an unfinished job has this file of the watched folder.
    func hasUnfinished(folderPath: String) throws -> Bool {
        try !database.rows(
            "SELECT 1 AS one FROM jobs WHERE folder_path = ? AND state IN ('queued', 'running')", .text(folderPath)).isEmpty
    }

    // MARK: Working

    /// Starts the next job and returns it; nil if none is queued.
    func startNext() throws -> Job? {
        guard let id = try database.rows("SELECT id FROM jobs WHERE state = 'queued' ORDER BY sequence LIMIT 1").first?.text("id") else {
            return nil
        }
        try database.run(
            "UPDATE jobs SET state = 'running', started = ?, attempts = attempts + 1 WHERE id = ?", .real(Clock.now), .text(id))
        return try job(id)
    }

    /// Adds a result whose file is there. Throws if the job has been deleted.
    func add(_ result: JobResult, to id: String) throws {
        try database.run(
            "INSERT OR REPLACE INTO results (job, sample, seed, bytes) VALUES (?, ?, ?, ?)", .text(id), .int(result.sample),
            .int(Int(bitPattern: UInt(result.seed))), .int(result.bytes))
    }

    /// Ends a job and returns it, or nil if it has been deleted.
    ///
    /// - Parameter error: why it failed, or nil.
    func finish(_ id: String, seconds: Double, error: String?) throws -> Job? {
        let changed = try database.run(
            "UPDATE jobs SET state = ?, finished = ?, seconds = ?, error = ? WHERE id = ?", .text(error == nil ? "done" : "failed"),
            .real(Clock.now), .real(seconds), DatabaseValue(error), .text(id))
        return changed > 0 ? try job(id) : nil
    }

    func setSpeed(_ secondsPerWork: Double, of model: String) throws {
        try database.run("INSERT OR REPLACE INTO speeds (model, seconds_per_work) VALUES (?, ?)", .text(model), .real(secondsPerWork))
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
        guard let row = try database.rows("SELECT * FROM jobs WHERE id = ?", .text(id)).first else { return nil }
        return try job(row)
    }

    /// Returns jobs from the newest on.
    ///
    /// - Parameter before: only jobs that are older than this one.
    func jobs(limit: Int, before: String? = nil, state: Job.State? = nil) throws -> [Job] {
        let last = try before.flatMap { try database.rows("SELECT sequence FROM jobs WHERE id = ?", .text($0)).first?.int("sequence") }
        return try database.rows("""
            SELECT * FROM jobs WHERE origin <> 'request' AND (?1 IS NULL OR sequence < ?1) AND (?2 IS NULL OR state = ?2) \
            ORDER BY sequence DESC LIMIT ?3
            """, DatabaseValue(last), DatabaseValue(state?.rawValue), .int(limit)).compactMap { try job($0) }
    }

    /// Returns the number of jobs before this one and itself, and their work by model.
    func place(of id: String) throws -> (position: Int, work: [String: Double]) {
        var position = 0, work: [String: Double] = [:]
        for row in try database.rows("""
            SELECT model, count(*) AS count, total(work) AS work FROM jobs WHERE state = 'queued' \
            AND sequence <= (SELECT sequence FROM jobs WHERE id = ?) GROUP BY model
            """, .text(id)) {
            position += row.int("count") ?? 0
            if let model = row.text("model") { work[model] = row.real("work") }
        }
        return (position, work)
    }

    struct Counts {
        var queued = 0, running = 0, done = 0, failed = 0
    }

    func counts() throws -> Counts {
        var counts = Counts()
        for row in try database.rows("SELECT state, count(*) AS count FROM jobs GROUP BY state") {
            let count = row.int("count") ?? 0
            switch row.text("state").flatMap(Job.State.init) {
            case .queued: counts.queued = count
            case .running: counts.running = count
            case .done: counts.done = count
            case .failed: counts.failed = count
            case nil: break
            }
        }
        return counts
    }

    private func job(_ row: DatabaseRow) throws -> Job? {
        guard let id = row.text("id"), let name = row.text("name"), let state = row.text("state").flatMap(Job.State.init),
            let model = row.text("model"), let steps = row.int("steps"), let fidelity = row.real("fidelity"),
            let seed = row.int("seed"), let samples = row.int("samples"), let quality = row.int("quality"),
            let format = row.text("format").flatMap({ ImageFormat(named: $0) }),
            let imageFormat = row.text("image_format").flatMap({ ImageFormat(named: $0) }), let width = row.int("width"),
            let height = row.int("height"), let channels = row.int("channels"), let bytes = row.int("bytes")
        else { return nil }
        let origin: Job.Origin = switch row.text("origin") {
        case "folder": .folder(path: row.text("folder_path") ?? "", stamp: row.text("folder_stamp") ?? "")
        case "request": .waitingRequest
        default: .upload
        }
        var job = Job(
            id: id, imageID: row.text("image_id") ?? id, name: name, origin: origin,
            options: JobOptions(
                model: model, steps: steps, fidelity: Float(fidelity), seed: UInt64(UInt(bitPattern: seed)), samples: samples,
                format: format, quality: quality),
            image: JobImage(format: imageFormat, width: width, height: height, channels: channels, bytes: bytes,
                isLossy: imageFormat == .jpeg),
            created: row.real("created") ?? 0)
        job.state = state
        job.started = row.real("started")
        job.finished = row.real("finished")
        job.seconds = row.real("seconds")
        job.error = row.text("error")
        job.results = try database.rows("SELECT sample, seed, bytes FROM results WHERE job = ? ORDER BY sample", .text(id)).map {
            JobResult(sample: $0.int("sample") ?? 0, seed: UInt64(UInt(bitPattern: $0.int("seed") ?? 0)), bytes: $0.int("bytes") ?? 0)
        }
        return job
    }

    // MARK: Removing

    /// Removes a job and its files. Returns whether there was one.
    func delete(_ id: String) throws -> Bool {
        let changed = try database.run("DELETE FROM jobs WHERE id = ?", .text(id))
        Files.removeFolder("\(folder)/files/\(id)")
        return changed > 0
    }

    /// Removes finished jobs that are older than this many seconds, then the oldest ones until all files take no more than this many
    /// bytes. Returns the removed jobs.
    func expire(olderThan seconds: Double, keepingBytes: Int) throws -> [String] {
        let size = "bytes + (SELECT total(results.bytes) FROM results WHERE job = jobs.id)"
        var total = Int(try database.rows("SELECT total(\(size)) AS size FROM jobs").first?.real("size") ?? 0)
        let limit = Clock.now - seconds
        var removed: [String] = []
        for row in try database.rows("""
            SELECT id, finished, \(size) AS size FROM jobs WHERE state IN ('done', 'failed') AND origin <> 'request' ORDER BY finished
            """) {
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

extension Job.Origin {
    var name: String {
        switch self {
        case .upload: "upload"
        case .waitingRequest: "request"
        case .folder: "folder"
        }
    }
}

/// Keeps a second program out of the folder.
private struct FolderLock: ~Copyable {
    private let descriptor: Int32

    init(_ folder: String) throws {
        descriptor = open("\(folder)/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw FileFailure("\(folder)/lock") }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else { throw ServeError("\(folder): another srdiff-serve uses this folder") }
    }

    deinit { close(descriptor) }
}
