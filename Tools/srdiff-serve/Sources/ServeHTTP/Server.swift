import FlyingSocks
import Glibc

/// An HTTP/1.1 server on FlyingSocks, the sockets of FlyingFox.
///
/// FlyingFox's own `HTTPServer` (0.27.1) reads a head of any length and at any pace, accepts any number of connections
/// and ends when descriptors run out, and takes an unread body for the next request, so that a form of another web site
/// could smuggle a request past the check of its origin. This server does one thing less (routing) and these with
/// limits.
public final class HTTPServer: Sendable {
    /// Answers a request. A handler that has read the body and waits for something else calls the function that it is
    /// given.
    public typealias Handler = @Sendable (HTTPRequest, _ waits: () -> Void) async -> HTTPResponse

    private let limits: HTTPLimits
    private let handler: Handler
    private let connections: Connections

    public init(limits: HTTPLimits = .init(), handler: @escaping Handler) {
        self.limits = limits
        self.handler = handler
        connections = Connections(limit: limits.connections)
    }

    public var connectionCount: Int { connections.count }

    /// Accepts connections until the task is cancelled or the listening socket fails.
    ///
    /// - Parameter isReady: called with the port once connections are accepted.
    public func run(address: String, port: UInt16, isReady: @Sendable (UInt16) -> Void) async throws {
        let listener = try Self.listen(address: address, port: port)
        defer { try? listener.close() }
        try listener.setFlags(.nonBlocking)
        let pool: SocketPool<ePoll> = .ePoll(maxEvents: 64)
        try await pool.prepare()
        isReady(try Self.port(of: listener))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await pool.run() }
            group.addTask { try await self.accept(on: listener, pool) }
            group.addTask {
                while true {
                    try await Task.sleep(for: .milliseconds(500))
                    self.connections.cancelLate()
                }
            }
            try await group.next()
            group.cancelAll()
        }
    }

    private static func listen(address: String, port: UInt16) throws -> Socket {
        func listen(_ address: some SocketAddress) throws -> Socket {
            let socket = try Socket(domain: Int32(type(of: address).family), type: .stream)
            do {
                try socket.setValue(true, for: .localAddressReuse)
                try socket.bind(to: address)
                try socket.listen(maxPendingConnection: 512)
            } catch {
                try? socket.close()
                throw error
            }
            return socket
        }
        do {
            return address.contains(":")
                ? try listen(sockaddr_in6.inet6(ip6: address, port: port))
                : try listen(sockaddr_in.inet(ip4: address, port: port))
        } catch SocketError.failed(_, let code, let message) {
            throw HTTPListenError(
                description: "\(address), port \(port): cannot listen (\(message)). "
                    + (code == EADDRINUSE
                        ? "Another program uses the port; choose one with --port."
                        : "Choose another --address or --port."))
        }
    }

    private static func port(of socket: Socket) throws -> UInt16 {
        switch try socket.sockname() {
        case .ip4(_, let port), .ip6(_, let port): port
        case .unix: 0
        }
    }

    private func accept(on listener: Socket, _ pool: SocketPool<ePoll>) async throws {
        while true {
            try Task.checkCancellation()
            let descriptor = Glibc.accept(listener.file.rawValue, nil, nil)
            if descriptor >= 0 {
                _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
                _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
                start(ConnectionSocket(socket: Socket(file: .init(rawValue: descriptor)), pool: pool))
                continue
            }
            switch errno {
            case EAGAIN: try await pool.suspendSocket(listener, untilReadyFor: [.read])
            case EMFILE, ENFILE, ENOBUFS, ENOMEM: try await Task.sleep(for: .milliseconds(100))
            case EBADF, EINVAL, ENOTSOCK: throw SocketError.makeFailed("Accept")
            default: continue  // the client has given up, or its network has
            }
        }
    }

    private func start(_ socket: ConnectionSocket) {
        var on: Int32 = 1
        setsockopt(
            socket.socket.file.rawValue, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
        guard let id = connections.open() else {
            let text =
                "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            var bytes = Array(text.utf8)
            _ = send(socket.socket.file.rawValue, &bytes, bytes.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
            return socket.close()
        }
        let connection = Connection(socket: socket, connections: connections, id: id, limits: limits, handler: handler)
        connections.setDeadline(id, after: limits.headSeconds)
        connections.start(
            id,
            Task { [connections] in
                await connection.run()
                connections.close(id)
                socket.close()
            })
    }
}

/// Why the server cannot accept connections.
public struct HTTPListenError: Error, CustomStringConvertible {
    public let description: String
}
