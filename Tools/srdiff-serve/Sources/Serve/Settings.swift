import ServeHTTP

/// What the command line settles.
public struct Settings: Sendable {
    public var address = "127.0.0.1"
    public var port: UInt16 = 8642
    public var stateFolder = ""
    /// Names of installed models or files; the first is the default.
    public var models: [String] = ["edge", "photo"]
    public var threads: Int?
    /// Names by which clients may call this machine, besides its own.
    public var hostNames: [String] = []
    public var hasToken = true

    public var watchedFolder: String?
    public var targetFolder: String?

    public var uploadMiB = 64
    public var megapixels = 16
    public var queueLength = 200
    public var connections = 256
    public var maximumSamples = 16
    public var maximumSteps = 100
    /// Results are kept this long, and no longer than they fit in.
    public var keepDays = 7.0
    public var keepMiB = 4096

    public init() {}

    /// Files in one request.
    static let filesPerRequest = 64
    /// Bytes of uploads that may be on their way at a time.
    var incomingBytes: Int { max(256, 4 * uploadMiB) << 20 }

    var http: HTTPLimits {
        var limits = HTTPLimits()
        limits.connections = connections
        limits.bodyBytes = uploadMiB << 20
        return limits
    }

    var isLoopback: Bool { address.hasPrefix("127.") || address == "::1" }
}
