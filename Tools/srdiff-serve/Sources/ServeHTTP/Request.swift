/// A request as a handler sees it. It is used by the connection's task only.
public struct HTTPRequest {
    public let head: HTTPHead
    public let body: HTTPBody
    /// Whether the client has closed the connection, for handlers that wait long.
    public let isAbandoned: @Sendable () -> Bool

    public init(head: HTTPHead, body: HTTPBody, isAbandoned: @escaping @Sendable () -> Bool = { false }) {
        self.head = head
        self.body = body
        self.isAbandoned = isAbandoned
    }
}
