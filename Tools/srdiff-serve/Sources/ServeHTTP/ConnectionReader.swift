/// Reads a connection's bytes, some of them ahead.
final class ConnectionReader {
    private let socket: ConnectionSocket
    private let connections: Connections
    private let id: Int
    private let limits: HTTPLimits
    private var buffer: ArraySlice<UInt8> = []

    init(_ socket: ConnectionSocket, _ connections: Connections, _ id: Int, _ limits: HTTPLimits) {
        self.socket = socket
        self.connections = connections
        self.id = id
        self.limits = limits
    }

    func write(_ bytes: [UInt8]) async throws { try await socket.write(bytes[...]) }

    /// Returns at least one byte, none at the connection's end.
    func bytes(atMost count: Int) async throws -> ArraySlice<UInt8> {
        if buffer.isEmpty { buffer = try await socket.read(atMost: 64 << 10)[...] }
        let bytes = buffer.prefix(count)
        buffer = buffer.dropFirst(count)
        return bytes
    }

    /// Returns a line without its CR LF.
    func line(atMost count: Int) async throws -> [UInt8] {
        var line: [UInt8] = []
        while line.count <= count {
            guard let byte = try await bytes(atMost: 1).first else { throw HTTPConnectionError.closed }
            if byte == 0x0a {
                guard line.popLast() == 0x0d else { throw Problem(.badRequest, "a line does not end in CR LF") }
                return line
            }
            line.append(byte)
        }
        throw Problem(.badRequest, "a line of the body's framing is too long")
    }

    /// Returns the bytes of the next head without the empty line, or nil if the connection ends before it.
    func head() async throws -> ArraySlice<UInt8>? {
        connections.setDeadline(id, after: limits.idleSeconds)
        var searched = buffer.startIndex, isStarted = false
        while true {
            while buffer.starts(with: [0x0d, 0x0a]) {  // RFC 9112, 2.2: empty lines before a request are ignored
                buffer = buffer.dropFirst(2)
                searched = buffer.startIndex
            }
            if !isStarted, !buffer.isEmpty {
                isStarted = true
                connections.setDeadline(id, after: limits.headSeconds)
            }
            var i = searched
            while i + 3 < buffer.endIndex {
                if buffer[i] == 0x0d, buffer[i + 1] == 0x0a, buffer[i + 2] == 0x0d, buffer[i + 3] == 0x0a {
                    let head = buffer[..<i]
                    guard head.count <= limits.headBytes else { throw tooLarge }
                    buffer = buffer[(i + 4)...]
                    return head
                }
                i += 1
            }
            guard buffer.count <= limits.headBytes else { throw tooLarge }
            searched = max(buffer.startIndex, buffer.endIndex - 3)
            let offset = searched - buffer.startIndex
            let more = try await socket.read(atMost: 4096)
            guard !more.isEmpty else { return nil }
            buffer = (Array(buffer) + more)[...]
            searched = buffer.startIndex + offset
        }
    }

    private var tooLarge: Problem { Problem(.headTooLarge, "the request's head exceeds \(limits.headBytes) bytes") }

    /// Gives a body that arrives fast enough more time.
    func bodyProgress(_ received: Int) {
        guard received >> 16 != lastProgress else { return }
        lastProgress = received >> 16
        connections.setDeadline(id, after: limits.transferSeconds)
    }
    private var lastProgress = 0
}
