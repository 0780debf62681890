/// A response.
public struct HTTPResponse: Sendable {
    public enum Body: Sendable {
        case bytes([UInt8])
        /// Written piece by piece; its length if it is known, else it is sent in chunks.
        case stream(length: Int?, @Sendable (HTTPWriter) async throws -> Void)
    }

    public var status: HTTPStatus
    public private(set) var fields: [HTTPField]
    public var body: Body

    public init(_ status: HTTPStatus, _ fields: [HTTPField] = [], body: Body = .bytes([])) {
        self.status = status
        self.fields = fields
        self.body = body
    }

    public init(_ status: HTTPStatus, json: JSON) {
        self.init(status, [HTTPField("Content-Type", "application/json")], body: .bytes(Array((json.text + "\n").utf8)))
    }

    public init(_ status: HTTPStatus, text: String, type: String) {
        self.init(status, [HTTPField("Content-Type", type)], body: .bytes(Array(text.utf8)))
    }

    /// Sets a header field, replacing what it was.
    public mutating func set(_ name: String, _ value: String) {
        fields.removeAll { $0.name.lowercased() == name.lowercased() }
        fields.append(HTTPField(name, value))
    }

    public func value(_ name: String) -> String? {
        fields.first { $0.name.lowercased() == name.lowercased() }?.value
    }
}

/// Where a streamed body goes.
public struct HTTPWriter: Sendable {
    let send: @Sendable ([UInt8]) async throws -> Void

    public init(send: @escaping @Sendable ([UInt8]) async throws -> Void) { self.send = send }

    public func write(_ bytes: [UInt8]) async throws { try await send(bytes) }
    public func write(_ text: String) async throws { try await send(Array(text.utf8)) }
}
