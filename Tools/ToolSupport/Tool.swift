import ArgumentParser
import Glibc
import SRDFile
import SRDiff

/// An error of a tool beyond the libraries' own, in words for its user. Exit status 1.
public struct ToolError: Error, CustomStringConvertible {
    public let description: String
    public init(_ description: String) { self.description = description }
}

extension ParsableCommand {
    /// Parses the arguments, runs and exits: 0 success, 1 something failed, 2 a usage error, 128 + n signal n.
    ///
    /// - Parameter first: the index of the first argument to parse; 2 if argument 1 named the tool.
    public static func runTool(from first: Int = 1) -> Never {
        Interrupts.install()
        _ = usesOnePool
        let arguments = Self.arguments(from: first)
        do {
            var command = try parseAsRoot(arguments)
            try command.run()
            leave(0)
        } catch {
            switch exitCode(for: error) {
            case .success:  // --help, --version
                Terminal.output.line(fullMessage(for: error))
                leave(0)
            case .validationFailure:
                report(message(for: error))
                if let file = arguments.first(where: { $0.hasPrefix("-") && $0 != "-" && FilePath.exists($0) }) {
                    Terminal.error.line(
                        """
                        There is a file of this name: write ./\(file.printable), or put it after `--`. \
                        `-` is standard input.
                        """)
                }
                Terminal.error.line("`\(name) --help` shows usage.")
                leave(2)
            default:
                if case SRDiffError.unknownInstructionSet = error {
                    report("\(error)")
                    leave(2)
                }
                if !(error is ExitCode) { report("\(error)") }
                leave(1)
            }
        }
    }

    /// The arguments, whose bytes need not be UTF-8: see `String.init(pathBytes:)`.
    private static func arguments(from first: Int) -> [String] {
        (first..<max(first, Int(CommandLine.argc))).compactMap { CommandLine.unsafeArgv[$0].map { String(path: $0) } }
    }

    private static func leave(_ status: Int32) -> Never {
        if let failure = Terminal.outputFailure {
            report("\(failure)")
            Glibc.exit(max(1, status))
        }
        Glibc.exit(status)
    }

    /// A failure on standard error, with the tool's name before it.
    public static func report(_ message: String) { Terminal.error.line("\(name): \(message)") }

    private static var name: String { configuration.commandName ?? _commandName }
}

/// Texts that all tools share.
public enum ToolInfo {
    public static let exitCodes = """
        EXIT STATUS
          0    success; images may have been skipped
          1    something failed; the message names the file
          2    usage error
          130  stopped by Ctrl-C (128 + signal)
        """
}
