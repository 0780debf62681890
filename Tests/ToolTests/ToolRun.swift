import Foundation
import TestSupport

/// A tool's run as a user starts it.
struct ToolRun {
    let status: Int32
    let output: Data
    let error: String

    var text: String { String(decoding: output, as: UTF8.self) }

    /// The tools are built next to the test bundle.
    static let folder: URL = {
        // swift test starts …/release/NAME.xctest itself, or a helper with that as its argument.
        let bundle = CommandLine.arguments.first { $0.hasSuffix(".xctest") } ?? Bundle.main.bundlePath
        return URL(fileURLWithPath: bundle).deletingLastPathComponent()
    }()

    /// - Parameters:
    ///   - signalAfter: seconds after which `signal` is sent.
    ///   - folder: the folder it runs in; nil for the test's own.
    @discardableResult
    init(
        _ tool: String, _ arguments: [String], input: Data? = nil, environment: [String: String] = [:],
        signalAfter: Double? = nil, signal: Int32 = SIGINT, folder: String? = nil
    ) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: tool, relativeTo: Self.folder)
        process.arguments = arguments
        if signalAfter != nil {  // a test runner may ignore SIGINT, and what it starts would inherit that
            process.arguments = ["--default-signal=INT", process.executableURL!.path] + arguments
            process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        }
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        if let folder { process.currentDirectoryURL = URL(fileURLWithPath: folder) }
        let output = Pipe(), error = Pipe(), standardInput = Pipe()
        process.standardOutput = output
        process.standardError = error
        process.standardInput = standardInput
        try process.run()
        if let signalAfter {
            DispatchQueue.global().asyncAfter(deadline: .now() + signalAfter) {
                if process.isRunning { kill(process.processIdentifier, signal) }
            }
        }
        DispatchQueue.global().async {
            if let input { try? standardInput.fileHandleForWriting.write(contentsOf: input) }
            try? standardInput.fileHandleForWriting.close()
        }
        nonisolated(unsafe) var errors = Data()
        let done = DispatchSemaphore(value: 0)
        DispatchQueue.global().async {
            errors = error.fileHandleForReading.readDataToEndOfFile()
            done.signal()
        }
        self.output = output.fileHandleForReading.readDataToEndOfFile()
        done.wait()
        process.waitUntilExit()
        status =
            process.terminationReason == .uncaughtSignal ? 128 + process.terminationStatus : process.terminationStatus
        self.error = String(decoding: errors, as: UTF8.self)
    }
}
