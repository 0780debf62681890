import Foundation
import SRDFile
import SRDiff
import TestSupport
import Testing

/// `srdiff-upscale --rows` and `srdiff-join`.
@Suite("Rows and joining them", .serialized)
struct RowsTests {
    @Test(
        "the joined file is the whole one, byte for byte: colour, alpha, 16 bits, metadata, methods",
        arguments: [
            (3, 8, []), (1, 8, ["--preview"]), (3, 16, ["--bicubic"]), (4, 16, ["--fidelity", "0.5", "--seed", "7"]),
        ])
    func sameFile(_ channels: Int, _ bitDepth: Int, _ extra: [String]) throws {
        try withTinyModel { folder, options in
            var image = Image.random(11, 60).converted(channels: channels, bitDepth: bitDepth)
            if channels == 4 { for i in stride(from: 3, to: image.samples.count, by: 12) { image.samples[i] = 0 } }
            image.metadata.addText(keyword: "Title", "a title")
            try image.write(to: "\(folder)/in.png")
            let options = options + extra
            try expectSuccess(
                ToolRun("srdiff-upscale", ["\(folder)/in.png", "-o", "\(folder)/whole.png", "--overwrite"] + options))
            let parts = "\(folder)/parts\(channels)"
            for i in [2, 3, 1] {
                try expectSuccess(
                    ToolRun("srdiff-upscale", ["\(folder)/in.png", "--rows", "\(i)/3", "-o", "\(parts)/"] + options))
            }
            #expect(try list(parts).count == 3 && list(parts).allSatisfy { $0.contains("rows") })
            let joined = "\(parts)/joined.png"
            for overwrite in [[], ["--overwrite"]] {  // an earlier result among the parts is no part
                try expectSuccess(ToolRun("srdiff-join", [parts, "-o", joined] + overwrite))
            }
            #expect(try contents(joined) == contents("\(folder)/whole.png"), "\(channels) channels, \(bitDepth) bits")
            let piped = try ToolRun.shell("exec \"$0\" \"$@\" -o - | cat", "srdiff-join", ["\(parts)/in*.png"])
            #expect(try piped.output == contents(joined), "\(piped.error)")
        }
    }

    @Test("--rows: defaults, usage errors, rows that the image does not have")
    func options() throws {
        try withTinyModel { folder, options in
            try write(Image.random(6, 5).encoded(as: .pnm), to: "\(folder)/in.ppm")
            try expectSuccess(ToolRun("srdiff-upscale", ["\(folder)/in.ppm", "--rows", "3:9"] + options))
            let part = try Image(contentsOf: "\(folder)/in_x4_rows3-9.png")
            #expect(part.width == 24 && part.height == 6)
            #expect(part.metadata.texts.contains { $0.text?.contains("rows=3:9/20") == true })

            for (rows, expected) in [("3:21", "within 0:20"), ("1/21", "only 20 rows")] {
                let run = try ToolRun(
                    "srdiff-upscale", ["\(folder)/in.ppm", "--rows", rows, "-o", "\(folder)/no.png"] + options)
                #expect(run.status == 1 && run.error.contains("in.ppm") && run.error.contains(expected), "\(run.error)")
            }
            for extra in [
                ["--rows", "3:3"], ["--rows", "-1:3"], ["--rows", "0/2"], ["--rows", "3/2"], ["--rows", "1:2:3"],
                ["--rows", ""],
            ] {
                #expect(try ToolRun("srdiff-upscale", ["\(folder)/in.ppm"] + extra + options).status == 2, "\(extra)")
            }
            for extra in [
                ["--consistent"], ["--strip-metadata"], ["--format", "jpg"], ["--samples", "2", "--statistics"],
                ["-o", "x.jpg"],
            ] {
                let run = try ToolRun("srdiff-upscale", ["\(folder)/in.ppm", "--rows", "0:4"] + extra + options)
                #expect(run.status == 2 && run.error.contains("--rows"), "\(extra): \(run.error)")
            }
            let plan = try ToolRun("srdiff-upscale", ["\(folder)/in.ppm", "--rows", "3:9", "--dry-run"] + options)
            #expect(plan.status == 0 && plan.text.contains("→ 24×6"), "\(plan.text)")
        }
    }

    @Test("attention is refused with the reason")
    func attention() throws {
        try withTemporaryFolder { folder in
            var configuration = TinyModel.configuration
            configuration.hasAttention = true
            try TinyModel.write(to: "\(folder)/tiny.safetensors", TinyModel.tensors(configuration))
            try Image.random(6, 5).write(to: "\(folder)/in.png")
            let run = try ToolRun(
                "srdiff-upscale", ["\(folder)/in.png", "--rows", "0:4", "--model", "\(folder)/tiny.safetensors"])
            #expect(run.status == 1 && run.error.contains("attention, which reads the whole image"), "\(run.error)")
        }
    }

    @Test("what cannot be joined is named: foreign files, gaps, overlaps, other settings, an existing output")
    func wrongParts() throws {
        try withTinyModel { folder, options in
            try Image.random(6, 8).write(to: "\(folder)/in.png")
            func part(_ rows: String, _ name: String, _ extra: [String] = [], input: String = "in.png") throws {
                try expectSuccess(
                    ToolRun(
                        "srdiff-upscale",
                        ["\(folder)/\(input)", "--rows", rows, "-o", "\(folder)/\(name)"] + extra + options))
            }
            try part("0:10", "a.png")
            try part("10:32", "b.png")
            try part("12:32", "gap.png")
            try part("8:32", "overlap.png")
            try part("10:32", "seed.png", ["--seed", "5"])
            try Image.random(7, 8).write(to: "\(folder)/wide.png")
            try part("10:32", "wider.png", input: "wide.png")
            try write(Image.random(6, 8).encoded(as: .pnm), to: "\(folder)/in.ppm")
            func expectError(_ names: [String], _ expected: String...) throws {
                let run = try ToolRun("srdiff-join", names.map { "\(folder)/\($0)" } + ["-o", "\(folder)/out.png"])
                #expect(run.status == 1 && expected.allSatisfy { run.error.contains($0) }, "\(names): \(run.error)")
                #expect(!FileManager.default.fileExists(atPath: "\(folder)/out.png"))
            }
            try expectError(["a.png"], "no part holds rows 10:32", "--rows 10:32")
            try expectError(["b.png"], "no part holds rows 0:10")
            try expectError(["a.png", "gap.png"], "rows 10:12")
            try expectError(["a.png", "overlap.png"], "overlap.png", "overlap with")
            try expectError(["a.png", "seed.png"], "seed.png", "seed=5")
            try expectError(["a.png", "wider.png"], "wider.png", "a width of 28 (expected 24")
            try expectError(["a.png", "in.png"], "in.png", "no row range")
            try expectError(["a.png", "in.ppm"], "in.ppm", "expected PNG")
            try expectError(["a.png", "none.png"], "none.png")
            let damaged = try contents("\(folder)/b.png")
            try write(damaged.prefix(damaged.count - 40), to: "\(folder)/cut.png")
            try expectError(["a.png", "cut.png"], "cut.png")
            // A file whose text claims rows that it does not have.
            var liar = try Image(contentsOf: "\(folder)/b.png")
            liar.metadata.replaceTexts(keyword: "srdiff", with: "seed=0 rows=10:31/32 version=1")
            try liar.write(to: "\(folder)/liar.png")
            try expectError(["a.png", "liar.png"], "liar.png", "22 rows of pixels")

            try write([1], to: "\(folder)/there.png")
            let run = try ToolRun("srdiff-join", ["\(folder)/a.png", "\(folder)/b.png", "-o", "\(folder)/there.png"])
            #expect(run.status == 1 && run.error.contains("--overwrite"), "\(run.error)")
            let input = try ToolRun(
                "srdiff-join", ["\(folder)/a.png", "\(folder)/b.png", "-o", "\(folder)/./b.png", "--overwrite"])
            #expect(input.status == 1 && input.error.contains("never overwritten"), "\(input.error)")
            #expect(try ToolRun("srdiff-join", ["\(folder)/a.png", "-o", "\(folder)/out.jpg"]).status == 2)
        }
    }

    #if arch(x86_64)  // an emulator counts its own memory
        @Test("joining needs less memory than the image has bytes")
        func memory() throws {
            try withTemporaryFolder { folder in
                for i in 0..<2 {
                    var half = Image(
                        width: 2000, height: 4000, channels: 3, bitDepth: 8,
                        samples: [UInt16](repeating: 7, count: 2000 * 4000 * 3))
                    half.metadata.addText(
                        keyword: "srdiff", "bicubic rows=\(4000 * i):\(4000 * (i + 1))/8000 version=1")
                    try half.write(to: "\(folder)/\(i).png")
                }
                let run = try ToolRun.shell(
                    "ulimit -d 40000; exec \"$0\" \"$@\"", "srdiff-join",
                    ["\(folder)/1.png", "\(folder)/0.png", "-o", "\(folder)/all.png"])
                #expect(run.status == 0 && run.text.contains("2 parts → "), "\(run.error)")
            }
        }
    #endif

    private func expectSuccess(_ run: ToolRun) { #expect(run.status == 0, "\(run.error)") }
}
