import Glibc
import SRDFile
import SRDiff
import ToolSupport

/// What a shard is to do and did: `OUT/.srdiff/shard-I-of-N.jsonl`, a JSON object a line.
///
/// The plan is written before the first image; a line is appended for each image that ends. Only results decide what is
/// left to do: the log is for `--summary`. Several machines may append to it, and a line that an interruption cuts
/// short is passed over.
struct ShardLog {
    static func folder(_ output: String) -> String { FilePath.joined(output, ".srdiff") }

    static func name(_ shard: Shard) -> String { "shard-\(shard.index)-of-\(shard.count).jsonl" }

    private let path: String
    private let output: String
    private let node: String

    /// Appends what the log's plan lacks.
    ///
    /// - Parameter output: the folder of the results.
    init(_ shard: Shard, _ jobs: [Job], output: String) throws {
        self.output = output
        node = Self.thisNode
        path = FilePath.joined(Self.folder(output), Self.name(shard))
        guard FilePath.makeFolder(Self.folder(output)) else { throw FileError(.write, path, .missing) }
        let planned = FilePath.exists(path) ? try Self.records(path).filter { $0["status"] == "planned" } : []
        let known = Set(planned.compactMap { $0["output"] })
        var lines: [UInt8] = known.isEmpty ? [] : Array("\n".utf8)  // the last line may have been cut short
        for job in jobs {
            for destination in job.destinations where !known.contains(relative(destination)) {
                lines += line([
                    "status": "planned", "input": .string(job.input.name), "output": .string(relative(destination)),
                ])
            }
        }
        try append(lines)
    }

    /// Returns the lines of a log, without damaged ones.
    static func records(_ path: String) throws -> [[String: String]] {
        guard FilePath.size(of: path) != 0 else { return [] }  // a shard without images
        let bytes = try MappedFile(path: path).withBytes { Array($0) }
        return bytes.split(separator: UInt8(ascii: "\n")).compactMap { JSONLine.members($0) }
    }

    /// An image was written.
    func written(_ input: ImageInput, _ output: ImageOutput, seconds: Double) throws {
        try append(
            line([
                "status": "written", "input": .string(input.name), "output": .string(relative(output)),
                "node": .string(node),
                "seconds": .number(seconds),
            ]))
    }

    /// An input will have no result: it failed, or is a result itself.
    func ended(_ input: ImageInput, status: String, reason: String) throws {
        try append(
            line([
                "status": .string(status), "input": .string(input.name), "node": .string(node),
                "reason": .string(reason),
            ]))
    }

    /// Output names are kept relative to the folder, which machines may know under several names.
    private func relative(_ destination: ImageOutput) -> String {
        let prefix = FilePath.joined(output, "")
        return destination.name.hasPrefix(prefix) ? String(destination.name.dropFirst(prefix.count)) : destination.name
    }

    private func line(_ record: JSON) -> [UInt8] { Array((record.line + "\n").utf8) }

    /// One call of `write`, so that lines of several processes do not mix.
    private func append(_ lines: [UInt8]) throws {
        let descriptor = path.withPath { open($0, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o666) }
        guard descriptor >= 0 else { throw FileError(.write, path, errno: errno) }
        defer { close(descriptor) }
        try FileOutput.write([lines], toDescriptor: descriptor, path: path)
    }

    /// SRDIFF_NODE, else the name of the machine.
    private static var thisNode: String {
        if let name = getenv("SRDIFF_NODE") { return String(path: name) }
        return PartialName.hostName
    }
}
