import ArgumentParser
import SRDiff
import ToolSupport

/// `srdiff` without the name of a tool: its help lists them, anything else is a usage error.
struct Overview: ParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "srdiff",
            abstract:
                "Upscales images with SRDiff, a diffusion model, and converts, inspects and measures such models.",
            usage: "srdiff TOOL [ARGUMENT...]",
            discussion: """
                TOOLS
                \(toolList)

                `srdiff TOOL --help` shows a tool's usage. `srdiff upscale` and `srdiff-upscale`
                are the same.

                \(ToolInfo.exitCodes)
                """,
            version: SRDiffVersion.string
        )
    }

    private static var toolList: String {
        let names = Toolbox.shortNames
        let width = names.map(\.count).max() ?? 0
        let lines = zip(names, Toolbox.tools).map { name, tool in
            "  " + name + String(repeating: " ", count: width - name.count + 2) + tool.purpose
        }
        return lines.joined(separator: "\n")
    }

    @Argument(
        help: ArgumentHelp("A tool's name; its own arguments follow.", valueName: "tool"),
        completion: .list(Toolbox.shortNames))
    var tool: String

    func validate() throws {
        throw ValidationError(
            "there is no tool '\(tool)' (expected as first argument: \(Toolbox.shortNames.joined(separator: ", ")))")
    }
}
