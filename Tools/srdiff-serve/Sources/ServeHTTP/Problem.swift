/// An error that a client is told: problem details of RFC 9457.
public struct Problem: Error, Sendable {
    public let status: HTTPStatus
    /// What is wrong and what to do, for a person.
    public let detail: String
    /// The parameter, form field or header field that is wrong.
    public let field: String?
    /// Seconds after which to try again, for 409, 429 and 503.
    public let retryAfter: Int?
    /// More header fields, such as `Allow`.
    public let headers: [HTTPField]

    public init(
        _ status: HTTPStatus, _ detail: String, field: String? = nil, retryAfter: Int? = nil, headers: [HTTPField] = []
    ) {
        self.status = status
        self.detail = detail
        self.field = field
        self.retryAfter = retryAfter
        self.headers = headers
    }

    public var json: JSON {
        var members: [(String, JSON)] = [
            ("type", .string("about:blank")), ("title", .string(status.reason)), ("status", .int(status.rawValue)),
            ("detail", .string(detail)),
        ]
        if let field { members.append(("field", .string(field))) }
        return .object(members)
    }

    public var response: HTTPResponse {
        var response = HTTPResponse(status, json: json)
        response.set("Content-Type", "application/problem+json")
        if let retryAfter { response.set("Retry-After", String(max(1, retryAfter))) }
        for field in headers { response.set(field.name, field.value) }
        return response
    }
}
