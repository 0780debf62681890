/// What goes wrong when the service starts, in words for whoever started it.
public struct ServeError: Error, CustomStringConvertible {
    public let description: String
    public init(_ description: String) { self.description = description }
}
