import Foundation
import SRDFile
import SRDiff
import TestSupport
import Testing

private enum Browser {
    static let path = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"]
        .first { FileManager.default.isExecutableFile(atPath: $0) }
}

@Suite("srdiff-evaluate", .serialized)
struct EvaluateTests {
    /// A folder with a tiny float model, its int8 one, and two images.
    private func withSetting<Result>(
        damage: String? = nil, _ body: (_ folder: String, _ arguments: [String]) throws -> Result
    ) throws -> Result {
        try withTemporaryFolder { folder in
            try TinyModel.write(to: "\(folder)/tiny.safetensors")
            let float = try Model(tensors: TinyModel.tensors())
            var quantized = try TinyQuantizer.quantize(float)
            if let damage { quantized = quantized.doublingScales(of: damage) }
            let hash = String(repeating: "0", count: 64)
            try QuantizedModelFile(
                model: quantized,
                provenance: .init(
                    sourceSHA256: hash, calibration: "noise", calibrationSHA256: hash, settings: "", tool: "test"
                )
            ).write(to: "\(folder)/tiny.int8.safetensors")
            try FileManager.default.createDirectory(atPath: "\(folder)/photos", withIntermediateDirectories: true)
            try smooth(52, 47).write(to: "\(folder)/photos/a.png")
            try smooth(64, 48).write(to: "\(folder)/photos/b.png")
            return try body(
                folder,
                [
                    "\(folder)/tiny.int8.safetensors", "--reference", "\(folder)/tiny.safetensors", "--images",
                    "\(folder)/photos",
                    "--save-images", "\(folder)/kept", "--steps", "2,3",
                ])
        }
    }

    private func smooth(_ width: Int, _ height: Int) -> Image {
        Image.random(width / 8, height / 8).resized(width: width, height: height)
    }

    private func json(_ run: ToolRun) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: run.output) as? [String: Any], "\(run.error)")
    }

    @Test("help names every option and metric, and exits 0")
    func help() throws {
        let run = try ToolRun("srdiff-evaluate", ["--help"])
        #expect(run.status == 0)
        for word in [
            "--reference", "--images", "--lr", "--sampler", "--steps", "--samples", "--consistent", "--lpips",
            "--save-reference", "--save-images",
            "--layers", "--report", "--fail-if", "--json", "--csv", "--degrade", "psnr_to_reference", "lpips_shift",
            "grid", "EXIT STATUS",
        ] {
            #expect(run.text.contains(word), "\(word)")
        }
    }

    @Test("shards and the same line without --shard give the numbers of one machine")
    func shards() throws {
        try withSetting { folder, arguments in
            /// Without the seconds, which differ.
            func numbers(_ run: ToolRun) -> [[Substring]] {
                let lines = run.text.split(separator: "\n").map {
                    $0.split(separator: ",", omittingEmptySubsequences: false)
                }
                guard let column = lines.first?.firstIndex(of: "seconds") else { return [] }
                return lines.map { line in line.indices.filter { $0 != column }.map { line[$0] } }
            }
            try smooth(40, 40).write(to: "\(folder)/photos/c.png")
            let whole = try ToolRun("srdiff-evaluate", arguments + ["--csv"])
            let shared = arguments.map { $0 == "\(folder)/kept" ? "\(folder)/shared" : $0 }
            for i in 1...4 {  // the fourth has no image
                let run = try ToolRun("srdiff-evaluate", shared + ["--shard", "\(i)/4"])
                #expect(run.status == 0, "\(run.error)")
            }
            let made = try list("\(folder)/shared")
            let merged = try ToolRun("srdiff-evaluate", shared + ["--csv"])
            #expect(
                merged.status == 0 && !numbers(whole).isEmpty && numbers(merged) == numbers(whole),
                "\(merged.text) \(whole.text)")
            #expect(try list("\(folder)/shared") == made)
            #expect(
                try ToolRun("srdiff-evaluate", shared + ["--shard", "1/2", "--plot", "\(folder)/p.svg"]).status == 2)
        }
    }

    @Test(
        "usage errors exit 2 and say why",
        arguments: [
            [], ["m"], ["m", "--images", "i", "--steps", "0"], ["m", "--images", "i", "--steps", "5,5"],
            ["m", "--images", "i", "--json", "--csv"],
            ["m", "--images", "i", "--layers"], ["m", "--images", "i", "--fail-if", "psnr_drop>0.1"],
            ["m", "--images", "i", "--fail-if", "beauty<1"],
            ["m", "--images", "i", "--fail-if", "psnr<"], ["m", "--images", "i", "--eta", "1"],
            ["m", "--images", "i", "--fail-if", "sigma<1"],
            ["m", "--images", "i", "--degrade", "blur:2"], ["m", "--images", "i", "--degrade", "noise:0"],
            ["m", "--images", "i", "--degrade", "noise:5+"],
            ["m", "--images", "i", "--degrade", "jpeg:101"], ["m", "--images", "i", "--degrade", "jpeg"],
        ])
    func usage(arguments: [String]) throws {
        let run = try ToolRun("srdiff-evaluate", arguments)
        #expect(run.status == 2 && !run.error.isEmpty && run.output.isEmpty)
    }

    @Test(
        "measures baselines, reference and model; kept images give the same result, others are not used"
    )
    func measures() throws {
        try withSetting { folder, arguments in
            let first = try json(ToolRun("srdiff-evaluate", arguments + ["--json", "--samples", "2"]))
            let runs = try #require(first["runs"] as? [[String: Any]])
            #expect(
                runs.compactMap { $0["run"] as? String } == [
                    "bicubic", "encoder", "tiny ddpm 2", "tiny ddpm 3", "tiny.int8 ddpm 2", "tiny.int8 ddpm 3",
                ])
            for run in runs { #expect(((run["psnr"] as? [String: Any])?["mean"] as? Double ?? 0) > 5) }
            let model = try #require(runs.last), near = try #require(model["psnr_to_reference"] as? [String: Any])
            #expect((near["mean"] as? Double ?? 0) > 20)
            #expect((model["sigma"] as? [String: Any])?["mean"] as? Double ?? 0 > 0)
            let mean = try #require((model["psnr"] as? [String: Any])?["mean"] as? Double)
            let own = try #require((runs[3]["psnr"] as? [String: Any])?["mean"] as? Double)
            let change = try #require(
                ((model["psnr"] as? [String: Any])?["difference"] as? [String: Any])?["mean"] as? Double)
            #expect(abs(mean - own - change) < 1e-9)

            // Interrupted: one image was not made yet, another is of other settings.
            let kept = "\(folder)/kept/tiny.int8_ddpm_3", path = "\(kept)/a_seed0.png"
            let before = try Data(contentsOf: URL(fileURLWithPath: path)),
                other = "\(folder)/kept/tiny_ddpm_3/b_seed1.png"
            let date = try FileManager.default.attributesOfItem(atPath: other)[.modificationDate] as? Date
            try FileManager.default.removeItem(atPath: path)
            let wrong = "\(kept)/b_seed1.png"
            try Data(contentsOf: URL(fileURLWithPath: "\(kept)/b_seed0.png")).write(to: URL(fileURLWithPath: wrong))
            let second = try json(ToolRun("srdiff-evaluate", arguments + ["--json", "--samples", "2"]))
            #expect(try readImage(path).samples == Image(parsing: [UInt8](before)).samples)
            #expect(try FileManager.default.attributesOfItem(atPath: other)[.modificationDate] as? Date == date)
            let again = try #require(second["runs"] as? [[String: Any]]).last?["psnr"] as? [String: Any]
            #expect(again?["mean"] as? Double == mean)
        }
    }

    @Test(
        "--degrade changes every run's input alike and is recorded, and kept images of other input are not used"
    )
    func degrade() throws {
        try withSetting { folder, arguments in
            let clean = try bicubic(arguments, nil), weak = try bicubic(arguments, "noise:5")
            let strong = try bicubic(arguments, "noise:20"), again = try bicubic(arguments, "noise:5")
            #expect(clean.recorded == nil && weak.recorded == "noise:5")
            #expect(clean.psnr > weak.psnr + 0.05 && weak.psnr > strong.psnr + 1 && weak.psnr == again.psnr)
        }
    }

    @Test(
        "low-resolution images are degraded by JPEG, or the library is named",
        .enabled(if: ImageFormat.jpeg.isAvailable, "libturbojpeg0 is not installed"))
    func degradeByJPEG() throws {
        try withSetting { folder, arguments in
            let clean = try bicubic(arguments, nil), weak = try bicubic(arguments, "noise:5")
            let jpeg = try bicubic(arguments, "noise:5+jpeg:30")
            #expect(jpeg.psnr != weak.psnr && jpeg.psnr < clean.psnr)
            let text = try ToolRun(
                "srdiff-evaluate", arguments + ["--degrade", "jpeg:30", "--report", "\(folder)/report.html"])
            #expect(text.status == 0 && text.text.contains("degraded: jpeg:30"), "\(text.error)")
            #expect(try String(contentsOfFile: "\(folder)/report.html", encoding: .utf8).contains("degraded (jpeg:30)"))
            let without = try ToolRun(
                "srdiff-evaluate", arguments + ["--degrade", "jpeg:30"], environment: ["SRD_LIBTURBOJPEG": "/none"])
            #expect(without.status == 1 && without.error.contains("--degrade jpeg:30"), "\(without.error)")
        }
    }

    /// The PSNR of the bicubic baseline, and the degradation that the report names.
    private func bicubic(_ arguments: [String], _ degradation: String?) throws -> (psnr: Double, recorded: String?) {
        let report = try json(
            ToolRun("srdiff-evaluate", arguments + ["--json"] + (degradation.map { ["--degrade", $0] } ?? [])))
        let runs = try #require(report["runs"] as? [[String: Any]])
        let grid = try #require(runs.last?["grid"] as? [String: Any])
        #expect(grid["mean"] is Double)
        return (try #require((runs[0]["psnr"] as? [String: Any])?["mean"] as? Double), report["degradation"] as? String)
    }

    @Test("--csv has a line for each image and run; the reference has a folder of its own where one is named")
    func csv() throws {
        try withSetting { folder, arguments in
            let run = try ToolRun("srdiff-evaluate", arguments + ["--csv", "--save-reference", "\(folder)/reference"])
            let lines = run.text.split(separator: "\n")
            #expect(run.status == 0 && lines.count == 1 + 2 * 6, "\(run.error)")
            #expect(
                lines[0].hasPrefix("set,image,model,sampler,steps,psnr,") && lines[1].hasPrefix("photos,a,bicubic,,,")
            )
            #expect(try list("\(folder)/reference") == ["tiny_ddpm_2", "tiny_ddpm_3"])
            #expect(try list("\(folder)/kept") == ["bicubic", "encoder", "tiny.int8_ddpm_2", "tiny.int8_ddpm_3"])
        }
    }

    @Test("--fail-if decides the exit status and names model, metric and value")
    func failIf() throws {
        try withSetting { _, arguments in
            let good = try ToolRun("srdiff-evaluate", arguments + ["--quiet", "--fail-if", "psnr_drop>10"])
            #expect(good.status == 0 && good.output.isEmpty && good.error.isEmpty)
            let bad = try ToolRun(
                "srdiff-evaluate", arguments + ["--quiet", "--fail-if", "psnr_drop > -10", "--fail-if", "ssim<=-1"])
            #expect(
                bad.status == 1 && bad.error.contains("tiny.int8 ddpm 3: psnr_drop is") && !bad.error.contains("ssim"))
        }
    }

    @Test("pairs: what was given as reduced is used; a missing or misfitting one is an error that names it")
    func pairs() throws {
        try withSetting { folder, arguments in
            try FileManager.default.createDirectory(atPath: "\(folder)/low", withIntermediateDirectories: true)
            let pairs = arguments + ["--lr", "\(folder)/low", "--csv"]
            try Image.random(13, 11).write(to: "\(folder)/low/a.png")
            let missing = try ToolRun("srdiff-evaluate", pairs)
            #expect(missing.status == 1 && missing.error.contains("b.png: its reduced image is missing in"))
            try Image.random(17, 12).write(to: "\(folder)/low/b.png")
            let misfit = try ToolRun("srdiff-evaluate", pairs)
            #expect(misfit.status == 1 && misfit.error.contains("low/b.png: 17×12 pixels"))
            try Image.random(16, 12).write(to: "\(folder)/low/b.png")
            #expect(
                try ToolRun("srdiff-evaluate", pairs).text != ToolRun("srdiff-evaluate", arguments + ["--csv"]).text)
        }
    }

    static let damaged = [
        "denoise_fn.ups.0.0.block1.block.1", "denoise_fn.mid_block1.block2.block.1", "rrdb.RRDB_trunk.0.RDB2.conv2",
    ]

    @Test("--layers puts the layer whose scales were doubled first", arguments: damaged)
    func layers(name: String) throws {
        try withSetting(damage: name) { _, arguments in
            let run = try ToolRun("srdiff-evaluate", arguments + ["--layers"])
            let start = try #require(run.text.range(of: "LAYERS of tiny.int8"), "\(run.error)")
            let first = run.text[start.lowerBound...].split(separator: "\n").dropFirst().first
            #expect(first?.hasPrefix(name) == true, "\(first ?? "")")
        }
    }

    // MARK: The report

    /// Appended to the page: uses it as its reader would, and writes down what came of it.
    private static let reader = """
        <script>addEventListener('load', () => {
          const image = document.querySelector('.image'), images = [...document.images], transforms = () =>
            [...image.querySelectorAll('.view > *')].map(e => e.style.transform);
          const log = [images.every(i => i.complete && i.naturalWidth > 0) ? 'images' : 'no images'];
          const before = transforms();
          image.querySelector('[data-do=in]').click();
          const after = transforms();
          log.push(after.every(t => t === after[0]) && after[0] !== before[0] ? 'zoom' : 'no zoom');
          image.querySelector('[data-do=whole]').click();
          log.push(+image.dataset.zoom < 6 && transforms()[0] !== after[0] ? 'whole' : 'no whole');
          const canvas = image.querySelector('canvas');
          const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
          log.push(data.some((v, i) => i % 4 !== 3 && v > 0) ? 'difference' : 'no difference');
          document.body.dataset.log = log.join(', ');
        });</script>
        """

    @Test("--report is one file that asks for nothing else; an existing one needs --overwrite")
    func report() throws {
        try withSetting { folder, arguments in
            let path = "\(folder)/report.html"
            let run = try ToolRun("srdiff-evaluate", arguments + ["--report", path, "--quiet"])
            #expect(run.status == 0, "\(run.error)")
            let text = try String(contentsOfFile: path, encoding: .utf8)
            #expect(
                !text.contains("http:") && !text.contains("https:") && !text.contains("url(") && text.contains("<svg"))
            #expect(text.components(separatedBy: "class=\"image\"").count == 3)
            // Plots of steps, images, timesteps and layers.
            #expect(text.components(separatedBy: "<figure class=\"plot\">").count == 5)
            let again = try ToolRun("srdiff-evaluate", arguments + ["--report", path])
            #expect(again.status == 1 && again.error.contains("--overwrite"))

            // An image that fails is left out of the report too.
            try Data([0x89]).write(to: URL(fileURLWithPath: "\(folder)/photos/0.png"))
            let part = try ToolRun("srdiff-evaluate", arguments + ["--report", path, "--overwrite"])
            #expect(part.status == 1 && part.error.contains("1 of 3 images failed"), "\(part.error)")
            #expect(
                try String(contentsOfFile: path, encoding: .utf8).components(separatedBy: "class=\"image\"").count == 3)
        }
    }

    @Test("--consistent corrects every result, and does not take the uncorrected ones that are kept for its own")
    func consistent() throws {
        try withSetting { folder, arguments in
            func lowPSNR(_ extra: [String]) throws -> [Double] {
                let run = try ToolRun("srdiff-evaluate", arguments + ["--csv"] + extra)
                #expect(run.status == 0, "\(run.error)")
                let rows = run.text.split(separator: "\n").map {
                    $0.split(separator: ",", omittingEmptySubsequences: false)
                }
                let column = try #require(rows[0].firstIndex(of: "lr_psnr"))
                return rows.dropFirst().compactMap { Double($0[column]) }
            }
            let plain = try lowPSNR([]), corrected = try lowPSNR(["--consistent"])
            #expect(plain.count == corrected.count && plain.count >= 10)
            for (a, b) in zip(plain, corrected) { #expect(b > a) }
        }
    }

    @Test(
        "a browser shows it: no error on its console, images load, all views zoom together, the difference is drawn",
        .enabled(if: Browser.path != nil, "no Chromium on this machine"))
    func browser() throws {
        try withSetting { folder, arguments in
            let path = "\(folder)/report.html"
            #expect(try ToolRun("srdiff-evaluate", arguments + ["--report", path, "--quiet"]).status == 0)
            let text = try String(contentsOfFile: path, encoding: .utf8)
            let read = text.replacingOccurrences(of: "</body>", with: Self.reader + "</body>")
            try Data(read.utf8).write(to: URL(fileURLWithPath: path))
            let process = Process(), output = Pipe(), errors = "\(folder)/errors.txt"
            process.executableURL = URL(fileURLWithPath: try #require(Browser.path))
            process.arguments = [
                "--headless", "--no-sandbox", "--disable-gpu", "--user-data-dir=\(folder)/profile",
                "--window-size=1280,900",
                "--enable-logging=stderr", "--virtual-time-budget=15000", "--dump-dom", "file://\(path)",
            ]
            process.standardOutput = output
            #expect(FileManager.default.createFile(atPath: errors, contents: nil))
            process.standardError = FileHandle(forWritingAtPath: errors)
            try process.run()
            let page = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
            process.waitUntilExit()
            let console = try String(contentsOfFile: errors, encoding: .utf8).split(separator: "\n").filter {
                $0.contains("CONSOLE")
            }
            #expect(console.isEmpty, "\(console)")
            #expect(page.contains("data-log=\"images, zoom, whole, difference\""), "\(page.suffix(300))")
        }
    }
}

extension Model {
    /// One layer's weights are read twice as large as they were.
    fileprivate func doublingScales(of name: String) -> Model {
        var layers = layers
        let layer = layers[name]!
        guard case .int8(let values, let scales) = layer.weights else { preconditionFailure("\(name) is float") }
        layers[name] = Layer(
            shape: layer.shape, weights: .int8(values, scales: scales.map { 2 * $0 }), bias: layer.bias)
        return Model(
            network: network, schedule: schedule, layers: layers, activations: activations,
            calibratedTimesteps: calibratedTimesteps,
            parameters: parameters, hasPreview: hasPreview)
    }
}
