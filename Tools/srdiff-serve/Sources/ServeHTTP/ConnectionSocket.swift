import FlyingSocks
import Glibc

/// The client has gone.
public enum HTTPConnectionError: Error {
    case closed
}

/// A connected socket in non-blocking mode.
struct ConnectionSocket: Sendable {
    let socket: Socket
    let pool: any AsyncSocketPool

    private var descriptor: Int32 { socket.file.rawValue }

    /// Returns the bytes that have arrived, at least one; none at the end.
    func read(atMost count: Int) async throws -> [UInt8] {
        var hasFailed = false
        while true {
            try Task.checkCancellation()
            var reason: Int32 = 0
            let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, found in
                let result = recv(descriptor, buffer.baseAddress, buffer.count, 0)
                if result < 0 { reason = errno }
                found = max(0, result)
            }
            if reason == 0 { return bytes }
            if reason == EINTR { continue }
            guard reason == EAGAIN, !hasFailed else { throw HTTPConnectionError.closed }
            // A client that has closed its side may have sent bytes before: they are read once more.
            do { try await pool.suspendSocket(socket, untilReadyFor: [.read]) } catch SocketError.disconnected {
                hasFailed = true
            }
        }
    }

    func write(_ bytes: ArraySlice<UInt8>) async throws {
        var rest = bytes
        while !rest.isEmpty {
            try Task.checkCancellation()
            let sent = rest.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            if sent >= 0 {
                rest = rest.dropFirst(sent)
            } else if errno == EAGAIN {
                try await pool.suspendSocket(socket, untilReadyFor: [.write])
            } else if errno != EINTR {
                throw HTTPConnectionError.closed
            }
        }
    }

    /// Whether the other side has closed the connection; false while it only sends nothing.
    var isClosed: Bool {
        var byte: UInt8 = 0
        let count = recv(descriptor, &byte, 1, Int32(MSG_PEEK) | Int32(MSG_DONTWAIT))
        return count == 0 || count < 0 && errno != EAGAIN && errno != EINTR
    }

    func finishWriting() { _ = shutdown(descriptor, Int32(SHUT_WR)) }

    func close() { _ = Glibc.close(descriptor) }
}
