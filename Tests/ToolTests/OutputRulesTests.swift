import Foundation
import SRDFile
import SRDiff
import TestSupport
import Testing

/// One rule for all tools: an input is never written over, not even with --overwrite, under whatever name.
@Suite("Rules for outputs", .serialized)
struct OutputRulesTests {
    /// Everything that the tools read.
    private func withInputs<Result>(_ body: (_ folder: String, _ options: [String]) throws -> Result) throws -> Result {
        try withTinyModel { folder, options in
            try Image.waves(64, 48, phase: 0).write(to: "\(folder)/a.png")
            try Image.waves(64, 48, phase: 5).write(to: "\(folder)/b.png")
            try Image.random(7, 5).write(to: "\(folder)/small.png")
            return try body(folder, options)
        }
    }

    /// Tools with an option that names an output, and the input that it must not name.
    private static let cases: [(tool: String, input: String, arguments: [String])] = [
        ("srdiff-upscale", "small.png", ["small.png", "-o", "OUT"]),
        (
            "srdiff-upscale", "small.png",
            ["small.png", "a.png", "--samples", "1", "--overwrite", "--bicubic", "-o", "OUTFOLDER"]
        ),
        ("srdiff-fuse", "a.png", ["a.png", "b.png", "--box", "8,8,16,16", "-o", "OUT"]),
        ("srdiff-fuse", "b.png", ["a.png", "b.png", "--box", "8,8,16,16", "-o", "OUT"]),
        ("srdiff-inspect", "tiny.safetensors", ["tiny.safetensors", "--export", "OUT"]),
        ("srdiff-quantize", "tiny.safetensors", ["tiny.safetensors", "--calibration", "a.png", "-o", "OUT"]),
        ("srdiff-quantize", "tiny.safetensors", ["tiny.safetensors", "--calibration", "a.png", "--report", "OUT"]),
        ("srdiff-quantize", "a.png", ["tiny.safetensors", "--calibration", "a.png", "--report", "OUT"]),
        ("srdiff-evaluate", "tiny.safetensors", ["tiny.safetensors", "--images", "a.png", "--report", "OUT"]),
        ("srdiff-evaluate", "a.png", ["tiny.safetensors", "--images", "a.png", "--plot", "OUT"]),
    ]

    @Test(
        "the input itself, a link to it, and another name of it", arguments: cases.indices,
        ["same", "symbolic", "hard"])
    func inputs(index: Int, link: String) throws {
        let (tool, input, arguments) = Self.cases[index]
        try withInputs { folder, options in
            var out = "\(folder)/\(input)", outFolder = folder
            if arguments.contains("OUTFOLDER") {
                // The result's name in the output folder is a link to an input.
                outFolder = "\(folder)/out"
                try makeFolder(outFolder)
                out = "\(outFolder)/small_x4_bicubic.png"
            } else if link != "same" {
                out = "\(folder)/link.png"
            }
            let files = FileManager.default
            if out != "\(folder)/\(input)" {
                if link == "hard" {
                    try files.linkItem(atPath: "\(folder)/\(input)", toPath: out)
                } else {
                    try files.createSymbolicLink(atPath: out, withDestinationPath: "\(folder)/\(input)")
                }
            }
            let before = try contents("\(folder)/\(input)")
            let words = arguments.map { word -> String in
                if word == "OUT" { return out }
                if word == "OUTFOLDER" { return outFolder }
                return files.fileExists(atPath: "\(folder)/\(word)") ? "\(folder)/\(word)" : word
            }
            let model = ["srdiff-upscale", "srdiff-fuse"].contains(tool) ? options : []
            let overwrite = words.contains("--overwrite") ? [] : ["--overwrite"]
            let run = try ToolRun(tool, words + overwrite + model)
            #expect(
                run.status == 1 && run.error.contains("this is an input"),
                "\(tool) \(words): \(run.status) \(run.error)")
            #expect(try contents("\(folder)/\(input)") == before)
            #expect(try contents(out) == before)
        }
    }

    @Test("frames of srdiff-interpolate are not written over its inputs")
    func interpolate() throws {
        try withInputs { folder, options in
            try makeFolder("\(folder)/frames")
            for (name, number) in [("a", 0), ("b", 1)] {
                try FileManager.default.copyItem(
                    atPath: "\(folder)/\(name).png", toPath: "\(folder)/frames/frame_00\(number).png")
            }
            let before = try contents("\(folder)/frames/frame_001.png")
            let inputs = [0, 1].map { "\(folder)/frames/frame_00\($0).png" }
            let run = try ToolRun("srdiff-interpolate", inputs + ["-o", "\(folder)/frames", "--overwrite"] + options)
            #expect(run.status == 1 && run.error.contains("this is an input"), "\(run.error)")
            #expect(try contents("\(folder)/frames/frame_001.png") == before)
        }
    }

    @Test("two outputs of one name, and a file that exists, are errors before the work")
    func twice() throws {
        try withInputs { folder, _ in
            let arguments = ["\(folder)/tiny.safetensors", "--calibration", "\(folder)/a.png"]
            let out = "\(folder)/out.safetensors"
            let same = try ToolRun("srdiff-quantize", arguments + ["-o", out, "--report", out])
            #expect(
                same.status == 1 && same.error.contains("two outputs") && !FileManager.default.fileExists(atPath: out))
            try write([1], to: out)
            let exists = try ToolRun("srdiff-quantize", arguments + ["-o", out])
            #expect(exists.status == 1 && exists.error.contains("the file exists. Replace it with --overwrite"))
            #expect(try contents(out) == Data([1]))
        }
    }

    @Test(
        "an output folder without permission is found before the work",
        .enabled(if: getuid() != 0, "root may write anywhere"))
    func denied() throws {
        try withInputs { folder, options in
            try makeFolder("\(folder)/closed")
            chmod("\(folder)/closed", 0o500)
            let run = try ToolRun("srdiff-upscale", ["\(folder)/small.png", "-o", "\(folder)/closed/deep/"] + options)
            #expect(run.status == 1 && run.error.contains("permission denied"), "\(run.error)")
        }
    }

    @Test("an output in place of a folder or below a file is an error before the work")
    func places() throws {
        try withInputs { folder, options in
            for out in ["\(folder)/a.png/x.png", "\(folder)/none/deep"] {
                let run = try ToolRun(
                    "srdiff-quantize", ["\(folder)/tiny.safetensors", "--calibration", "\(folder)/a.png", "-o", out])
                #expect(
                    run.status == 1 && run.error.contains("no such folder") && run.error.contains(out), "\(run.error)")
            }
            let run = try ToolRun(
                "srdiff-upscale",
                ["\(folder)/small.png", "\(folder)/a.png", "-o", "\(folder)/tiny.safetensors/x/"] + options)
            #expect(run.status == 1 && run.error.contains("no such folder"), "\(run.error)")
        }
    }
}
