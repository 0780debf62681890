import Foundation
import SRDFile
import SRDiff
import TestSupport
import Testing

/// A file that a tool writes to the folder `out`.
enum FaultOutput: Sendable {
    /// The bytes are the same in every run.
    case bytes(String)
    /// The pixels are the same. The metadata state the duration.
    case pixels(String)
    /// The end is the same. The text states the duration.
    case ending(String)

    var name: String {
        switch self {
        case .bytes(let name), .pixels(let name), .ending(let name): name
        }
    }

    /// What must be the same in every run, or nil if there is no such file.
    func content(in folder: String) -> Data? {
        guard let bytes = FileManager.default.contents(atPath: "\(folder)/out/\(name)") else { return nil }
        switch self {
        case .bytes: return bytes
        case .pixels:
            return (try? Image(parsing: Array(bytes))).map { $0.samples.withUnsafeBytes { Data($0) } } ?? Data()
        case .ending: return bytes.suffix(8)
        }
    }
}

/// What a tool is run with, in a folder of tiny inputs. Everything it writes goes to `out`.
struct FaultCase: CustomTestStringConvertible, Sendable {
    let tool: String
    let arguments: [String]
    let outputs: [FaultOutput]
    var writes: Bool { !outputs.isEmpty }
    var testDescription: String { "\(tool) \(arguments[0])" }

    static let all: [FaultCase] = [
        FaultCase(
            tool: "srdiff-upscale",
            arguments: ["in.png", "second.ppm", "-o", "out", "--model", "tiny.int8.safetensors", "--steps", "1"],
            outputs: [.bytes("in_x4.png"), .bytes("second_x4.png")]),
        FaultCase(
            tool: "srdiff-inspect",
            arguments: ["tiny.safetensors", "--export", "out/tiny.safetensors", "--overwrite"],
            outputs: [.bytes("tiny.safetensors")]),
        FaultCase(tool: "srdiff-join", arguments: ["rows", "-o", "out/joined.png"], outputs: [.bytes("joined.png")]),
        FaultCase(
            tool: "srdiff-interpolate",
            arguments: [
                "in.png", "--seeds", "1", "2", "--frames", "2", "-o", "out", "--model", "tiny.safetensors", "--steps",
                "1",
            ],
            outputs: [.bytes("frame_000.png"), .bytes("frame_001.png"), .bytes("sheet.png")]),
        FaultCase(
            tool: "srdiff-fuse",
            arguments: [
                "in.png", "other.png", "--box", "1,1,3,3", "-o", "out/fused.png", "--model", "tiny.safetensors",
                "--steps", "2",
            ],
            outputs: [.bytes("fused.png")]),
        FaultCase(
            tool: "srdiff-quantize",
            arguments: [
                "tiny.safetensors", "--calibration", "photos", "-o", "out/tiny.int8.safetensors", "--report",
                "out/report.md", "--threads", "1",
            ],
            outputs: [.bytes("tiny.int8.safetensors"), .ending("report.md")]),
        FaultCase(
            tool: "srdiff-evaluate",
            arguments: [
                "tiny.int8.safetensors", "--reference", "tiny.safetensors", "--images", "photos", "--steps", "1",
                "--save-images", "out", "--report", "out/report.html", "--csv",
            ],
            outputs: [.pixels("bicubic/a.png"), .ending("report.html")]),
        FaultCase(
            tool: "srdiff-bench",
            arguments: [
                "--model", "tiny.int8.safetensors", "--size", "8", "--steps", "1", "--repeat", "1", "--format", "json",
            ],
            outputs: []),
    ]

    /// `SRD_FAULTS`, a tool's name or "all", runs every fault and more kills.
    private static let request = ProcessInfo.processInfo.environment["SRD_FAULTS"]
    static let isThorough = request != nil
    static let chosen = isThorough ? all.filter { request == "all" || request == $0.tool } : all
    /// Without a request every call of two tools fails in turn, and of others the 1st, 2nd, 4th, 8th, ….
    var isWhole: Bool { Self.isThorough || ["srdiff-upscale", "srdiff-inspect"].contains(tool) }

    func writeInputs(to folder: String) throws {
        try TinyModel.write(to: "\(folder)/tiny.safetensors")
        try TinyQuantizer.write(to: "\(folder)/tiny.int8.safetensors")
        try Image.random(7, 5).write(to: "\(folder)/in.png")
        try Image.random(7, 5).write(to: "\(folder)/other.png")
        try FileOutput.write(atomically: [Image.random(6, 4).encoded(as: .pnm)], to: "\(folder)/second.ppm")
        for name in ["photos", "rows", "out"] { try makeFolder("\(folder)/\(name)") }
        try Image.random(20, 16).write(to: "\(folder)/photos/a.png")
        // Large enough that a join can be killed.
        for rows in [0..<300, 300..<800] {
            var part = Image.random(500, rows.count)
            part.metadata.addText(keyword: RunSettings.keyword, RunSettings.text([RunSettings.rows(rows, of: 800)]))
            try part.write(to: "\(folder)/rows/\(rows.lowerBound).png")
        }
    }

    func clear(_ folder: String) throws {
        for name in try list("\(folder)/out") { try FileManager.default.removeItem(atPath: "\(folder)/out/\(name)") }
    }

    /// The content of each output that exists, by name.
    func contents(_ folder: String) -> [String: Data] {
        var contents: [String: Data] = [:]
        for output in outputs { contents[output.name] = output.content(in: folder) }
        return contents
    }

    /// Temporary files in `out` and its folders.
    func partials(_ folder: String) throws -> [String] {
        try FileManager.default.subpathsOfDirectory(atPath: "\(folder)/out").filter { $0.contains(".partial") }
    }
}

/// A kind of call that fails, with an errno. See `Tests/Faults/faults.c`.
struct Fault: Hashable, CustomStringConvertible {
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
