import Foundation
import SRDFile
import SRDiff
import SRDTensor
import TestSupport
import Testing

@Suite("srdiff-quantize", .serialized)
struct QuantizeTests {
    /// A folder with a tiny model and two images to calibrate on.
    private func withSetting<Result>(_ body: (_ folder: String, _ arguments: [String]) throws -> Result) throws
        -> Result
    {
        try withTemporaryFolder { folder in
            try TinyModel.write(to: "\(folder)/tiny.safetensors")
            try FileManager.default.createDirectory(atPath: "\(folder)/photos", withIntermediateDirectories: true)
            try Image.random(40, 33).write(to: "\(folder)/photos/a.png")
            try Image.random(64, 50).write(to: "\(folder)/photos/b.png")
            return try body(folder, ["\(folder)/tiny.safetensors", "--calibration", "\(folder)/photos"])
        }
    }

    private func bytes(_ path: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: path)) }

    @Test("help names every option, and exits 0")
    func help() throws {
        let run = try ToolRun("srdiff-quantize", ["--help"])
        #expect(run.status == 0)
        for option in [
            "--calibration", "--lr", "--keep-float", "--max-loss", "--recipe", "--report", "--dry-run", "--seed",
            "--threads", "--json", "--overwrite", "EXIT STATUS",
        ] {
            #expect(run.text.contains(option), "\(option)")
        }
    }

    @Test(
        "usage errors exit 2 and say why",
        arguments: [
            [], ["m", "--threads", "0"], ["m", "--max-loss", "-1"], ["m", "--keep-float", "("],
            ["m", "--lr", "a", "--calibration", "b"],
            ["m", "--lr", "a", "--max-loss", "0.1"], ["m", "--lpips", "l"], ["m", "--lr", "a", "--search-steps", "4"],
            ["m", "--search-steps", "0"], ["m", "--search-on", "a"], ["m", "--search-steps", "4,4"],
            ["m", "--ranges", "wide"],
        ])
    func usage(arguments: [String]) throws {
        let run = try ToolRun("srdiff-quantize", arguments)
        #expect(run.status == 2 && !run.error.isEmpty && run.output.isEmpty)
    }

    @Test(
        "writes model and report next to the original; another run gives the same bytes; srdiff-upscale reads the model"
    )
    func writes() throws {
        try withSetting { folder, arguments in
            let run = try ToolRun("srdiff-quantize", arguments + ["--report", "\(folder)/report.md"])
            #expect(run.status == 0, "\(run.error)")
            let path = "\(folder)/tiny.int8.safetensors",
                report = String(decoding: try bytes("\(folder)/report.md"), as: UTF8.self)
            #expect(run.text.contains("LAYERS, WORST FIRST") && report.contains("denoise_fn.ups.0.0.block1.block.1"))
            let model = try QuantizedModelFile(path: path)
            let source = try bytes("\(folder)/tiny.safetensors")
            #expect(model.provenance.sourceSHA256 == SHA256.hex([UInt8](source)))

            let again = try ToolRun(
                "srdiff-quantize", arguments + ["-o", "\(folder)/again.safetensors", "--threads", "3", "--quiet"])
            #expect(again.status == 0 && again.output.isEmpty && again.error.isEmpty)
            #expect(try bytes(path) == bytes("\(folder)/again.safetensors"))

            var results: [Data] = []
            for threads in ["1", "3"] {
                let upscaled = try ToolRun(
                    "srdiff-upscale",
                    [
                        "\(folder)/photos/a.png", "--model", path, "--steps", "3", "-o", "\(folder)/out.png",
                        "--overwrite",
                        "--threads", threads,
                    ])
                #expect(upscaled.status == 0 && upscaled.error.contains("(int8, --model)"), "\(upscaled.error)")
                results.append(try bytes("\(folder)/out.png"))
            }
            #expect(results[0] == results[1])
            let image = try readImage("\(folder)/out.png")
            #expect(image.width == 160 && image.height == 132)
        }
    }

    @Test("--search-steps keeps schedules that srdiff-upscale takes, unless another is asked for")
    func schedules() throws {
        try withSetting { folder, arguments in
            let path = "\(folder)/tiny.int8.safetensors"
            let run = try ToolRun(
                "srdiff-quantize",
                arguments + ["--search-steps", "all", "--search-on", "\(folder)/photos/b.png", "--overwrite"])
            #expect(run.status == 0 && run.text.contains("STEPS"), "\(run.error)")
            let schedules = try QuantizedModelFile(path: path).model.schedules
            #expect(schedules.map(\.transitions.count) == [2, 3, 4, 6, 8, 12, 16])  // of 20 timesteps

            func settings(_ options: [String]) throws -> String {
                let upscaled = try ToolRun(
                    "srdiff-upscale",
                    [
                        "\(folder)/photos/a.png", "--model", path, "-o", "\(folder)/out.png", "--overwrite",
                    ] + options)
                #expect(upscaled.status == 0, "\(upscaled.error)")
                return try readImage("\(folder)/out.png").metadata.texts.first { $0.keyword == "srdiff" }?.text ?? ""
            }
            #expect(try settings(["--steps", "4"]).contains("sampler=searched steps=4 "))
            #expect(try settings(["--steps", "5"]).contains("sampler=ddpm steps=5 "))
            #expect(try settings(["--steps", "4", "--sampler", "unipc"]).contains("sampler=unipc steps=4 "))
            #expect(
                try settings(["--steps", "4", "--spacing", "logsnr"]).contains("sampler=ddpm steps=4 spacing=logsnr "))
            #expect(try settings(["--steps", "auto"]).contains("sampler=searched steps="))

            let float = try ToolRun(
                "srdiff-upscale",
                [
                    "\(folder)/photos/a.png", "--model", "\(folder)/tiny.safetensors", "-o", "\(folder)/no.png",
                    "--steps", "auto",
                ])
            #expect(float.status == 1 && float.error.contains("--search-steps"))
        }
    }

    @Test("an output that exists is refused before any work, --overwrite replaces it")
    func existing() throws {
        try withSetting { folder, arguments in
            let path = "\(folder)/tiny.int8.safetensors"
            try Data("mine".utf8).write(to: URL(fileURLWithPath: path))
            let refused = try ToolRun("srdiff-quantize", arguments)
            #expect(refused.status == 1 && refused.error.contains("--overwrite") && refused.error.contains(path))
            #expect(try bytes(path) == Data("mine".utf8))
            #expect(try ToolRun("srdiff-quantize", arguments + ["--overwrite", "--quiet"]).status == 0)
            #expect(try bytes(path).count > 1000)
        }
    }

    @Test("--dry-run writes nothing")
    func dryRun() throws {
        try withSetting { folder, arguments in
            let run = try ToolRun(
                "srdiff-quantize",
                arguments + ["--dry-run", "--recipe", "\(folder)/recipe.txt", "--report", "\(folder)/r.md"])
            #expect(run.status == 0 && run.text.contains("layers int8"))
            #expect(try list(folder) == ["tiny.safetensors", "photos"])
        }
    }

    @Test("a recipe is written, can be edited, and is followed")
    func recipe() throws {
        try withSetting { folder, arguments in
            let recipe = "\(folder)/recipe.txt", layer = "denoise_fn.ups.0.0.block1.block.1"
            #expect(try ToolRun("srdiff-quantize", arguments + ["--recipe", recipe, "--quiet"]).status == 0)
            var text = String(decoding: try bytes(recipe), as: UTF8.self)
            let line = try #require(text.split(separator: "\n").first { $0.hasPrefix(layer) })
            text = text.replacingOccurrences(of: line, with: line.replacingOccurrences(of: " int8 ", with: " float "))
            try Data(text.utf8).write(to: URL(fileURLWithPath: recipe))
            let run = try ToolRun("srdiff-quantize", arguments + ["--recipe", recipe, "--overwrite"])
            #expect(run.status == 0, "\(run.error)")
            #expect(
                try QuantizedModelFile(path: "\(folder)/tiny.int8.safetensors").model.layers[layer]?.isInt8 == false)
            try Data((text + "\nnobody int8 int8\n").utf8).write(to: URL(fileURLWithPath: recipe))
            let refused = try ToolRun("srdiff-quantize", arguments + ["--recipe", recipe, "--overwrite"])
            #expect(
                refused.status == 1 && refused.error.contains("recipe.txt: line") && refused.error.contains("`nobody`"))
        }
    }

    @Test("--keep-float and --max-loss leave layers in float")
    func keepsFloat() throws {
        try withSetting { folder, arguments in
            func floatLayers(_ options: [String]) throws -> Int {
                let run = try ToolRun(
                    "srdiff-quantize", arguments + options + ["--overwrite", "--quiet", "--max-images", "1"])
                #expect(run.status == 0, "\(run.error)")
                return try QuantizedModelFile(path: "\(folder)/tiny.int8.safetensors").model.layers.values.filter {
                    !$0.isInt8
                }.count
            }
            let ordinary = try floatLayers([])
            #expect(try floatLayers(["--keep-float", "downs\\.1"]) > ordinary)
            #expect(try floatLayers(["--max-loss", "10"]) == ordinary)
            let run = try ToolRun("srdiff-quantize", arguments + ["--overwrite", "--json", "--max-images", "1"])
            let object = try #require(try JSONSerialization.jsonObject(with: run.output) as? [String: Any])
            let loss = try #require(object["loss"] as? Double)
            #expect(try floatLayers(["--max-loss", "\(loss / 2)"]) > ordinary)
            let tooLittle = try ToolRun("srdiff-quantize", arguments + ["--overwrite", "--max-loss", "1e-9"])
            #expect(tooLittle.status == 1 && tooLittle.error.contains("even with every layer in float"))
            let none = try ToolRun("srdiff-quantize", arguments + ["--keep-float", "nobody", "--overwrite"])
            #expect(none.status == 1 && none.error.contains("no layer's name matches"))
        }
    }

    @Test("--json is one document with the numbers of the report")
    func json() throws {
        try withSetting { folder, arguments in
            let run = try ToolRun("srdiff-quantize", arguments + ["--json"])
            let object = try #require(try JSONSerialization.jsonObject(with: run.output) as? [String: Any])
            #expect((object["psnr_to_float"] as? Double ?? 0) > 20)
            #expect((object["noise"] as? [Any])?.count == 20 && (object["layer_snr"] as? [Any])?.isEmpty == false)
        }
    }

    @Test("what cannot be converted is an error that names the file")
    func badInput() throws {
        try withSetting { folder, arguments in
            let missing = try ToolRun("srdiff-quantize", ["\(folder)/none.ckpt"])
            #expect(missing.status == 1 && missing.error.contains("none.ckpt"))
            #expect(try ToolRun("srdiff-quantize", arguments + ["--quiet"]).status == 0)
            let twice = try ToolRun(
                "srdiff-quantize", ["\(folder)/tiny.int8.safetensors", "-o", "\(folder)/x.safetensors"])
            #expect(
                twice.status == 1 && twice.error.contains("tiny.int8.safetensors")
                    && twice.error.contains("an int8 model"))
            let noFolder = try ToolRun("srdiff-quantize", arguments + ["-o", "\(folder)/none/x.safetensors"])
            #expect(noFolder.status == 1 && noFolder.error.contains("none/x.safetensors"))
            var tensors = TinyModel.tensors()
            tensors["denoise_fn.downs.0.0.block1.block.1.bias"]!.values[0] = .infinity
            try TinyModel.write(to: "\(folder)/broken.safetensors", tensors)
            let broken = try ToolRun(
                "srdiff-quantize", ["\(folder)/broken.safetensors", "--calibration", "\(folder)/photos"])
            #expect(broken.status == 1 && broken.error.contains("broken.safetensors"))
            #expect(try !list(folder).contains("broken.int8.safetensors"))
            // Finite weights whose products are not.
            tensors = TinyModel.tensors()
            for name in ["denoise_fn.downs.0.0.block2.block.1.weight", "denoise_fn.downs.0.1.block1.block.1.weight"] {
                tensors[name]!.values = tensors[name]!.values.map { $0 * 1e25 }
            }
            try TinyModel.write(to: "\(folder)/huge.safetensors", tensors)
            let huge = try ToolRun(
                "srdiff-quantize", ["\(folder)/huge.safetensors", "--calibration", "\(folder)/photos"])
            #expect(huge.status == 1 && huge.error.contains("not finite"), "\(huge.error)")
        }
    }
}
