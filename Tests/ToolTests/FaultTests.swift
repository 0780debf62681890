import Foundation
import TestSupport
import Testing

@Suite("Faults", .serialized)
struct FaultTests {
    private static let compiler: String? = {
        let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
        return ["clang", "cc"].flatMap { name in folders.map { "\($0)/\(name)" } }
            .first { FileManager.default.isExecutableFile(atPath: $0) }
    }()

    private func compile(into folder: String) throws -> String {
        let library = "\(folder)/faults.so",
            source = SharedFiles.packageRoot.appendingPathComponent("Tests/Faults/faults.c").path
        let process = Process()
        process.executableURL = URL(fileURLWithPath: Self.compiler ?? "")
        process.arguments = ["-Wall", "-Werror", "-O1", "-shared", "-fPIC", "-o", library, source, "-ldl"]
        try process.run()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        return library
    }

    @Test(
        "whatever call fails, a tool succeeds or says why, and leaves no broken file",
        .enabled(if: FaultTests.compiler != nil, "there is no C compiler"), arguments: FaultCase.chosen)
    func faults(test: FaultCase) throws {
        try withTemporaryFolder { folder in
            let library = try compile(into: folder), log = "\(folder)/reached"
            try test.writeInputs(to: folder)
            func run(_ environment: [String: String] = [:]) throws -> ToolRun {
                try test.clear(folder)
                return try ToolRun(test.tool, test.arguments, environment: environment, folder: folder)
            }
            let clean = try run()
            #expect(clean.status == 0, "\(clean.error)")
            let expected = test.contents(folder), inputs = try list(folder)
            #expect(expected.count == test.outputs.count)
            var injected: [String: Int] = [:], failures = 0
            for fault in Fault.all {
                var n = 0
                while n < 5000 {
                    n = test.isWhole ? n + 1 : max(1, 2 * n)
                    let found = try run([
                        "LD_PRELOAD": library, "SRD_FAULT": "\(fault.kind):\(n):\(fault.code)", "SRD_FAULT_LOG": log,
                    ])
                    let where_ = "\(test.tool): \(fault), call \(n): status \(found.status), \(found.error)"
                    let isReached = FileManager.default.fileExists(atPath: log)
                    if isReached { try FileManager.default.removeItem(atPath: log) }
                    #expect(found.status == 0 || isReached && found.status == 1, "\(where_)")
                    if found.status == 1 { #expect(found.error.contains("\(test.tool): "), "\(where_)") }
                    // A call that was interrupted, or took a part of the bytes, is repeated.
                    let isHarmless = fault.code == EINTR && fault.kind != "open" || fault.code == 0
                    if isHarmless { #expect(found.status == 0, "\(where_)") }
                    let contents = test.contents(folder), partials = try test.partials(folder)
                    if found.status == 0 { #expect(contents == expected, "\(where_)") }
                    for (name, bytes) in contents { #expect(bytes == expected[name], "\(where_): \(name) is broken") }
                    #expect(partials.isEmpty, "\(where_): \(partials)")
                    #expect(try list(folder) == inputs, "\(where_)")
                    guard isReached else { break }
                    injected[fault.kind, default: 0] += 1
                    if found.status != 0 { failures += 1 }
                }
            }
            let counts = injected.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
            print(
                """
                \(test.tool): \(injected.values.reduce(0, +)) faults (\(counts)), of which \
                \(failures) ended the run with an error
                """
            )
            #expect(
                injected["open", default: 0] > 0 && injected["read", default: 0] > 0 && injected["mmap", default: 0] > 0
            )
        }
    }

    @Test(
        "kill −9 at any moment leaves no broken output, and the next run removes what is left",
        arguments: FaultCase.chosen.filter(\.writes))
    func kills(test: FaultCase) throws {
        try withTemporaryFolder { folder in
            try test.writeInputs(to: folder)
            let start = ContinuousClock.now
            let clean = try ToolRun(test.tool, test.arguments, folder: folder)
            #expect(clean.status == 0, "\(clean.error)")
            let took = (ContinuousClock.now - start) / .seconds(1), expected = test.contents(folder)
            var random = SeededRandom(seed: SeededRandom.seed), killed = 0, partials = 0, runs = 0
            let kills = FaultCase.isThorough ? 100 : 10
            while killed < kills && runs < 20 * kills {
                runs += 1
                for output in test.outputs {
                    try? FileManager.default.removeItem(atPath: "\(folder)/out/\(output.name)")
                }
                let moment = Double.random(in: 0...1.1 * took, using: &random)
                let run = try ToolRun(test.tool, test.arguments, signalAfter: moment, signal: SIGKILL, folder: folder)
                #expect(run.status == 0 || run.status == 128 + SIGKILL, "\(run.status) \(run.error)")
                if run.status != 0 { killed += 1 }
                for (name, bytes) in test.contents(folder) { #expect(bytes == expected[name], "\(name) is broken") }
                partials = max(partials, try test.partials(folder).count)
            }
            for output in test.outputs { try? FileManager.default.removeItem(atPath: "\(folder)/out/\(output.name)") }
            #expect(try ToolRun(test.tool, test.arguments, folder: folder).status == 0)
            #expect(test.contents(folder) == expected)
            #expect(try test.partials(folder).isEmpty)
            #expect(killed == kills, "most runs ended before the signal")
            print(
                "\(test.tool): killed in \(killed) of \(runs) runs, \(partials) temporary files at most, "
                    + "none after the next run"
            )
        }
    }
}
