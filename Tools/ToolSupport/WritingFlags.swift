import ArgumentParser
import SRDiff

/// How results are written and told: the same in the tools that make images of images.
public struct WritingFlags: ParsableArguments {
    @Flag(help: "Replace outputs that exist.")
    public var overwrite = false

    @Flag(help: "Write pixels only, rotated upright: no colour profile, no texts, no settings.")
    public var stripMetadata = false

    @Flag(help: "Run even when the memory will probably not do.")
    public var force = false

    @Flag(name: .shortAndLong, help: "Nothing but errors.")
    public var quiet = false

    public init() {}

    /// The rules for outputs of a tool that reads these files.
    public func rules(_ inputs: [ImageInput]) -> OutputRules {
        OutputRules(inputs: inputs.compactMap(\.path), overwrite: overwrite, makesFolders: true)
    }

    /// Throws if this many bytes of memory are not available, unless --force is set. Announces them if they are many.
    public func checkMemory(_ bytes: Int, for subject: String) throws {
        if !force { try MemoryEstimate.check(bytes, for: subject) }
        if let text = MemoryEstimate.note(bytes, for: subject) { note(text) }
    }

    /// On standard error.
    public func note(_ text: String) {
        if !quiet { Terminal.error.line(text) }
    }

    /// On standard output.
    public func line(_ text: String) {
        if !quiet { Terminal.output.line(text) }
    }
}
