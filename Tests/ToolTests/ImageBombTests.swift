#if arch(x86_64)  // an emulator counts its own memory
    import Foundation
    import SRDFile
    import SRDiff
    import TestSupport
    import Testing

    /// Every tool compares an image's header with the memory before it decodes a pixel.
    @Suite("Images too large for the memory", .serialized)
    struct ImageBombTests {
        /// A header of 15000×15000 pixels, two ordinary images and a model.
        private func run(_ tool: String, _ arguments: [String]) throws -> ToolRun {
            try withTinyModel { folder, _ in
                try write(UpscaleTests.BadImage.header(15000, 15000), to: "\(folder)/bomb.png")
                try Image.waves(40, 40, phase: 1).write(to: "\(folder)/a.png")
                let words = arguments.map {
                    ["bomb.png", "a.png", "tiny.safetensors", "out.png"].contains($0) ? "\(folder)/\($0)" : $0
                }
                return try ToolRun.shell("ulimit -v 1048576 && exec \"$0\" \"$@\"", tool, words)
            }
        }

        private static let model = ["--model", "tiny.safetensors", "--steps", "2"]

        @Test(
            "is refused with the limit's name",
            arguments: [
                ("srdiff-upscale", ["bomb.png"] + model),
                ("srdiff-upscale", ["bomb.png", "--bicubic"]),
                ("srdiff-fuse", ["bomb.png", "bomb.png", "--box", "0,0,4,4"] + model),
                ("srdiff-fuse", ["bomb.png", "a.png", "--box", "0,0,4,4", "--from", "0,0"] + model),
                ("srdiff-fuse", ["a.png", "bomb.png", "--box", "0,0,4,4", "--from", "0,0"] + model),
                ("srdiff-fuse", ["bomb.png", "bomb.png", "--mask", "bomb.png"] + model),
                ("srdiff-interpolate", ["bomb.png", "--seeds", "1", "2"] + model),
                ("srdiff-interpolate", ["bomb.png", "a.png"] + model),
                ("srdiff-interpolate", ["a.png", "bomb.png"] + model),
                ("srdiff-evaluate", ["tiny.safetensors", "--images", "bomb.png"]),
                ("srdiff-quantize", ["tiny.safetensors", "--calibration", "bomb.png", "-o", "out.png"]),
                ("srdiff-quantize", ["tiny.safetensors", "--lr", "bomb.png", "-o", "out.png"]),
            ])
        func refused(tool: String, arguments: [String]) throws {
            let run = try run(tool, arguments)
            #expect(
                run.status == 1 && run.error.contains("of memory") && run.error.contains("ulimit -v"),
                "\(run.status) \(run.error)")
            #expect(run.error.contains("15000×15000") || run.error.contains("60000×60000"), "\(run.error)")
        }

        @Test("a dry run plans it without decoding it")
        func dryRun() throws {
            let run = try run("srdiff-upscale", ["bomb.png", "--dry-run"] + Self.model)
            #expect(
                run.status == 0 && run.text.contains("15000×15000") && run.text.contains("GiB of memory"),
                "\(run.error)")
        }
    }
#endif
