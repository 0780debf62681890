import ArgumentParser
import ToolSupport

@main
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

            \(ToolInfo.exitCodes)
            """,
        version: ToolInfo.version,
        subcommands: [ModelBenchmark.self, KernelBenchmark.self],
        defaultSubcommand: ModelBenchmark.self
    )

    static func main() { runTool() }
}

/// The instruction sets that `--cpu` names.
enum InstructionSets {
    static func parse(_ text: String?) throws -> [String] {
        let all = InstructionSet.names
        guard let text else { return [try InstructionSet.fromEnvironment() ?? all[all.count - 1]] }
        if text == "all" { return all }
        let names = text.split(separator: ",").map(String.init)
        for name in names where !all.contains(name) {
            throw ValidationError("--cpu \(name): this machine has \(all.joined(separator: ", "))")
        }
        guard !names.isEmpty else { throw ValidationError("--cpu: name some of \(all.joined(separator: ", ")), or all") }
        return names
    }
}
