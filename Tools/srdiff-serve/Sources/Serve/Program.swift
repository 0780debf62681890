import CMalloc
import Glibc
import ServeHTTP
import SRDiff

/// The running service.
public enum Program {
    /// Starts the service and runs it until a part of it fails.
    ///
    /// - Parameter isDefaultModelList: whether models that are not installed are left out.
    public static func run(_ settings: Settings, isDefaultModelList: Bool) async throws {
        handleSignals()
        let service = try await Service(settings, isDefaultModelList: isDefaultModelList)
        for model in service.models.all {
            for warning in model.loaded.warnings { Log.line("model \(model.name): \(warning)") }
        }
        malloc_trim(0)  // reading the models took more than keeping them
        var token: Token?, newToken: String?
        if settings.hasToken && !settings.isLoopback {
            let loaded = try Token.load("\(settings.stateFolder)/token")
            (token, newToken) = (loaded.token, loaded.new)
        }
        let access = Access(token: token, settings)
        let counter = ConnectionCounter()
        let router = Router(service, access, connectionCount: { counter.count() })
        let server = HTTPServer(limits: settings.http) { request, waits in await router.respond(request, waits: waits) }
        counter.server = server
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await Worker(service).run() }
            if let folder = service.watchedFolder {
                group.addTask { try await FolderIntake(service: service, folder: folder).run() }
            }
            group.addTask {
                while true {
                    await service.expire()
                    try await Task.sleep(for: .seconds(60))
                }
            }
            let newToken = newToken
            group.addTask {
                try await server.run(address: settings.address, port: settings.port) { port in
                    announce(settings, port: port, newToken: newToken)
                }
            }
            try await group.next()
            throw ServeError("a part of the service ended")
        }
    }

    private static func announce(_ settings: Settings, port: UInt16, newToken: String?) {
        let host =
            switch settings.address {
            case "0.0.0.0", "::": HostName.own
            case let address where address.contains(":"): "[\(address)]"
            default: settings.address
            }
        Log.line("http://\(host):\(port)/")
        if let newToken {
            Log.line("a token was made; it is shown once. Open http://\(host):\(port)/#token=\(newToken)")
        } else if !settings.isLoopback && !settings.hasToken {
            Log.line("warning: --no-token: everybody who reaches this address can use the service and see all images")
        }
        SystemdNotification.send("READY=1")
    }

    /// Ends at once when asked to: every state on the disk is a good one.
    private static func handleSignals() {
        for number in [SIGPIPE, SIGXFSZ, SIGIO] { signal(number, SIG_IGN) }
        for number in [SIGTERM, SIGINT, SIGHUP] { signal(number) { _ in _exit(0) } }
    }
}

/// The server that the router counts the connections of; it is made after the router.
private final class ConnectionCounter: @unchecked Sendable {  // set once, before the first request
    var server: HTTPServer?
    func count() -> Int { server?.connectionCount ?? 0 }
}
