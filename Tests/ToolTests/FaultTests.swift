import Foundation
import SRDFile
import SRDiff
import TestSupport
import Testing

/// What a tool is run with, in a folder of tiny inputs. Everything it writes goes to `out`.
private struct FaultCase: CustomTestStringConvertible, Sendable {
    let tool: String
    let arguments: [String]
    /// Names in `out` whose bytes are the same in every run.
    let outputs: [String]
    var writes: Bool { !outputs.isEmpty }
    var testDescription: String { "\(tool) \(arguments[0])" }

    static let all: [FaultCase] = [
        FaultCase(
            tool: "srdiff-upscale",
            arguments: ["in.png", "second.ppm", "-o", "out", "--model", "tiny.int8.safetensors", "--steps", "1"],
            outputs: ["in_x4.png", "second_x4.png"]),
        FaultCase(
            tool: "srdiff-inspect",
            arguments: ["tiny.safetensors", "--export", "out/tiny.safetensors", "--overwrite"],
            outputs: ["tiny.safetensors"]),
        FaultCase(
            tool: "srdiff-interpolate",
            arguments: [
                "in.png", "--seeds", "1", "2", "--frames", "2", "-o", "out", "--model", "tiny.safetensors", "--steps",
                "1",
            ],
            outputs: ["frame_000.png", "frame_001.png", "sheet.png"]),
        FaultCase(
            tool: "srdiff-fuse",
            arguments: [
                "in.png", "other.png", "--box", "1,1,3,3", "-o", "out/fused.png", "--model", "tiny.safetensors",
                "--steps", "2",
            ],
            outputs: ["fused.png"]),
        FaultCase(
            tool: "srdiff-quantize",
            arguments: [
                "tiny.safetensors", "--calibration", "photos", "-o", "out/tiny.int8.safetensors", "--report",
                "out/report.md", "--threads", "1",
            ],
            outputs: ["tiny.int8.safetensors"]),
        FaultCase(
            tool: "srdiff-evaluate",
            arguments: [
                "tiny.int8.safetensors", "--reference", "tiny.safetensors", "--images", "photos", "--steps", "1",
                "--save-images", "out", "--csv",
            ],
            outputs: []),
        FaultCase(
            tool: "srdiff-bench",
            arguments: [
                "--model", "tiny.int8.safetensors", "--size", "8", "--steps", "1", "--repeat", "1", "--format", "json",
            ],
            outputs: []),
    ]

    /// `SRD_FAULTS`, a tool's name or "all", runs more than the first two tools, and more kills.
    private static let request = ProcessInfo.processInfo.environment["SRD_FAULTS"]
    static let isThorough = request != nil
    static let chosen = isThorough ? all.filter { request == "all" || request == $0.tool } : Array(all.prefix(2))

    func writeInputs(to folder: String) throws {
        try TinyModel.write(to: "\(folder)/tiny.safetensors")
        try TinyQuantizer.write(to: "\(folder)/tiny.int8.safetensors")
        try Image.random(7, 5).write(to: "\(folder)/in.png")
        try Image.random(7, 5).write(to: "\(folder)/other.png")
        try FileOutput.write(atomically: [Image.random(6, 4).encoded(as: .pnm)], to: "\(folder)/second.ppm")
        try FileManager.default.createDirectory(atPath: "\(folder)/photos", withIntermediateDirectories: true)
        try Image.random(20, 16).write(to: "\(folder)/photos/a.png")
        try FileManager.default.createDirectory(atPath: "\(folder)/out", withIntermediateDirectories: true)
    }

    func clear(_ folder: String) throws {
        for name in try list("\(folder)/out") { try FileManager.default.removeItem(atPath: "\(folder)/out/\(name)") }
    }

    /// The files that must have one content, by name.
    func contents(_ folder: String) -> [String: Data] {
        var contents: [String: Data] = [:]
        for name in outputs { contents[name] = FileManager.default.contents(atPath: "\(folder)/out/\(name)") }
        return contents
    }
}

/// A kind of call that fails, with an errno. See `Tests/Faults/faults.c`.
private struct Fault: Hashable, CustomStringConvertible {
    let kind: String, code: Int32
    var description: String { "\(kind) \(code == 0 ? "half" : String(cString: strerror(code)))" }

    static let all = [
        Fault(kind: "open", code: EMFILE), Fault(kind: "open", code: EINTR), Fault(kind: "read", code: EIO),
        Fault(kind: "read", code: EINTR), Fault(kind: "read", code: 0), Fault(kind: "write", code: ENOSPC),
        Fault(kind: "write", code: EINTR), Fault(kind: "write", code: 0), Fault(kind: "fsync", code: EIO),
        Fault(kind: "fsync", code: EINTR), Fault(kind: "rename", code: EACCES), Fault(kind: "mmap", code: ENOMEM),
        Fault(kind: "malloc", code: ENOMEM), Fault(kind: "thread", code: EAGAIN),
    ]
}

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
    fileprivate func faults(test: FaultCase) throws {
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
                for n in 1...5000 {
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
                    let contents = test.contents(folder), names = try list("\(folder)/out")
                    if found.status == 0 { #expect(contents == expected, "\(where_)") }
                    for (name, bytes) in contents { #expect(bytes == expected[name], "\(where_): \(name) is broken") }
                    #expect(!names.contains { $0.contains(".partial") }, "\(where_): \(names)")
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
    fileprivate func kills(test: FaultCase) throws {
        try withTemporaryFolder { folder in
            try test.writeInputs(to: folder)
            let start = ContinuousClock.now
            let clean = try ToolRun(test.tool, test.arguments, folder: folder)
            #expect(clean.status == 0, "\(clean.error)")
            let took = (ContinuousClock.now - start) / .seconds(1), expected = test.contents(folder)
            var random = SeededRandom(seed: SeededRandom.seed), killed = 0, partials = 0
            for _ in 0..<(FaultCase.isThorough ? 100 : 10) {
                for name in test.outputs { try? FileManager.default.removeItem(atPath: "\(folder)/out/\(name)") }
                let moment = Double.random(in: 0...1.1 * took, using: &random)
                let run = try ToolRun(test.tool, test.arguments, signalAfter: moment, signal: SIGKILL, folder: folder)
                #expect(run.status == 0 || run.status == 128 + SIGKILL, "\(run.status) \(run.error)")
                if run.status != 0 { killed += 1 }
                for (name, bytes) in test.contents(folder) { #expect(bytes == expected[name], "\(name) is broken") }
                partials = max(partials, try list("\(folder)/out").count { $0.hasSuffix(".partial") })
            }
            for name in test.outputs { try? FileManager.default.removeItem(atPath: "\(folder)/out/\(name)") }
            #expect(try ToolRun(test.tool, test.arguments, folder: folder).status == 0)
            #expect(test.contents(folder) == expected)
            #expect(try !list("\(folder)/out").contains { $0.contains(".partial") })
            print("\(test.tool): killed \(killed) times, \(partials) temporary files at most, none after the next run")
        }
    }
}
