import Foundation
import Testing
import SRDiff
import TestSupport

@Suite("srdiff-interpolate", .serialized)
struct InterpolateTests {
    func withSetting<Result>(_ body: (_ folder: String, _ options: [String]) throws -> Result) throws -> Result {
        try withTemporaryFolder { folder in
            try TinyModel.write(to: "\(folder)/tiny.safetensors")
            try Image.random(7, 5).write(to: "\(folder)/in.png")
            try Image.waves(27, 22, phase: 0).write(to: "\(folder)/a.png")
            try Image.waves(27, 22, phase: 9).write(to: "\(folder)/b.png")
            return try body(folder, ["--model", "\(folder)/tiny.safetensors", "--steps", "3"])
        }
    }

    func bytes(_ path: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: path)) }

    func text(_ path: String) throws -> String? {
        try readImage(path).metadata.texts.first { $0.keyword == "srdiff" }?.text
    }

    @Test("help names every option, and exits 0")
    func help() throws {
        let run = try ToolRun("srdiff-interpolate", ["--help"])
        #expect(run.status == 0)
        for option in [
            "--seeds", "--frames", "--linear", "--low", "--strength", "--seed ", "--output", "--model", "--steps",
            "--overwrite",
            "--strip-metadata", "--quiet", "--force", "EXIT STATUS", "EXAMPLES",
        ] {
            #expect(run.text.contains(option), "\(option)")
        }
    }

    @Test(
        "usage errors exit 2 and say why",
        arguments: [
            [], ["a.png"], ["a.png", "b.png", "c.png"], ["a.png", "--seeds", "1"], ["a.png", "--seeds", "1", "1"],
            ["a.png", "--seeds", "1", "2", "3"],
            ["a.png", "b.png", "--seeds", "1", "2"], ["a.png", "b.png", "--frames", "1"],
            ["a.png", "b.png", "--strength", "0"],
            ["a.png", "b.png", "--strength", "1.5"], ["a.png", "--seeds", "1", "2", "--strength", "0.5"],
            ["a.png", "b.png", "--steps", "0"],
            ["-", "-"], ["a.png", "b.png", "--eta", "1"],
        ])
    func usage(arguments: [String]) throws {
        let run = try ToolRun("srdiff-interpolate", arguments)
        #expect(run.status == 2 && !run.error.isEmpty && run.output.isEmpty)
    }

    @Test("between seeds, the ends are the files that srdiff-upscale writes", arguments: [[], ["--linear"]])
    func endsOfSeeds(options extra: [String]) throws {
        try withSetting { folder, options in
            let run = try ToolRun(
                "srdiff-interpolate", ["\(folder)/in.png", "--seeds", "4", "9", "--frames", "4"] + extra + options)
            #expect(run.status == 0, "\(run.error)")
            let frames = "\(folder)/in_x4_seed4-9"
            #expect(
                try list(frames) == ["frame_000.png", "frame_001.png", "frame_002.png", "frame_003.png", "sheet.png"])
            for (seed, frame) in [("4", "frame_000"), ("9", "frame_003")] {
                #expect(
                    try ToolRun(
                        "srdiff-upscale", ["\(folder)/in.png", "-o", "\(folder)/\(seed).png", "--seed", seed] + options
                    ).status == 0)
                let own = try bytes("\(folder)/\(seed).png"), found = try bytes("\(frames)/\(frame).png")
                #expect(own == found)
            }
            let all = try (0..<4).map { try readImage("\(frames)/frame_00\($0).png").samples }
            #expect(Set(all).count == 4)
            let middle = try text("\(frames)/frame_001.png")
            #expect(middle?.contains("seed=4") == true && middle?.contains("toward=9 lambda=0.333") == true)
            #expect(middle?.contains(extra.isEmpty ? "path=spherical" : "path=linear") == true)
        }
    }

    @Test("between images, each end depends on its own image alone, and the way back is the way")
    func endsOfImages() throws {
        try withSetting { folder, options in
            try Image.waves(27, 22, phase: 4).write(to: "\(folder)/c.png")
            for (a, b) in [("a", "b"), ("b", "a"), ("a", "c")] {
                let run = try ToolRun(
                    "srdiff-interpolate", ["\(folder)/\(a).png", "\(folder)/\(b).png", "--frames", "3"] + options)
                #expect(run.status == 0, "\(run.error)")
            }
            func samples(_ folder: String, _ frame: Int) throws -> [UInt16] {
                try readImage("\(folder)/frame_00\(frame).png").samples
            }
            let ab = try (0..<3).map { try samples("\(folder)/a-b", $0) },
                ba = try (0..<3).map { try samples("\(folder)/b-a", $0) }
            #expect(ab[0] == ba[2] && ab[2] == ba[0] && ab[0] != ab[1] && ab[1] != ab[2])
            #expect(zip(ab[1], ba[1]).allSatisfy { abs(Int($0) - Int($1)) <= 1 })  // rounding of a + b and b + a
            #expect(try samples("\(folder)/a-c", 0) == ab[0])
            let image = try readImage("\(folder)/a-b/frame_001.png")
            #expect(image.width == 27 && image.height == 22)
            #expect(try text("\(folder)/a-b/frame_001.png")?.contains("timestep=10 lambda=0.5") == true)
        }
    }

    @Test("--low guides both; gray, alpha and 16 bits become the kind that holds both")
    func kinds() throws {
        try withSetting { folder, options in
            let a = try readImage("\(folder)/a.png").padded(width: 28, height: 24)
            try a.write(to: "\(folder)/a.png")
            try a.converted(channels: 1, bitDepth: 16).write(to: "\(folder)/gray.png")
            try Image.random(28, 24).converted(channels: 4, bitDepth: 8).write(to: "\(folder)/alpha.png")
            try Image.random(7, 6).write(to: "\(folder)/low.png")
            let run = try ToolRun(
                "srdiff-interpolate",
                [
                    "\(folder)/gray.png", "\(folder)/alpha.png", "--low", "\(folder)/low.png", "--frames", "2", "-o",
                    "\(folder)/out",
                ] + options)
            #expect(run.status == 0, "\(run.error)")
            let frame = try readImage("\(folder)/out/frame_001.png")
            #expect(
                frame.channels == 4 && frame.bitDepth == 16
                    && frame.samples.indices.allSatisfy { $0 % 4 < 3 || frame.samples[$0] == 65535 })
            let wrong = try ToolRun(
                "srdiff-interpolate", ["\(folder)/a.png", "\(folder)/alpha.png", "--low", "\(folder)/in.png"] + options)
            #expect(wrong.status == 1 && wrong.error.contains("in.png"))
            let sizes = try ToolRun("srdiff-interpolate", ["\(folder)/a.png", "\(folder)/b.png"] + options)
            #expect(sizes.status == 1 && sizes.error.contains("b.png") && sizes.error.contains("28×24"))
        }
    }

    @Test("run again: our own frames are kept, missing ones made, others' not touched")
    func again() throws {
        try withSetting { folder, options in
            let arguments = ["\(folder)/in.png", "--seeds", "1", "2", "--frames", "3", "-o", "\(folder)/out"] + options
            #expect(try ToolRun("srdiff-interpolate", arguments).status == 0)
            let before = try bytes("\(folder)/out/frame_001.png"), sheet = try bytes("\(folder)/out/sheet.png")
            let idle = try ToolRun("srdiff-interpolate", arguments)
            #expect(idle.status == 0 && idle.text.contains("all frames are there"))
            for name in ["frame_001.png", "sheet.png"] {
                try FileManager.default.removeItem(atPath: "\(folder)/out/\(name)")
            }
            #expect(try ToolRun("srdiff-interpolate", arguments).status == 0)
            #expect(try bytes("\(folder)/out/frame_001.png") == before)
            #expect(try bytes("\(folder)/out/sheet.png") == sheet)

            let other = try ToolRun("srdiff-interpolate", arguments + ["--linear"])
            #expect(other.status == 1 && other.error.contains("frame_001.png") && other.error.contains("--overwrite"))
            #expect(try ToolRun("srdiff-interpolate", arguments + ["--linear", "--overwrite"]).status == 0)
            #expect(try bytes("\(folder)/out/frame_001.png") != before)
        }
    }

    @Test("Ctrl-C leaves whole frames only")
    func interrupted() throws {
        try withSetting { folder, options in
            try Image.random(60, 60).write(to: "\(folder)/large.png")
            let run = try ToolRun(
                "srdiff-interpolate",
                [
                    "\(folder)/large.png", "--seeds", "1", "2", "--frames", "200", "-o", "\(folder)/out", "--threads",
                    "1",
                ] + options,
                environment: ["SRDIFF_CPU": "scalar"], signalAfter: 0.7)
            #expect(run.status == 130, "\(run.status) \(run.error)")
            for name in (try? list("\(folder)/out")) ?? [] {
                #expect(try readImage("\(folder)/out/\(name)").width == 240)
            }
        }
    }
}

extension Image {
    /// Smooth, and another for each phase.
    static func waves(_ width: Int, _ height: Int, phase: Int) -> Image {
        func wave(_ i: Int, _ period: Int) -> Int { abs((i + phase) % (2 * period) - period) * 100 / period }
        return Image(
            width: width, height: height, channels: 3, bitDepth: 8,
            samples: (0..<width * height * 3).map { i in
                let x = i / 3 % width, y = i / 3 / width
                return UInt16(30 + wave(x + 7 * (i % 3), 13) / 2 + wave(2 * y + x, 19))
            })
    }
}
