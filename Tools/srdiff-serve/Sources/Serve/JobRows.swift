import SRDiff

/// Jobs as rows of the database.
extension Database {
    /// Queues the jobs again that ran when the program stopped. Fails those that were started too often, and deletes
    /// those of requests, which are gone.
    func requeueRunningJobs(maximumAttempts: Int) throws {
        try transaction {
            try run("DELETE FROM jobs WHERE origin = 'request'")
            try run(
                """
                UPDATE jobs SET state = 'failed', finished = ?, \
                error = 'the program was stopped by this image several times' \
                WHERE state = 'running' AND attempts >= ?
                """, .real(Clock.now), .int(maximumAttempts))
            // A job that was running twice goes behind the others, so that it holds up none.
            try run(
                """
                UPDATE jobs SET sequence = (SELECT max(sequence) FROM jobs) + 1 \
                WHERE state = 'running' AND attempts >= 2
                """)
            try run("UPDATE jobs SET state = 'queued', started = NULL WHERE state = 'running'")
        }
    }

    func insert(_ job: Job) throws {
        var path: String?, stamp: String?
        if case .folder(let ofFile, let ofTime) = job.origin { (path, stamp) = (ofFile, ofTime) }
        let options = job.options, image = job.image
        try run(
            """
            INSERT INTO jobs (id, sequence, image_id, name, origin, folder_path, folder_stamp, state, model, steps, \
            fidelity, seed, samples, format, quality, image_format, width, height, channels, bytes, work, created) \
            VALUES (?, (SELECT ifnull(max(sequence), 0) + 1 FROM jobs), ?, ?, ?, ?, ?, 'queued', \
            ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            .text(job.id), .text(job.imageID), .text(job.name), .text(job.origin.name), DatabaseValue(path),
            DatabaseValue(stamp),
            .text(options.model), .int(options.steps), .real(Double(options.fidelity)),
            .int(Int(bitPattern: UInt(options.seed))),
            .int(options.samples), .text(options.format.name), .int(options.quality), .text(image.format.name),
            .int(image.width),
            .int(image.height), .int(image.channels), .int(image.bytes), .real(job.work), .real(job.created))
    }

    /// The job of a row with its results, or nil if a column is missing or unknown.
    func job(_ row: DatabaseRow) throws -> Job? {
        guard let id = row.text("id"), let name = row.text("name"),
            let state = row.text("state").flatMap(Job.State.init),
            let model = row.text("model"), let steps = row.int("steps"), let fidelity = row.real("fidelity"),
            let seed = row.int("seed"), let samples = row.int("samples"), let quality = row.int("quality"),
            let format = row.text("format").flatMap({ ImageFormat(named: $0) }),
            let imageFormat = row.text("image_format").flatMap({ ImageFormat(named: $0) }),
            let width = row.int("width"),
            let height = row.int("height"), let channels = row.int("channels"), let bytes = row.int("bytes")
        else { return nil }
        let origin: Job.Origin =
            switch row.text("origin") {
            case "folder": .folder(path: row.text("folder_path") ?? "", stamp: row.text("folder_stamp") ?? "")
            case "request": .waitingRequest
            default: .upload
            }
        var job = Job(
            id: id, imageID: row.text("image_id") ?? id, name: name, origin: origin,
            options: JobOptions(
                model: model, steps: steps, fidelity: Float(fidelity), seed: UInt64(UInt(bitPattern: seed)),
                samples: samples,
                format: format, quality: quality),
            image: JobImage(
                format: imageFormat, width: width, height: height, channels: channels, bytes: bytes,
                isLossy: imageFormat == .jpeg),
            created: row.real("created") ?? 0)
        job.state = state
        job.started = row.real("started")
        job.finished = row.real("finished")
        job.seconds = row.real("seconds")
        job.error = row.text("error")
        job.results = try rows("SELECT sample, seed, bytes FROM results WHERE job = ? ORDER BY sample", .text(id)).map {
            JobResult(
                sample: $0.int("sample") ?? 0, seed: UInt64(UInt(bitPattern: $0.int("seed") ?? 0)),
                bytes: $0.int("bytes") ?? 0)
        }
        return job
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
