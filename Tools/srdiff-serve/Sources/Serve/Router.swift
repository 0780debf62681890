import ServeHTTP

/// Answers every request: who may ask, what is asked, and the header fields that every response has.
struct Router: Sendable {
    let service: Service
    let access: Access
    let connectionCount: @Sendable () -> Int
    private let openAPI: OpenAPI

    init(_ service: Service, _ access: Access, connectionCount: @escaping @Sendable () -> Int) {
        self.service = service
        self.access = access
        self.connectionCount = connectionCount
        openAPI = OpenAPI(service)
    }

    func respond(_ request: HTTPRequest, waits: () -> Void) async -> HTTPResponse {
        var response: HTTPResponse
        do {
            response = try await route(request, waits)
        } catch let problem as Problem {
            response = problem.response
        } catch is HTTPConnectionError, is CancellationError {
            response = Problem(.badRequest, "the request ended early").response
        } catch let error as FileFailure {
            Log.line("\(error)")
            response = Problem(.internalError, "a file of the service cannot be used; its log says why").response
        } catch let error as DatabaseError {
            Log.line("\(error)")
            response = Problem(.internalError, "the service's database cannot be used; its log says why").response
        } catch {
            Log.line("\(error)")
            response = Problem(.internalError, "the request failed; the log of the service says why").response
        }
        service.metrics.responded(response.status.rawValue)
        for field in Self.securityFields { response.set(field.name, field.value) }
        if response.value("Cache-Control") == nil { response.set("Cache-Control", "no-store") }
        return response
    }

    private static let securityFields = [
        HTTPField(
            "Content-Security-Policy",
            """
            default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; \
            base-uri 'none'; form-action 'none'; frame-ancestors 'none'
            """),
        HTTPField("X-Content-Type-Options", "nosniff"), HTTPField("Referrer-Policy", "no-referrer"),
        HTTPField("Cross-Origin-Resource-Policy", "same-origin"),
        HTTPField("Cross-Origin-Opener-Policy", "same-origin"),
        HTTPField("Permissions-Policy", "geolocation=(), microphone=()"),
    ]

    private func route(_ request: HTTPRequest, _ waits: () -> Void) async throws -> HTTPResponse {
        let head = request.head
        try access.checkHost(head)
        if let page = Pages.response(head) {
            try allow(["GET", "HEAD"], head)
            return page
        }
        if head.path == ["healthz"] {
            try allow(["GET", "HEAD"], head)
            return HTTPResponse(.ok, text: "ok\n", type: "text/plain; charset=utf-8")
        }
        if head.path == ["api", "v1", "openapi.json"] {
            try allow(["GET", "HEAD"], head)
            return HTTPResponse(.ok, [HTTPField("Content-Type", "application/json")], body: .bytes(openAPI.bytes))
        }
        try access.checkOrigin(head)
        try access.checkToken(head)
        if head.path == ["metrics"] {
            try allow(["GET", "HEAD"], head)
            let text = service.metrics.text(
                try await service.store.counts(), storedBytes: try await service.store.storedBytes(),
                connections: connectionCount())
            return HTTPResponse(.ok, text: text, type: "text/plain; version=0.0.4; charset=utf-8")
        }
        guard head.path.count >= 3, head.path[0] == "api", head.path[1] == "v1" else { throw notFound }
        let routes = JobRoutes(service: service)
        switch (head.path[2], head.path.count) {
        case ("session", 3):
            try allow(["POST"], head)
            var response = HTTPResponse(.noContent)
            if let cookie = access.sessionCookie(head) { response.set("Set-Cookie", cookie) }
            return response
        case ("models", 3):
            try allow(["GET", "HEAD"], head)
            _ = try Parameters(head.query, allowed: [])
            return HTTPResponse(.ok, json: models)
        case ("upscale", 3):
            try allow(["POST", "PUT"], head)
            return try await UpscaleRoute(service: service).respond(request, waits)
        case ("events", 3):
            try allow(["GET"], head)
            return try await routes.events(head)
        case ("results.zip", 3):
            try allow(["GET", "HEAD"], head)
            return try await routes.archive(head)
        case ("jobs", 3):
            try allow(["GET", "HEAD", "POST"], head)
            return head.method == "POST" ? try await routes.create(request) : try await routes.list(head)
        case ("jobs", 4):
            try allow(["GET", "HEAD", "DELETE"], head)
            return head.method == "DELETE" ? try await routes.delete(head) : try await routes.show(head)
        case ("jobs", 5) where head.path[4] == "events":
            try allow(["GET"], head)
            return try await routes.events(head, of: head.path[3])
        case ("jobs", 5) where head.path[4] == "result":
            try allow(["GET", "HEAD"], head)
            return try await routes.result(head)
        case ("jobs", 5) where head.path[4] == "image":
            try allow(["GET", "HEAD"], head)
            return try await routes.image(head)
        default: throw notFound
        }
    }

    private var notFound: Problem { Problem(.notFound, "there is nothing at this path") }

    private func allow(_ methods: [String], _ head: HTTPHead) throws(Problem) {
        guard !methods.contains(head.method) else { return }
        let list = methods.joined(separator: ", ")
        throw Problem(.methodNotAllowed, "this path takes \(list)", headers: [HTTPField("Allow", list)])
    }

    private var models: JSON {
        let settings = service.settings
        return .object([
            (
                "models",
                .array(
                    service.models.all.map { model in
                        let steps = model.defaultSteps
                        return .object([
                            ("name", .string(model.name)), ("scale", .int(model.scale)),
                            ("arithmetic", .string(model.loaded.arithmetic)),
                            ("sha256", .string(model.loaded.sha256)), ("defaultSteps", .int(steps)),
                            ("maximumSteps", .int(min(settings.maximumSteps, model.loaded.schedule.timesteps))),
                            (
                                "defaultFidelity",
                                .number((Double(model.defaultFidelity(steps: steps)) * 1e4).rounded() / 1e4)
                            ),
                            ("hasFidelity", .bool(model.loaded.hasPreview)),
                        ])
                    })
            ),
            ("formats", .array(ImageFormatNames.available.map { .string($0) })),
            (
                "limits",
                .object([
                    ("uploadBytes", .int(settings.uploadMiB << 20)), ("pixels", .int(settings.megapixels * 1_000_000)),
                    ("queueLength", .int(settings.queueLength)), ("samples", .int(settings.maximumSamples)),
                    ("filesPerRequest", .int(Settings.filesPerRequest)), ("keepDays", .number(settings.keepDays)),
                ])
            ),
        ])
    }
}
