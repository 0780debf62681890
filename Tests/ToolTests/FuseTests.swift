import Foundation
import Testing
import SRDiff
import TestSupport

@Suite("srdiff-fuse", .serialized)
struct FuseTests {
    /// Sides that are no multiples of the scale.
    static let width = 61, height = 46

    func withSetting<Result>(_ body: (_ folder: String, _ options: [String]) throws -> Result) throws -> Result {
        try withTemporaryFolder { folder in
            try TinyModel.write(to: "\(folder)/tiny.safetensors")
            try Image.waves(Self.width, Self.height, phase: 0).write(to: "\(folder)/base.png")
            try Image.waves(Self.width, Self.height, phase: 11).write(to: "\(folder)/other.png")
            return try body(folder, ["--model", "\(folder)/tiny.safetensors", "--steps", "3"])
        }
    }

    func mask(_ share: (_ x: Int, _ y: Int) -> UInt16) -> Image {
        Image(
            width: Self.width, height: Self.height, channels: 1, bitDepth: 8,
            samples: (0..<Self.width * Self.height).map { share($0 % Self.width, $0 / Self.width) })
    }

    func fuse(_ folder: String, _ arguments: [String], _ options: [String]) throws -> Image {
        let run = try ToolRun(
            "srdiff-fuse",
            ["\(folder)/base.png", "\(folder)/other.png", "-o", "\(folder)/out.png", "--overwrite"] + arguments
                + options)
        #expect(run.status == 0, "\(run.error)")
        return try readImage("\(folder)/out.png")
    }

    @Test("help names every option, and exits 0")
    func help() throws {
        let run = try ToolRun("srdiff-fuse", ["--help"])
        #expect(run.status == 0)
        for option in [
            "--box", "--mask", "--from", "--output", "--strength", "--feather", "--guide", "--seed", "--model",
            "--steps", "--overwrite",
            "--strip-metadata", "--quiet", "--force", "EXIT STATUS", "EXAMPLES",
        ] {
            #expect(run.text.contains(option), "\(option)")
        }
    }

    @Test(
        "usage errors exit 2 and say why",
        arguments: [
            [], ["a.png"], ["a.png", "b.png"], ["a.png", "b.png", "--box", "1,2,3"],
            ["a.png", "b.png", "--box", "1,2,0,4"],
            ["a.png", "b.png", "--box", "-1,2,3,4"], ["a.png", "b.png", "--box", "1,2,3,4", "--mask", "m.png"],
            ["a.png", "b.png", "--box", "1,2,3,4", "--from", "1"],
            ["a.png", "b.png", "--box", "1,2,3,4", "--strength", "0"],
            ["a.png", "b.png", "--box", "1,2,3,4", "--feather", "-1"],
            ["a.png", "b.png", "--box", "1,2,3,4", "-o", "x.gif"],
            ["a.png", "b.png", "--box", "1,2,3,4", "--guide", "c"], ["-", "-", "--box", "1,2,3,4"],
        ])
    func usage(arguments: [String]) throws {
        let run = try ToolRun("srdiff-fuse", arguments)
        #expect(run.status == 2 && !run.error.isEmpty && run.output.isEmpty)
    }

    @Test("an empty mask changes nothing: the file is BASE's own")
    func emptyMask() throws {
        try withSetting { folder, options in
            try mask { _, _ in 0 }.write(to: "\(folder)/mask.png")
            let result = try fuse(folder, ["--mask", "\(folder)/mask.png"], options)
            let base = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/base.png")),
                own = try readImage("\(folder)/base.png")
            #expect(try Data(contentsOf: URL(fileURLWithPath: "\(folder)/out.png")) == base)
            #expect(result.samples == own.samples)
        }
    }

    @Test("outside the region every pixel is BASE's, inside it changes; box and mask agree", arguments: [0, 3, 40])
    func outside(feather: Int) throws {
        try withSetting { folder, options in
            func isInside(_ x: Int, _ y: Int) -> Bool { (13..<13 + 20).contains(x) && (9..<9 + 17).contains(y) }
            try mask { isInside($0, $1) ? 255 : 0 }.write(to: "\(folder)/mask.png")
            let base = try readImage("\(folder)/base.png")
            let boxed = try fuse(folder, ["--box", "13,9,20,17", "--feather", "\(feather)"], options)
            let masked = try fuse(folder, ["--mask", "\(folder)/mask.png", "--feather", "\(feather)"], options)
            #expect(boxed.samples == masked.samples && boxed.width == Self.width)
            var changed = 0
            for i in base.samples.indices where boxed.samples[i] != base.samples[i] {
                #expect(isInside(i / 3 % Self.width, i / 3 / Self.width))
                changed += 1
            }
            #expect(changed > 20 * 17)
            #expect(
                boxed.metadata.texts.contains {
                    $0.text?.contains("fused timestep=6 feather=\(feather) guide=both") == true
                })
        }
    }

    @Test("the whole image as region is a new sample of REFERENCE, whatever BASE was; with --guide base it is not")
    func wholeRegion() throws {
        try withSetting { folder, options in
            let whole = ["--box", "0,0,\(Self.width),\(Self.height)"]
            let first = try fuse(folder, whole, options)
            let guided = try fuse(folder, whole + ["--guide", "base"], options)
            try Image.random(Self.width, Self.height).write(to: "\(folder)/base.png")
            #expect(try fuse(folder, whole, options).samples == first.samples)
            #expect(guided.samples != first.samples)
            let run = try ToolRun(
                "srdiff-interpolate",
                [
                    "\(folder)/other.png", "\(folder)/base.png", "--frames", "2", "--strength", "0.3", "-o",
                    "\(folder)/frames",
                ] + options)
            #expect(run.status == 0, "\(run.error)")
            #expect(try readImage("\(folder)/frames/frame_000.png").samples == first.samples)
        }
    }

    @Test("--from takes the region from there, and REFERENCE may be of any size")
    func from() throws {
        try withSetting { folder, options in
            let here = try fuse(folder, ["--box", "20,12,16,15"], options)
            try readImage("\(folder)/other.png").cropped(x: 18, y: 11, width: 30, height: 20).write(
                to: "\(folder)/other.png")
            #expect(try fuse(folder, ["--box", "20,12,16,15", "--from", "2,1"], options).samples == here.samples)
            let beyond = try ToolRun(
                "srdiff-fuse",
                ["\(folder)/base.png", "\(folder)/other.png", "--box", "20,12,16,15", "--from", "20,1"] + options)
            #expect(beyond.status == 1 && beyond.error.contains("other.png") && beyond.error.contains("30×20"))
        }
    }

    @Test("BASE's kind stays: gray, alpha, 16 bits", arguments: 1...4, [8, 16])
    func kinds(channels: Int, bitDepth: Int) throws {
        try withSetting { folder, options in
            var base = try readImage("\(folder)/base.png").converted(channels: channels, bitDepth: bitDepth)
            if base.hasAlpha {
                for i in stride(from: channels - 1, to: base.samples.count, by: channels) {
                    base.samples[i] = UInt16(i % 200)
                }
            }
            try base.write(to: "\(folder)/base.png")
            let result = try fuse(folder, ["--box", "8,8,24,20"], options)
            #expect(result.channels == channels && result.bitDepth == bitDepth && result.samples != base.samples)
            if base.hasAlpha {
                #expect(
                    stride(from: channels - 1, to: base.samples.count, by: channels).allSatisfy {
                        result.samples[$0] == base.samples[$0]
                    })
            }
        }
    }

    @Test("what does not fit is an error that names it, and nothing is written")
    func misfits() throws {
        try withSetting { folder, options in
            try Image.random(9, 9).write(to: "\(folder)/small.png")
            let before = try list(folder), base = "\(folder)/base.png", other = "\(folder)/other.png",
                small = "\(folder)/small.png"
            for (arguments, names) in [
                ([base, small, "--box", "1,1,4,4"], ["small.png", "9×9", "61×46", "--from"]),
                ([base, other, "--mask", small], ["small.png", "9×9"]),
                ([base, other, "--box", "50,40,20,20"], ["50,40,20,20", "61×46"]),
                ([base, "\(folder)/none.png", "--box", "1,1,4,4"], ["none.png"]),
                ([base, other, "--mask", "\(folder)/tiny.safetensors"], ["tiny.safetensors"]),
                ([base, other, "--box", "1,1,4,4", "-o", other], ["other.png"]),
            ] {
                let run = try ToolRun("srdiff-fuse", arguments + options)
                #expect(run.status == 1 && names.allSatisfy { run.error.contains($0) }, "\(run.status) \(run.error)")
            }
            #expect(try list(folder) == before)

            #expect(try ToolRun("srdiff-fuse", [base, other, "--box", "1,1,4,4"] + options).status == 0)
            #expect(try list(folder) == before.union(["base_fused.png"]))
            let again = try ToolRun("srdiff-fuse", [base, other, "--box", "1,1,4,4"] + options)
            #expect(again.status == 1 && again.error.contains("--overwrite"))
        }
    }

    @Test("the same pixels for every number of threads and every instruction set", arguments: UpscaleTests.forms)
    func samePixels(form: String) throws {
        try withSetting { folder, options in
            var options = options
            if form == "int8" {
                options[1] = "\(folder)/tiny.int8.safetensors"
                try TinyQuantizer.write(to: options[1])
            }
            let one = try fuse(folder, ["--box", "8,8,24,20", "--threads", "1"], options)
            for cpu in ["scalar", "sse41", "avx2", "avxvnni", "avx512vnni", "neon", "neon-dotprod", "neon-i8mm"] {
                let run = try ToolRun(
                    "srdiff-fuse",
                    [
                        "\(folder)/base.png", "\(folder)/other.png", "-o", "\(folder)/\(cpu).png", "--box", "8,8,24,20",
                        "--threads", "3",
                    ] + options,
                    environment: ["SRDIFF_CPU": cpu])
                if run.status == 2 { continue }  // this machine lacks it
                #expect(try readImage("\(folder)/\(cpu).png").samples == one.samples)
            }
        }
    }
}
