import Glibc

/// The requests and responses of one connection, one after another.
struct Connection {
    let socket: ConnectionSocket
    let connections: Connections
    let id: Int
    let limits: HTTPLimits
    let handler: HTTPServer.Handler

    func run() async {
        let reader = ConnectionReader(socket, connections, id, limits)
        do {
            while try await exchange(reader) {}
        } catch {
            // The client has gone, or was too slow. No one is left to answer.
        }
    }

    /// Returns whether another request may follow.
    private func exchange(_ reader: ConnectionReader) async throws -> Bool {
        let head: HTTPHead
        do {
            guard let bytes = try await reader.head() else { return false }
            head = try HTTPHead(parsing: bytes, limits: limits)
        } catch let problem as Problem {
            try await send(problem.response, to: nil, isLast: true)
            await linger()
            return false
        }
        connections.setDeadline(id, after: limits.transferSeconds)
        let body = HTTPBody(head, source: reader, limit: limits.bodyBytes)
        let response = await handler(
            HTTPRequest(head: head, body: body, isAbandoned: { [socket] in socket.isClosed }), waits)
        let canContinue = head.isPersistent && body.isShort(limits.drainBytes)
        try await send(response, to: head, isLast: !canContinue)
        guard canContinue else {
            if !body.isComplete { await linger() }
            return false
        }
        connections.setDeadline(id, after: limits.transferSeconds)
        try await body.drain()
        return true
    }

    /// Called by a handler that has read the body and now waits for something other than the client.
    private func waits() { connections.setDeadline(id, after: nil) }

    private func send(_ response: HTTPResponse, to head: HTTPHead?, isLast: Bool) async throws {
        var text = "HTTP/1.1 \(response.status.rawValue) \(response.status.reason)\r\nDate: \(HTTPDate.now)\r\n"
        for field in response.fields { text += "\(field.name): \(field.value)\r\n" }
        if isLast { text += "Connection: close\r\n" }
        let hasBody = head?.method != "HEAD"
        switch response.body {
        case .bytes(let bytes):
            if response.status != .noContent && response.status != .notModified {
                text += "Content-Length: \(bytes.count)\r\n"
            }
            try await write(Array((text + "\r\n").utf8) + (hasBody ? bytes : []))
        case .stream(let length, let body):
            let isChunked = length == nil && head?.readsChunks != false
            text += length.map { "Content-Length: \($0)\r\n" } ?? (isChunked ? "Transfer-Encoding: chunked\r\n" : "")
            try await write(Array((text + "\r\n").utf8))
            guard hasBody else { return }
            try await body(
                HTTPWriter { bytes in
                    guard !bytes.isEmpty else { return }
                    if !isChunked { return try await write(bytes) }
                    try await write(Array((String(bytes.count, radix: 16) + "\r\n").utf8) + bytes + [0x0d, 0x0a])
                })
            if isChunked { try await write(Array("0\r\n\r\n".utf8)) }
        }
    }

    private func write(_ bytes: [UInt8]) async throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            connections.setDeadline(id, after: limits.transferSeconds)
            let piece = rest.prefix(256 << 10)
            try await socket.write(piece)
            rest = rest.dropFirst(piece.count)
        }
        connections.setDeadline(id, after: nil)
    }

    /// Reads on for a moment before the connection is closed: closing with unread bytes resets it, and the client would
    /// lose the response.
    private func linger() async {
        socket.finishWriting()
        connections.setDeadline(id, after: 2)
        var count = 0
        while count < limits.bodyBytes, let bytes = try? await socket.read(atMost: 64 << 10), !bytes.isEmpty {
            count += bytes.count
        }
    }
}

/// Dates of header fields (RFC 9110, IMF-fixdate).
enum HTTPDate {
    static var now: String {
        var seconds = time(nil), fields = tm()
        gmtime_r(&seconds, &fields)
        let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let date =
            """
            \(days[Int(fields.tm_wday)]), \(two(fields.tm_mday)) \(months[Int(fields.tm_mon)]) \(fields.tm_year + 1900)
            """
        return "\(date) \(two(fields.tm_hour)):\(two(fields.tm_min)):\(two(fields.tm_sec)) GMT"
    }
}
