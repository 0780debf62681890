/// The bytes of a request's body, read as they arrive. Reading starts with the first call of `next`: a client that
/// expects 100 (Continue) sends nothing before.
public final class HTTPBody {
    /// Reads some bytes of the connection, none at its end.
    private let source: ConnectionReader
    private let limit: Int
    private var state: State
    private var expectsContinue: Bool
    private(set) var received = 0

    private enum State {
        /// Bytes that are still to come.
        case length(Int)
        /// In chunks; bytes of the current one that are still to come.
        case chunk(Int), chunkStart
        case end
    }

    init(_ head: HTTPHead, source: ConnectionReader, limit: Int) {
        self.source = source
        self.limit = limit
        expectsContinue = head.expectsContinue
        switch head.framing {
        case .length(let count): state = count == 0 ? .end : .length(count)
        case .chunked: state = .chunkStart
        }
    }

    var isComplete: Bool { if case .end = state { true } else { false } }

    /// Whether dropping what is left takes no more than this many bytes; never for a client that waits for 100
    /// (Continue).
    func isShort(_ count: Int) -> Bool {
        switch state {
        case .end: true
        case .length(let left): !expectsContinue && left <= count
        case .chunk, .chunkStart: false
        }
    }

    /// Returns the next bytes, nil at the body's end. Throws `Problem` 413 if the body exceeds the limit; a length that
    /// says so beforehand is refused before the first byte.
    public func next() async throws -> ArraySlice<UInt8>? {
        if case .length(let count) = state, received + count > limit { throw tooLarge }
        if expectsContinue {
            expectsContinue = false
            try await source.write(Array("HTTP/1.1 100 Continue\r\n\r\n".utf8))
        }
        if case .chunkStart = state { try await startChunk() }
        let count: Int
        switch state {
        case .length(let left), .chunk(let left): count = left
        case .end, .chunkStart: return nil
        }
        let bytes = try await source.bytes(atMost: count)
        guard !bytes.isEmpty else { throw HTTPConnectionError.closed }
        received += bytes.count
        source.bodyProgress(received)
        switch state {
        case .length(let left): state = left == bytes.count ? .end : .length(left - bytes.count)
        case .chunk(let left):
            if left > bytes.count {
                state = .chunk(left - bytes.count)
            } else {
                guard try await source.line(atMost: 2).isEmpty else {
                    throw Problem(.badRequest, "a chunk is too long")
                }
                state = .chunkStart
            }
        case .end, .chunkStart: break
        }
        return bytes
    }

    /// Reads and drops the rest.
    public func drain() async throws {
        while try await next() != nil {}
    }

    private var tooLarge: Problem { Problem(.lengthTooLarge, "the body exceeds the limit of \(limit >> 20) MiB") }

    private func startChunk() async throws {
        let line = try await source.line(atMost: 256)
        let digits = line.prefix { $0 != 0x3b && $0 != 0x20 }
        guard !digits.isEmpty, digits.count <= 8 else { throw Problem(.badRequest, "a chunk has no size") }
        var size = 0
        for digit in digits {
            guard let value = HTTPHead.hexadecimal(digit) else {
                throw Problem(.badRequest, "a chunk's size is not a number")
            }
            size = size << 4 | Int(value)
        }
        guard received + size <= limit else { throw tooLarge }
        if size > 0 { state = .chunk(size); return }
        for _ in 0..<16 {  // trailer fields are read and ignored
            if try await source.line(atMost: 1024).isEmpty { state = .end; return }
        }
        throw Problem(.headTooLarge, "the trailer has too many fields")
    }
}
