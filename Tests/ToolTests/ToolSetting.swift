import Foundation
import SRDFile
import SRDiff
import TestSupport

/// A folder with a tiny model, `tiny.safetensors`, and the options that use it.
func withTinyModel<Result>(_ body: (_ folder: String, _ options: [String]) throws -> Result) throws -> Result {
    try withTemporaryFolder { folder in
        try TinyModel.write(to: "\(folder)/tiny.safetensors")
        return try body(folder, ["--model", "\(folder)/tiny.safetensors", "--steps", "2"])
    }
}

func contents(_ path: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: path)) }

func makeFolder(_ path: String) throws {
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
}

func write(_ bytes: some Sequence<UInt8>, to path: String) throws {
    try Data(bytes).write(to: URL(fileURLWithPath: path))
}

extension ToolRun {
    /// Runs a shell script in which `"$0"` is the tool and `"$@"` its arguments.
    static func shell(_ script: String, _ tool: String, _ arguments: [String]) throws -> ToolRun {
        let tool = folder.appendingPathComponent(tool).path
        return try ToolRun("/bin/sh", ["-c", script, tool] + arguments)
    }

    /// The last line of standard output.
    var lastLine: String { text.split(separator: "\n").last.map(String.init) ?? "" }
}
