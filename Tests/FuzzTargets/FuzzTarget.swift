import SRDFile

/// A kind of untrusted input, and how it is checked. `Tools/fuzz` runs the checks on generated inputs, the tests on
/// stored ones.
public enum FuzzTarget: String, CaseIterable, Sendable {
    case png, pnm, jpeg, webp
    case safetensors
    /// JSON of a safetensors header and of an index. The first two bytes are the size of the data after the header.
    case json
    /// Int8 models, including the execution on a tiny image.
    case int8
    case legacyPickle = "legacy-pickle"
    case torchZip = "torch-zip"
    /// A pickle in a valid zip archive: the checksum would stop changes of the archive itself.
    case zipPickle = "zip-pickle"
    /// The text of `srdiff-quantize --recipe`.
    case recipe

    /// Reads the input as the tools do. An input may be rejected with an error. One that is accepted must satisfy the
    /// target's conditions: saved and loaded again it gives the same bytes.
    ///
    /// Returns whether the input was accepted.
    @discardableResult
    public func run(_ bytes: UnsafeRawBufferPointer) throws(Violation) -> Bool {
        switch self {
        case .png, .pnm, .jpeg, .webp: try ImageCheck.run(bytes)
        case .safetensors: try SafetensorsCheck.run(bytes)
        case .json: try SafetensorsCheck.header(bytes)
        case .int8: try ModelCheck.int8(bytes)
        case .legacyPickle, .torchZip: try ModelCheck.checkpoint(bytes)
        case .zipPickle: try ModelCheck.checkpoint(ZipFile.archive(pickle: Array(bytes)))
        case .recipe: try RecipeCheck.run(bytes)
        }
    }

    @discardableResult
    public func run(_ bytes: [UInt8]) throws(Violation) -> Bool {
        try bytes.withUnsafeBytes { raw in Result { () throws(Violation) in try run(raw) } }.get()
    }
}

/// A condition that an input broke.
public struct Violation: Error, CustomStringConvertible {
    public let description: String

    init(_ description: String) { self.description = description }

    static func check(_ condition: Bool, _ description: @autoclosure () -> String) throws(Violation) {
        if !condition { throw Violation(description()) }
    }

    /// Messages go to a terminal: they must be short and hold no control characters.
    static func check(message: String) throws(Violation) {
        try check(message.utf8.count < 1 << 14, "a message of \(message.utf8.count) bytes")
        let isPrintable = message.unicodeScalars.allSatisfy { scalar in
            scalar.value >= 0x20 && !(0x7f..<0xa0).contains(scalar.value)
        }
        try check(
            isPrintable && !message.isEmpty, "a message with control characters, or none: \(message.debugDescription)")
    }

    /// Runs `body`. Returns nil if it rejects the input with an error, whose message is checked.
    static func attempt<Value>(_ body: () throws -> Value) throws(Violation) -> Value? {
        let error: any Error
        do { return try body() } catch let thrown { error = thrown }
        if let violation = error as? Violation { throw violation }
        try check(message: "\(error)")
        return nil
    }

    /// Runs `body`, which must not fail: the input was accepted before.
    static func require<Value>(_ what: String, _ body: () throws -> Value) throws(Violation) -> Value {
        do { return try body() } catch { throw Violation("\(what): \(error)") }
    }
}

extension MappedFile {
    convenience init(_ bytes: some Collection<UInt8>) throws(Violation) {
        do throws(FileError) { try self.init(copying: bytes, path: "input") } catch { throw Violation("\(error)") }
    }
}
