/// What a client may take of the server. Everything is checked before memory is allocated for it.
public struct HTTPLimits: Sendable {
    /// Connections at a time; one more is answered 503 and closed.
    public var connections = 256
    /// Bytes of the request line and the header fields together.
    public var headBytes = 16 << 10
    public var headerFields = 64
    /// Bytes of a body.
    public var bodyBytes = 64 << 20
    /// Seconds until a request's head must be complete, from its first byte or from the connection's start.
    public var headSeconds = 10.0
    /// Seconds that a connection may wait for its next request.
    public var idleSeconds = 30.0
    /// Seconds that a body may take, plus one for every `bodyBytesPerSecond` received. The same for one write of a
    /// response.
    public var transferSeconds = 30.0
    public var bodyBytesPerSecond = 4096
    /// Unread bytes of a body that are read and dropped so that the connection can be used again.
    public var drainBytes = 64 << 10

    public init() {}
}
