import ServeHTTP

/// `POST /api/v1/upscale`: an image in, its result out. The job waits in the same queue and ends with the request.
struct UpscaleRoute {
    let service: Service

    func respond(_ request: HTTPRequest, _ waits: () -> Void) async throws -> HTTPResponse {
        let query = try Parameters(request.head.query, allowed: Parameters.job.subtracting(["samples"]))
        let read = try await UploadReader(service: service).read(request, parameters: query, files: 1)
        guard read.parameters["samples"] == nil else {
            throw Problem(.badRequest, "this path makes one sample; POST /api/v1/jobs makes several", field: "samples")
        }
        let job = try JobMaker(service: service).jobs(read, origin: .waitingRequest)[0]
        try await service.add([(job, read.uploads[0].path)])
        read.uploads[0].take()
        waits()
        let isAbandoned = request.isAbandoned
        let watch = Task { [service] in
            while true {
                try await Task.sleep(for: .seconds(1))
                if isAbandoned() { _ = try? await service.delete(job.id) }
            }
        }
        defer { watch.cancel() }
        let end = try await end(of: job.id)
        let response = Result { try self.response(end) }
        _ = try await service.store.delete(job.id)  // the file is open and can still be sent
        return try response.get()
    }

    private func response(_ job: Job?) throws -> HTTPResponse {
        guard let job else { throw Problem(.conflict, "the job was cancelled") }
        if let error = job.error { throw Problem(.unprocessable, error, field: "file") }
        var response = try FileBody.response(service.store.resultPath(job, 0), type: job.options.format.mediaType)
        let scale = service.models[job.options.model]?.scale ?? service.models.standard.scale
        response.set(
            "Content-Disposition", DisplayName.disposition(DisplayName.result(of: job, scale: scale, sample: 0)))
        return response
    }

    /// Waits for the job to end. Returns nil if it is removed before.
    private func end(of id: String) async throws -> Job? {
        while true {
            let events = service.hub.listen()  // before the job is read, so that no change is missed
            guard let job = try await service.store.job(id) else { return nil }
            if job.state == .done || job.state == .failed { return job }
            for await event in events where event.id == id {
                if event.kind == .deleted || event.state == .done || event.state == .failed { break }
            }
            try Task.checkCancellation()
        }
    }
}
