import ArgumentParser
import Glibc
import SRDiff

/// What goes wrong in a tool beyond the libraries' own errors, in words for its user. Exit status 1.
public struct ToolError: Error, CustomStringConvertible {
    public let description: String
    public init(_ description: String) { self.description = description }
}

extension ParsableCommand {
    /// Parses, runs and leaves: 0 all went well, 1 something failed, 2 the command line makes no sense, 128 + n signal n.
    public static func runTool() -> Never {
        Interrupts.install()
        do {
            var command = try parseAsRoot()
            try command.run()
            Glibc.exit(0)
        } catch {
            switch exitCode(for: error) {
            case .success:                               // --help, --version
                Terminal.output.line(fullMessage(for: error))
                Glibc.exit(0)
            case .validationFailure:
                report(message(for: error))
                Terminal.error.line("`\(name) --help` says how it is used.")
                Glibc.exit(2)
            default:
                if case SRDiffError.unknownInstructionSet = error {
                    report("\(error)")
                    Glibc.exit(2)
                }
                if !(error is ExitCode) { report("\(error)") }
                Glibc.exit(1)
            }
        }
    }

    /// A failure on standard error, with the tool's name before it.
    public static func report(_ message: String) { Terminal.error.line("\(name): \(message)") }

    private static var name: String { configuration.commandName ?? _commandName }
}

/// The same in every tool.
public enum ToolInfo {
    public static let exitCodes = """
        EXIT STATUS
          0    all went well
          1    something failed; the message names the file
          2    the command line makes no sense
          130  stopped by Ctrl-C (128 + signal)
        """
}
