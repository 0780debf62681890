import Foundation
import Testing
import SRDFile
import SRDiff
import SRDTensor
import TestSupport

func readImage(_ path: String) throws -> Image {
    try Image(parsing: [UInt8](Data(contentsOf: URL(fileURLWithPath: path))))
}

extension Image {
    func write(to path: String) throws { try Data(encoded(as: .png)).write(to: URL(fileURLWithPath: path)) }

    static func random(_ width: Int, _ height: Int) -> Image {
        var random = SeededRandom(seed: SeededRandom.seed)
        return Image(
            width: width, height: height, channels: 3, bitDepth: 8,
            samples: (0..<width * height * 3).map { _ in .random(in: 0...255, using: &random) })
    }
}

func list(_ folder: String) throws -> Set<String> { Set(try FileManager.default.contentsOfDirectory(atPath: folder)) }

@Suite("srdiff-upscale", .serialized)
struct UpscaleTests {
    /// A folder with a tiny model and an image.
    func withSetting<Result>(_ body: (_ folder: String, _ options: [String]) throws -> Result) throws -> Result {
        try withTemporaryFolder { folder in
            try TinyModel.write(to: "\(folder)/tiny.safetensors")
            try Image.random(7, 5).write(to: "\(folder)/in.png")
            return try body(folder, ["--model", "\(folder)/tiny.safetensors", "--steps", "3"])
        }
    }

    @Test("help names every option, and exits 0")
    func help() throws {
        let run = try ToolRun("srdiff-upscale", ["--help"])
        #expect(run.status == 0)
        for option in [
            "--model", "--steps", "--sampler", "--eta", "--spacing", "--seed", "--samples", "--statistics",
            "--consistent", "--threads", "--rng", "--preview",
            "--rows", "--shard", "--summary", "--dry-run", "--json", "--quiet", "--strip-metadata", "EXIT STATUS",
        ] {
            #expect(run.text.contains(option), "\(option)")
        }
    }

    @Test(
        "usage errors exit 2 and say why",
        arguments: [
            [], ["--steps", "0", "a.png"], ["--steps", "x", "a.png"], ["--eta", "0.5", "a.png"],
            ["--steps", "auto", "--sampler", "ddim", "a.png"],
            ["--spacing", "odd", "a.png"], ["--statistics", "a.png"], ["--statistics", "--preview", "a.png"],
            ["--nonsense"], ["--seed", "-1", "a.png"],
        ])
    func usage(arguments: [String]) throws {
        let run = try ToolRun("srdiff-upscale", arguments)
        #expect(run.status == 2 && !run.error.isEmpty && run.output.isEmpty)
    }

    @Test("an instruction set this machine lacks exits 2 and lists those it has")
    func unknownInstructionSet() throws {
        try withSetting { folder, options in
            let run = try ToolRun("srdiff-upscale", ["\(folder)/in.png"] + options, environment: ["SRDIFF_CPU": "z80"])
            #expect(run.status == 2 && run.error.contains("scalar"))
        }
    }

    @Test("writes next to the input, stores the settings, and skips existing results")
    func writesAndSkips() throws {
        try withSetting { folder, options in
            let run = try ToolRun("srdiff-upscale", ["\(folder)/in.png"] + options)
            #expect(run.status == 0, "\(run.error)")
            let result = try readImage("\(folder)/in_x4.png")
            #expect(result.width == 28 && result.height == 20)
            #expect(result.metadata.texts.contains { $0.keyword == "srdiff" && $0.text?.contains("seed=0") == true })
            #expect(try list(folder) == ["in.png", "in_x4.png", "tiny.safetensors"])

            let again = try ToolRun("srdiff-upscale", ["\(folder)/in.png"] + options)
            #expect(again.status == 0 && (again.text + again.error).contains("exists"))
            let stripped = try ToolRun(
                "srdiff-upscale", ["\(folder)/in.png", "--overwrite", "--strip-metadata"] + options)
            #expect(stripped.status == 0)
            #expect(try readImage("\(folder)/in_x4.png").metadata.texts.isEmpty)
            #expect(try readImage("\(folder)/in_x4.png").samples == result.samples)
        }
    }

    static let forms = ["float", "int8"]

    @Test("the same pixels for every number of threads and every instruction set", arguments: forms)
    func samePixels(_ form: String) throws {
        try withSetting { folder, options in
            var options = options
            if form == "int8" {
                options[1] = "\(folder)/tiny.int8.safetensors"
                try TinyQuantizer.write(to: options[1])
            }
            let names = ["scalar", "sse41", "avx2", "avxvnni", "avx512vnni"]
            var results: [[UInt16]] = []
            for (threads, cpu) in [("1", nil), ("2", nil), ("5", nil)] + names.map({ ("2", Optional($0)) }) {
                let run = try ToolRun(
                    "srdiff-upscale",
                    ["\(folder)/in.png", "-o", "\(folder)/out.png", "--overwrite", "--threads", threads] + options,
                    environment: cpu.map { ["SRDIFF_CPU": $0] } ?? [:])
                if cpu != nil && run.status == 2 { continue }  // this machine lacks it
                #expect(run.status == 0, "\(run.error)")
                results.append(try readImage("\(folder)/out.png").samples)
            }
            #expect(results.count >= 4 && results.allSatisfy { $0 == results[0] })
        }
    }

    @Test("samples get seeds of their own, each the same as alone")
    func samples() throws {
        try withSetting { folder, options in
            #expect(
                try ToolRun(
                    "srdiff-upscale",
                    ["\(folder)/in.png", "-o", "\(folder)/out/", "--samples", "3", "--seed", "5"] + options
                ).status == 0)
            #expect(try list("\(folder)/out") == ["in_x4_seed5.png", "in_x4_seed6.png", "in_x4_seed7.png"])
            #expect(
                try ToolRun(
                    "srdiff-upscale", ["\(folder)/in.png", "-o", "\(folder)/alone.png", "--seed", "6"] + options
                ).status == 0)
            let alone = try readImage("\(folder)/alone.png").samples
            #expect(try readImage("\(folder)/out/in_x4_seed6.png").samples == alone)
            #expect(try readImage("\(folder)/out/in_x4_seed5.png").samples != alone)
        }
    }

    @Test("--statistics: the samples' mean, σ and its map, and a sheet")
    func statistics() throws {
        try withSetting { folder, options in
            let arguments =
                ["\(folder)/in.png", "-o", "\(folder)/out/", "--samples", "3", "--seed", "5", "--statistics", "--json"]
                + options
            let run = try ToolRun("srdiff-upscale", arguments)
            #expect(run.status == 0, "\(run.error)")
            let names = Set(["seed5", "seed6", "seed7", "mean", "sigma", "sheet"].map { "in_x4_\($0).png" })
            #expect(try list("\(folder)/out") == names)
            let samples = try (5...7).map {
                try readImage("\(folder)/out/in_x4_seed\($0).png").samples.map { Double($0) }
            }
            let mean = try readImage("\(folder)/out/in_x4_mean.png").samples
            var sigma = 0.0
            for i in mean.indices {
                let values = samples.map { $0[i] }, own = values.reduce(0, +) / 3
                #expect(abs(own - Double(mean[i])) <= 0.5 + 1e-3)
                let variance = values.reduce(0.0) { $0 + ($1 - own) * ($1 - own) } / 3
                sigma += variance.squareRoot() / Double(mean.count)
            }
            let document = try JSONSerialization.jsonObject(with: run.output) as? [String: Any]
            let results = document?["results"] as? [[String: Any]] ?? []
            let said = try #require(results.first { $0["status"] as? String == "summarized" }?["sigma"] as? Double)
            #expect(abs(said - sigma) < 1e-4 * sigma && sigma > 0)
            let map = try readImage("\(folder)/out/in_x4_sigma.png")
            #expect(map.channels == 1 && map.width == 28 && map.samples.max() == 255)
            #expect(
                map.metadata.texts.contains {
                    $0.text?.contains("seeds=5,6,7") == true && $0.text?.contains("white=") == true
                })

            // What is missing is made again; what is there stays.
            for name in ["mean", "seed6"] {
                try FileManager.default.removeItem(atPath: "\(folder)/out/in_x4_\(name).png")
            }
            let again = try ToolRun("srdiff-upscale", arguments)
            #expect(again.status == 0 && again.text.contains("skipped"))
            #expect(try list("\(folder)/out") == names)
            #expect(try readImage("\(folder)/out/in_x4_mean.png").samples == mean)
        }
    }

    @Test(
        "--consistent: downscaled again, the result is the input, and says so",
        arguments: [[], ["--bicubic"], ["--preview"]])
    func consistent(method: [String]) throws {
        try withSetting { folder, options in
            let low = Image.waves(9, 7, phase: 3)
            try low.write(to: "\(folder)/in.png")
            for (name, extra) in [("plain", []), ("made", ["--consistent"])] {
                let run = try ToolRun(
                    "srdiff-upscale", ["\(folder)/in.png", "-o", "\(folder)/\(name).png"] + method + extra + options)
                #expect(run.status == 0, "\(run.error)")
            }
            func differing(_ name: String) throws -> Int {
                zip(try readImage("\(folder)/\(name).png").resized(by: 1, over: 4).samples, low.samples).count {
                    $0 != $1
                }
            }
            let before = try differing("plain"), after = try differing("made")
            #expect(after * 20 <= low.samples.count && after < before, "\(before) → \(after)")
            #expect(
                try readImage("\(folder)/made.png").metadata.texts.contains {
                    $0.text?.contains(" consistent ") == true
                })
            #expect(
                try !readImage("\(folder)/plain.png").metadata.texts.contains {
                    $0.text?.contains("consistent") == true
                })
        }
    }

    @Test("standard input to standard output")
    func pipes() throws {
        try withSetting { folder, options in
            let input = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/in.png"))
            let run = try ToolRun("srdiff-upscale", ["-"] + options, input: input)
            #expect(run.status == 0, "\(run.error)")
            #expect(try Image(parsing: [UInt8](run.output)).width == 28)
        }
    }

    @Test("a dry run and --json write no image")
    func dryRun() throws {
        try withSetting { folder, options in
            let run = try ToolRun("srdiff-upscale", ["\(folder)/in.png", "--dry-run", "--json"] + options)
            #expect(run.status == 0, "\(run.error)")
            #expect(try JSONSerialization.jsonObject(with: run.output) is [String: Any])
            #expect(try list(folder) == ["in.png", "tiny.safetensors"])
        }
    }

    @Test("a dry run plans what it would otherwise skip")
    func dryRunOfExisting() throws {
        try withSetting { folder, options in
            try Image.random(28, 20).write(to: "\(folder)/in_x4.png")
            let run = try ToolRun("srdiff-upscale", ["\(folder)/in.png", "--dry-run"] + options)
            #expect(run.status == 0 && run.text.contains("of memory") && run.text.contains("3 steps"))
        }
    }

    @Test("--bicubic is the bicubic upsample")
    func bicubic() throws {
        try withSetting { folder, options in
            #expect(try ToolRun("srdiff-upscale", ["\(folder)/in.png", "--bicubic"] + options).status == 0)
            let found = try readImage("\(folder)/in_x4_bicubic.png").samples
            let low = try readImage("\(folder)/in.png")
            #expect(found == low.resized(by: 4).samples)
        }
    }

    @Test("own results are not upscaled again; two outputs of one name are a usage error; PNM takes no alpha")
    func names() throws {
        try withSetting { folder, options in
            for _ in 0..<2 { #expect(try ToolRun("srdiff-upscale", [folder] + options).status == 0) }
            #expect(try list(folder) == ["in.png", "in_x4.png", "tiny.safetensors"])

            try FileManager.default.createDirectory(atPath: "\(folder)/other", withIntermediateDirectories: false)
            try Image.random(3, 3).write(to: "\(folder)/other/in.png")
            let clash = try ToolRun(
                "srdiff-upscale", ["\(folder)/in.png", "\(folder)/other/in.png", "-o", "\(folder)/out"] + options)
            #expect(clash.status == 2 && clash.error.contains("both"))

            try Image(width: 1, height: 1, channels: 2, bitDepth: 8, samples: [1, 2]).write(to: "\(folder)/alpha.png")
            let alpha = try ToolRun("srdiff-upscale", ["\(folder)/alpha.png", "-o", "\(folder)/alpha.pgm"] + options)
            #expect(alpha.status == 1 && alpha.error.contains("alpha.png"))
            #expect(try !list(folder).contains("alpha.pgm"))
        }
    }

    @Test("--preview is the encoder's image, whatever the seed")
    func preview() throws {
        try withSetting { folder, options in
            for seed in ["1", "2"] {
                #expect(
                    try ToolRun(
                        "srdiff-upscale",
                        ["\(folder)/in.png", "-o", "\(folder)/p\(seed).png", "--preview", "--seed", seed] + options
                    ).status == 0)
            }
            let one = try readImage("\(folder)/p1.png").samples, two = try readImage("\(folder)/p2.png").samples
            #expect(one == two)
        }
    }

    @Test("a 1×1 image gives a result")
    func onePixel() throws {
        try withSetting { folder, options in
            try Image.random(1, 1).write(to: "\(folder)/one.png")
            #expect(try ToolRun("srdiff-upscale", ["\(folder)/one.png"] + options).status == 0)
            #expect(try readImage("\(folder)/one_x4.png").width == 4)
        }
    }

    /// A file that is no image, and a part of the expected error.
    enum BadImage: CaseIterable {
        case missing, folder, empty, text, truncated, brokenCRC, hugeHeader

        func make(at path: String, from good: Data) throws {
            switch self {
            case .missing: break
            case .folder: try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
            case .empty: try Data().write(to: URL(fileURLWithPath: path))
            case .text: try Data("not an image\n".utf8).write(to: URL(fileURLWithPath: path))
            case .truncated: try good.prefix(good.count / 2).write(to: URL(fileURLWithPath: path))
            case .brokenCRC:
                var bytes = good
                bytes[bytes.count / 2] ^= 0x10
                try bytes.write(to: URL(fileURLWithPath: path))
            case .hugeHeader: try Data(Self.header(20000, 20000)).write(to: URL(fileURLWithPath: path))
            }
        }

        /// A PNG's signature and a right IHDR, and nothing after it.
        static func header(_ width: UInt32, _ height: UInt32) -> [UInt8] {
            func bytes(_ value: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) } }
            let chunk = Array("IHDR".utf8) + bytes(width) + bytes(height) + [8, 2, 0, 0, 0]
            var crc = UInt32.max
            for byte in chunk {
                crc ^= UInt32(byte)
                for _ in 0..<8 { crc = crc >> 1 ^ (crc & 1 == 1 ? 0xedb8_8320 : 0) }
            }
            return [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a] + bytes(13) + chunk + bytes(~crc)
        }
    }

    @Test(
        "a bad image is an error that names it; the good one next to it is still upscaled", arguments: BadImage.allCases
    )
    func badImage(_ bad: BadImage) throws {
        try withSetting { folder, options in
            let good = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/in.png"))
            try bad.make(at: "\(folder)/bad.png", from: good)
            let before = try list(folder)
            let run = try ToolRun("srdiff-upscale", ["\(folder)/bad.png", "\(folder)/in.png"] + options)
            #expect(run.status == 1 && run.error.contains("bad.png"), "\(run.status) \(run.error)")
            #expect(try list(folder) == before.union(["in_x4.png"]))
        }
    }

    enum BadModel: CaseIterable {
        case missing, folder, empty, text, truncated, flippedHeader, misshapen, withoutTensor, notFinite

        func make(at path: String, from good: Data) throws {
            var tensors = TinyModel.tensors()
            switch self {
            case .missing: return
            case .folder:
                return try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
            case .empty: return try Data().write(to: URL(fileURLWithPath: path))
            case .text:
                return try Data(String(repeating: "no model\n", count: 20).utf8).write(to: URL(fileURLWithPath: path))
            case .truncated: return try good.prefix(good.count / 2).write(to: URL(fileURLWithPath: path))
            case .flippedHeader:
                var bytes = good
                bytes[40] ^= 0x40
                return try bytes.write(to: URL(fileURLWithPath: path))
            case .misshapen: tensors["denoise_fn.final_conv.1.weight"] = FloatTensor(shape: [3, 8, 1])
            case .withoutTensor: tensors["denoise_fn.mid_block1.mlp.1.bias"] = nil
            case .notFinite: tensors["rrdb.trunk_conv.bias"]!.values[0] = .nan
            }
            try TinyModel.write(to: path, tensors)
        }
    }

    @Test("a bad model is an error that names it, in both tools, and nothing is written", arguments: BadModel.allCases)
    func badModel(_ bad: BadModel) throws {
        try withSetting { folder, _ in
            let good = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/tiny.safetensors"))
            try bad.make(at: "\(folder)/bad.bin", from: good)
            let before = try list(folder)
            for (tool, arguments) in [
                ("srdiff-upscale", ["\(folder)/in.png", "--model", "\(folder)/bad.bin"]),
                ("srdiff-inspect", ["\(folder)/bad.bin", "--export", "\(folder)/out.safetensors"]),
            ] {
                let run = try ToolRun(tool, arguments)
                #expect(run.status == 1 && run.error.contains("bad.bin"), "\(tool): \(run.status) \(run.error)")
            }
            #expect(try list(folder) == before)
        }
    }

    @Test("Ctrl-C leaves nothing half written")
    func interrupted() throws {
        try withSetting { folder, options in
            try Image.random(120, 120).write(to: "\(folder)/large.png")
            let before = try list(folder)
            let run = try ToolRun(
                "srdiff-upscale", ["\(folder)/large.png", "--threads", "1"] + options.dropLast() + ["20"],
                environment: ["SRDIFF_CPU": "scalar"], signalAfter: 0.7)
            #expect(run.status == 130, "\(run.status) \(run.error)")
            #expect(try list(folder) == before)
        }
    }

    @Test(
        "PyTorch's noise gives the image of the published code",
        .enabled(if: SharedFiles.has("golden"), SharedFiles.absent),
        arguments: ["x4.ckpt", "x4-odd.ckpt"])
    func golden(checkpoint: String) throws {
        try withTemporaryFolder { folder in
            let golden = try Safetensors(
                path: SharedFiles.path("golden/\(checkpoint.split(separator: ".")[0]).golden.safetensors"))
            func image(_ name: String) throws -> Image {
                let shape = golden[name]!.shape
                return Image(
                    width: shape[1], height: shape[0], channels: 3, bitDepth: 8,
                    samples: try golden.uint8s(name).map(UInt16.init))
            }
            try image("lr_u8").write(to: "\(folder)/low.png")
            let run = try ToolRun(
                "srdiff-upscale",
                [
                    "\(folder)/low.png", "-o", "\(folder)/high.png", "--model",
                    SharedFiles.path("golden/\(checkpoint)"),
                    "--rng", "torch", "--seed", "5", "--sampler", "ddpm", "--steps", "100",
                ])
            #expect(run.status == 0, "\(run.error)")
            let found = try readImage("\(folder)/high.png").samples, expected = try image("ddpm.sr_u8").samples
            let differences = zip(found, expected).map { abs(Int($0) - Int($1)) }
            #expect(found.count == expected.count && differences.max()! <= 1)
            #expect(differences.count { $0 == 0 } * 1000 >= differences.count * 999)
        }
    }
}
