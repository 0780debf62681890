import SRDFile
import SRDiff
import ToolSupport

/// What all shards of a run did, from their logs and the results that exist.
struct ShardSummary {
    struct Node {
        var images = 0
        /// Seconds of all images that the node computed.
        var seconds = 0.0
    }

    let shards: Int
    /// Shards that have not begun.
    let absent: [Int]
    let done: Int
    /// Results that do not exist, without those that failed.
    let missing: [String]
    let failed: [(input: String, reason: String)]
    let skipped: Int
    /// Images that were computed more than once.
    let repeated: Int
    /// By name.
    let nodes: [(name: String, node: Node)]

    var isComplete: Bool { absent.isEmpty && missing.isEmpty && failed.isEmpty }

    /// Reads the logs in a folder of results. Throws if there are none, or those of several divisions.
    init(_ output: String) throws {
        let folder = ShardLog.folder(output)
        let found = (FilePath.list(folder) ?? []).compactMap { name -> Shard? in
            guard name.hasPrefix("shard-"), name.hasSuffix(".jsonl") else { return nil }
            let parts = name.dropFirst("shard-".count).dropLast(".jsonl".count).split(separator: "-")
            guard parts.count == 3, parts[1] == "of" else { return nil }
            return Shard(argument: "\(parts[0])/\(parts[2])")
        }
        guard let first = found.first else {
            throw ToolError("\(folder.printable): no log of a shard. Run srdiff-upscale with --shard first.")
        }
        if let other = found.first(where: { $0.count != first.count }) {
            throw ToolError(
                """
                \(folder.printable): logs of \(first.count) and of \(other.count) shards. Remove the logs of the \
                division that is not wanted; results stay valid.
                """)
        }
        var planned: [(input: String, output: String)] = [], reasons: [String: (status: String, reason: String)] = [:]
        var nodes: [String: Node] = [:], written: [String: Int] = [:], outputs: Set<String> = []
        for shard in found {
            for record in try ShardLog.records(FilePath.joined(folder, ShardLog.name(shard))) {
                guard let input = record["input"] else { continue }
                switch record["status"] {
                case "planned"?:
                    // Two machines that begin a shard at the same time may both write its plan.
                    let result = record["output"] ?? ""
                    if outputs.insert(result).inserted { planned.append((input, result)) }
                case "written"?:
                    nodes[record["node"] ?? "", default: Node()].images += 1
                    nodes[record["node"] ?? "", default: Node()].seconds +=
                        record["seconds"].flatMap { Double($0) } ?? 0
                    written[record["output"] ?? "", default: 0] += 1
                case let status?: reasons[input] = (status, record["reason"] ?? "")
                case nil: continue
                }
            }
        }
        var done = 0, missing: [String] = [], failed: [(input: String, reason: String)] = [], skipped = 0
        for job in planned {
            if FilePath.exists(FilePath.joined(output, job.output)) {
                done += 1
            } else if let (status, reason) = reasons[job.input] {
                if status == "failed" { failed.append((job.input, reason)) } else { skipped += 1 }
            } else {
                missing.append(job.output)
            }
        }
        shards = first.count
        absent = (1...first.count).filter { index in !found.contains { $0.index == index } }
        self.done = done
        self.missing = missing
        self.failed = failed
        self.skipped = skipped
        repeated = written.values.count { $0 > 1 }
        self.nodes = nodes.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    /// Lists at most this many names.
    private static let mostNames = 20

    var text: String {
        let counts =
            """
            \(done) done, \(missing.count) missing, \(failed.count) failed, \(skipped) \
            skipped, \(repeated) computed again
            """
        var lines = ["\(done + missing.count + failed.count + skipped) results in \(shards) shards: \(counts)"]
        if !nodes.isEmpty {
            lines.append(
                Table(
                    ["node", "images", "seconds", "seconds per image"],
                    nodes.map { name, node in
                        [
                            name.printable, "\(node.images)", Text.fixed(node.seconds, 1),
                            Text.fixed(node.seconds / Double(max(1, node.images)), 2),
                        ]
                    }, right: [1, 2, 3]
                ).text)
        }
        for index in absent.prefix(Self.mostNames) { lines.append("shard \(index)/\(shards) has not begun") }
        for name in missing.prefix(Self.mostNames) { lines.append("missing: \(name.printable)") }
        for (input, reason) in failed.prefix(Self.mostNames) {
            lines.append("failed: \(input.printable): \(reason.printable(limit: 4096))")
        }
        return lines.joined(separator: "\n")
    }

    var json: JSON {
        [
            "shards": .int(shards), "notBegun": .array(absent.map { .int($0) }), "done": .int(done),
            "skipped": .int(skipped),
            "repeated": .int(repeated), "missing": .array(missing.map { .string($0) }),
            "failed": .array(failed.map { ["input": .string($0.input), "reason": .string($0.reason)] }),
            "nodes": .array(
                nodes.map {
                    ["node": .string($0.name), "images": .int($0.node.images), "seconds": .number($0.node.seconds)]
                }),
        ]
    }
}
