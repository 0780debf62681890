import Glibc
import ServeHTTP

/// What can be done with jobs.
struct JobRoutes {
    let service: Service

    /// `POST /api/v1/jobs`: images into the queue; `?from=ID` uses a job's image again.
    func create(_ request: HTTPRequest) async throws -> HTTPResponse {
        let query = try Parameters(request.head.query, allowed: Parameters.job.union(["from"]))
        guard try await service.store.unfinished().count < service.settings.queueLength else {
            throw await service.queueIsFull()
        }
        let jobs: [Job]
        if let id = query["from"] {
            jobs = [try await again(id, query)]
        } else {
            let read = try await UploadReader(service: service).read(
                request, parameters: query, files: Settings.filesPerRequest)
            jobs = try JobMaker(service: service).jobs(read, origin: .upload)
            try await service.add(zip(jobs, read.uploads).map { ($0, $1.path) })
            for upload in read.uploads { upload.take() }
        }
        var json: [JSON] = []
        for job in jobs { json.append(try await service.json(try await service.store.job(job.id) ?? job)) }
        var response = HTTPResponse(.created, json: .object([("jobs", .array(json))]))
        if jobs.count == 1 { response.set("Location", "/api/v1/jobs/\(jobs[0].id)") }
        return response
    }

    private func again(_ id: String, _ parameters: Parameters) async throws -> Job {
        let source = try await job(id)
        let path = "\(service.store.incomingFolder)/\(RandomBytes.hexadecimal(16))"
        guard link(service.store.inputPath(source.id), path) == 0 else {
            throw Problem(.notFound, "the image of this job is no longer kept", field: "from")
        }
        defer { unlink(path) }
        let job = try JobMaker(service: service).job(
            source.image, name: parameters["name"] ?? source.name, parameters, origin: .upload, imageID: source.imageID)
        try await service.add([(job, path)])
        return job
    }

    /// `GET /api/v1/jobs`
    func list(_ head: HTTPHead) async throws -> HTTPResponse {
        let parameters = try Parameters(head.query, allowed: ["limit", "before", "state"])
        let limit = try parameters.integer("limit", in: 1...1000) ?? 100
        var state: Job.State?
        if let name = parameters["state"] {
            guard let named = Job.State(rawValue: name) else {
                let names = Job.State.allCases.map(\.rawValue).joined(separator: ", ")
                throw Problem(.badRequest, "state must be one of \(names)", field: "state")
            }
            state = named
        }
        if let before = parameters["before"], try await service.store.job(before) == nil {
            throw Problem(.notFound, "there is no job of this ID", field: "before")
        }
        let jobs = try await service.store.jobs(limit: limit, before: parameters["before"], state: state)
        return HTTPResponse(.ok, json: .object([("jobs", .array(try await json(jobs)))]))
    }

    /// Places of queued jobs are counted once, not job by job.
    private func json(_ jobs: [Job]) async throws -> [JSON] {
        try await events(jobs).map { $0.json }
    }

    private func events(_ jobs: [Job]) async throws -> [(json: JSON, job: Job)] {
        var place: (position: Int, work: [String: Double])?
        var views: [(JSON, Job)] = []
        for job in jobs {  // newest first: each queued job stands before the one listed last
            if job.state == .queued {
                if place == nil { place = try await service.store.place(of: job.id) }
                views.append((service.view.json(job, place: place), job))
                place!.position -= 1
                place!.work[job.options.model, default: job.work] -= job.work
            } else {
                views.append((service.view.json(job), job))
            }
        }
        return views
    }

    /// `GET /api/v1/jobs/{id}`
    func show(_ head: HTTPHead) async throws -> HTTPResponse {
        _ = try Parameters(head.query, allowed: [])
        return HTTPResponse(.ok, json: try await service.json(try await job(head.path[3])))
    }

    /// `DELETE /api/v1/jobs/{id}`: cancels the job and removes all that is kept of it.
    func delete(_ head: HTTPHead) async throws -> HTTPResponse {
        _ = try Parameters(head.query, allowed: [])
        let id = head.path[3]
        guard Job.isID(id), try await service.delete(id) else { throw unknown }
        return HTTPResponse(.noContent)
    }

    /// `GET /api/v1/events` and `GET /api/v1/jobs/{id}/events`
    func events(_ head: HTTPHead, of id: String? = nil) async throws -> HTTPResponse {
        _ = try Parameters(head.query, allowed: [])
        let stream = service.hub.listen()  // before the jobs are read, so that no change is missed
        let jobs = if let id { [try await job(id)] } else { try await service.store.jobs(limit: 1000) }
        let first = try await events(jobs).reversed().map { view in
            EventHub.Event(kind: .job, id: view.job.id, state: view.job.state, data: view.json.text)
        }
        return EventStream.response(stream, of: id, first: Array(first))
    }

    /// `GET /api/v1/jobs/{id}/result`
    func result(_ head: HTTPHead) async throws -> HTTPResponse {
        let parameters = try Parameters(head.query, allowed: ["sample", "download"])
        let job = try await job(head.path[3])
        let sample = try parameters.integer("sample", in: 0...(service.settings.maximumSamples - 1)) ?? 0
        guard sample < job.options.samples else {
            throw Problem(.notFound, "the job has no such sample", field: "sample")
        }
        guard job.results.contains(where: { $0.sample == sample }) else {
            if let error = job.error { throw Problem(.conflict, "the job has failed: \(error)") }
            throw Problem(.conflict, "the result is not ready yet", retryAfter: 2)
        }
        var response = try FileBody.response(service.store.resultPath(job, sample), type: job.options.format.mediaType)
        let scale = service.models[job.options.model]?.scale ?? service.models.standard.scale
        if try parameters.integer("download", in: 0...1) == 1 {
            response.set(
                "Content-Disposition",
                DisplayName.disposition(DisplayName.result(of: job, scale: scale, sample: sample)))
        }
        response.set("Cache-Control", "private, max-age=86400, immutable")
        return response
    }

    /// `GET /api/v1/jobs/{id}/image`: the image as it was sent.
    func image(_ head: HTTPHead) async throws -> HTTPResponse {
        _ = try Parameters(head.query, allowed: [])
        let job = try await job(head.path[3])
        var response = try FileBody.response(service.store.inputPath(job.id), type: job.image.format.mediaType)
        response.set("Cache-Control", "private, max-age=86400, immutable")
        return response
    }

    /// `GET /api/v1/results.zip?id=…&id=…`: the results of these jobs, or of all.
    func archive(_ head: HTTPHead) async throws -> HTTPResponse {
        var jobs: [Job] = []
        for field in head.query {
            guard field.name == "id" else {
                throw Problem(.badRequest, "there is no parameter of this name (expected id)", field: field.name)
            }
            jobs.append(try await job(field.value))
        }
        if head.query.isEmpty { jobs = try await service.store.jobs(limit: 1000, state: .done) }
        var entries: [ZIPArchive.Entry] = [], names: Set<String> = []
        for job in jobs {
            let scale = service.models[job.options.model]?.scale ?? service.models.standard.scale
            for result in job.results {
                let name = DisplayName.result(of: job, scale: scale, sample: result.sample)
                var unique = name, number = 2
                while !names.insert(unique).inserted {
                    unique = "\(number)_\(name)"
                    number += 1
                }
                guard let file = try? OpenFile(service.store.resultPath(job, result.sample)) else { continue }
                entries.append(ZIPArchive.Entry(name: unique, file: file))
            }
        }
        guard !entries.isEmpty else { throw Problem(.conflict, "there is no result yet", retryAfter: 2) }
        guard entries.count <= 256 else {
            throw Problem(.badRequest, "at most 256 results in one archive", field: "id")
        }
        let archive = ZIPArchive(entries: entries)
        guard archive.isPossible else {
            throw Problem(.unprocessable, "these results exceed 4 GiB; download them one by one")
        }
        let fields = [
            HTTPField("Content-Type", "application/zip"),
            HTTPField("Content-Disposition", DisplayName.disposition("results.zip")),
        ]
        return HTTPResponse(.ok, fields, body: .stream(length: nil) { try await archive.write(to: $0) })
    }

    private func job(_ id: String) async throws -> Job {
        guard Job.isID(id), let job = try await service.store.job(id), job.origin != .waitingRequest else {
            throw unknown
        }
        return job
    }

    private var unknown: Problem {
        Problem(.notFound, "there is no job of this ID; finished jobs are removed after a while")
    }
}
