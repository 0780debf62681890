import SRDiff
import ArgumentParser
import ToolSupport

/// The command of `srdiff-bench`.
package var command: any ParsableCommand.Type { Bench.self }

struct Bench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "srdiff-bench",
        abstract: "Measures how fast a model runs on this machine, and how near the machine's limit that is.",
        discussion: """
            EXAMPLES
              srdiff-bench
              srdiff-bench --size 256,512x384 --threads 1,2,4
              srdiff-bench --cpu all --layers
              srdiff-bench kernels --format csv
              srdiff-bench job photo.png --threads 1,2

            \(ToolInfo.exitCodes)
            """,
        version: SRDiffVersion.string,
        subcommands: [ModelBenchmark.self, KernelBenchmark.self, JobBenchmark.self],
        defaultSubcommand: ModelBenchmark.self
    )
}

/// The numbers of threads that `--threads` lists.
enum ThreadCounts {
    static func parse(_ text: String?) throws -> [Int] {
        guard let text else { return [Machine.processors] }
        return try text.split(separator: ",", omittingEmptySubsequences: false).map { item in
            guard let count = Int(item) else { throw ValidationError("--threads \(item): a number of threads") }
            try ThreadOptions.check(count)
            return count
        }
    }
}

/// The instruction sets that `--cpu` names.
enum InstructionSets {
    static func parse(_ text: String?) throws -> [InstructionSet] {
        guard let text else { return [try InstructionSet.fromEnvironment()] }
        if text == "all" { return InstructionSet.available }
        let names = text.split(separator: ",").map(String.init)
        guard !names.isEmpty else { throw ValidationError("--cpu: names of instruction sets, or all") }
        return try names.map { name in
            do { return try InstructionSet.named(name) } catch { throw ValidationError("--cpu: \(error)") }
        }
    }
}
