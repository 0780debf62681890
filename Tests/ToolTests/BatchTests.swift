import Foundation
import SRDFile
import SRDiff
import TestSupport
import Testing

/// What a person may expect of a folder of images.
@Suite("Batches", .serialized)
struct BatchTests {
    /// Three images, and everything else that folders contain.
    private func withFolder<Result>(_ body: (_ folder: String, _ photos: String, _ options: [String]) throws -> Result)
        throws -> Result
    {
        try withTinyModel { folder, options in
            let photos = "\(folder)/photos"
            try makeFolder("\(photos)/sub/deep")
            try Image.random(7, 5).write(to: "\(photos)/a.png")
            try Image.random(12, 9).write(to: "\(photos)/b.png")
            try write(Image.random(5, 6).encoded(as: .pnm), to: "\(photos)/c.ppm")
            try Image.random(6, 6).write(to: "\(photos)/sub/deep/d.png")
            for name in ["._a.png", ".hidden.png", "notes.txt", "e.heic", "f.HEIC"] {
                try write([1, 2, 3], to: "\(photos)/\(name)")
            }
            return try body(folder, photos, options)
        }
    }

    private func summary(_ run: ToolRun) throws -> [String: Any] {
        let document = try JSONSerialization.jsonObject(with: run.output) as? [String: Any]
        return try #require(document?["summary"] as? [String: Any], "\(run.error)")
    }

    @Test("a folder's last line counts what was done and skipped, by kind; the status is 0")
    func summary() throws {
        try withFolder { folder, photos, options in
            let run = try ToolRun("srdiff-upscale", [photos, "-o", "\(folder)/out"] + options)
            #expect(run.status == 0, "\(run.error)")
            let kinds = "1 macOS metadata file, 1 hidden file, 2 HEIC, 1 other file, 1 folder"
            let expected = "3 upscaled, 6 skipped ("
            #expect(run.lastLine.hasPrefix(expected), "\(run.lastLine)")
            for kind in kinds.components(separatedBy: ", ") { #expect(run.lastLine.contains(kind), "\(run.lastLine)") }
            #expect(run.error.contains("heif-convert"))
            #expect(try list("\(folder)/out") == ["a_x4.png", "b_x4.png", "c_x4.png"])

            let again = try ToolRun("srdiff-upscale", [photos, "-o", "\(folder)/out", "--json"] + options)
            let found = try summary(again)
            #expect(again.status == 0 && found["done"] as? Int == 0 && found["failed"] as? Int == 0)
            let byKind = found["skippedByKind"] as? [String: Int]
            #expect(byKind?["existing result"] == 3 && byKind?["HEIC"] == 2)
        }
    }

    @Test("--recursive takes subfolders and keeps them in the output folder, which is not searched itself")
    func recursive() throws {
        try withFolder { folder, photos, options in
            for (round, done) in [(0, 4), (1, 0)] {
                let run = try ToolRun("srdiff-upscale", [photos, "-o", "\(photos)/large", "--recursive"] + options)
                #expect(
                    run.status == 0 && run.lastLine.hasPrefix("\(done) upscaled"),
                    "\(round): \(run.lastLine) \(run.error)")
            }
            #expect(try list("\(photos)/large") == ["a_x4.png", "b_x4.png", "c_x4.png", "sub"])
            #expect(try list("\(photos)/large/sub/deep") == ["d_x4.png"])
        }
    }

    @Test(
        "own results are not upscaled again, whatever -o is and however inputs are named, unless named alone"
    )
    func ownResults() throws {
        try withFolder { folder, photos, options in
            let originals = try list(photos)
            for form in 0..<3 {
                for _ in 0..<2 {
                    let names = try FileManager.default.contentsOfDirectory(atPath: photos).filter {
                        $0.hasSuffix(".png") && !$0.hasPrefix(".")
                    }
                    let inputs =
                        form == 1 ? names.map { "\(photos)/\($0)" } : form == 2 ? ["\(photos)/*.png"] : [photos]
                    let run = try ToolRun("srdiff-upscale", inputs + ["-o", photos] + options)
                    #expect(run.status == 0, "\(run.error)")
                }
                #expect(try list(photos) == originals.union(["a_x4.png", "b_x4.png", "c_x4.png"]))
            }
            // Recognized by the settings in the file, without its original in the folder.
            try makeFolder("\(folder)/results")
            try FileManager.default.moveItem(atPath: "\(photos)/a_x4.png", toPath: "\(folder)/results/holiday.png")
            let run = try ToolRun("srdiff-upscale", ["\(folder)/results", "-o", "\(folder)/out"] + options)
            #expect(run.status == 0 && run.lastLine == "0 upscaled, 1 skipped (1 own result)", "\(run.lastLine)")
            let alone = try ToolRun("srdiff-upscale", ["\(folder)/results/holiday.png", "--bicubic"])
            #expect(alone.status == 0, "\(alone.error)")
            #expect(try list("\(folder)/results").count == 2)
        }
    }

    @Test("a failure is counted by kind, gives status 1, and never hides the other images")
    func failures() throws {
        try withFolder { folder, photos, options in
            let good = try contents("\(photos)/a.png")
            try good.prefix(good.count / 2).write(to: URL(fileURLWithPath: "\(photos)/aa.png"))
            try write("no image".utf8, to: "\(photos)/ab.png")
            try write("neither".utf8, to: "\(photos)/z.png")
            let run = try ToolRun("srdiff-upscale", [photos, "-o", "\(folder)/out"] + options)
            #expect(run.status == 1)
            #expect(
                run.lastLine.hasPrefix("3 upscaled, ") && run.lastLine.contains("3 failed (1 cut off, 2 not an image)"),
                "\(run.lastLine)")
            #expect(["aa.png", "ab.png", "z.png"].allSatisfy { run.error.contains($0) })
            #expect(try list("\(folder)/out") == ["a_x4.png", "b_x4.png", "c_x4.png"])
            let found = try summary(
                ToolRun("srdiff-upscale", [photos, "-o", "\(folder)/out", "--overwrite", "--json"] + options))
            #expect(found["failed"] as? Int == 3 && (found["failedByKind"] as? [String: Int])?["not an image"] == 2)
        }
    }

    @Test("files are the same, one by one or in a batch, in which reading and writing overlap with the model")
    func sameBytes() throws {
        try withTinyModel { folder, options in
            let photos = "\(folder)/photos"
            try makeFolder(photos)
            for i in 0..<9 { try Image.random(4 + 5 * (i % 4), 3 + 4 * (i % 3)).write(to: "\(photos)/\(i).png") }
            let extra = ["--samples", "2", "--statistics"]
            #expect(try ToolRun("srdiff-upscale", [photos, "-o", "\(folder)/batch"] + extra + options).status == 0)
            for i in 0..<9 {
                let run = try ToolRun(
                    "srdiff-upscale", ["\(photos)/\(i).png", "-o", "\(folder)/single/"] + extra + options)
                #expect(run.status == 0, "\(run.error)")
            }
            let names = try list("\(folder)/batch")
            #expect(try names.count == 9 * 5 && list("\(folder)/single") == names)
            for name in names {
                let batch = try contents("\(folder)/batch/\(name)"), single = try contents("\(folder)/single/\(name)")
                #expect(batch == single, "\(name)")
            }
        }
    }

    #if arch(x86_64)  // an emulator counts its own memory
        @Test("memory does not grow with the number of images")
        func memory() throws {
            try withTinyModel { folder, options in
                func peak(_ count: Int) throws -> Int {
                    let photos = "\(folder)/\(count)"
                    try makeFolder(photos)
                    for i in 0..<count { try Image.random(60 + i % 3, 50).write(to: "\(photos)/\(i).png") }
                    let run = try ToolRun(
                        "srdiff-upscale", [photos, "-o", "\(folder)/out\(count)", "--json"] + options)
                    let document = try JSONSerialization.jsonObject(with: run.output) as? [String: Any]
                    return try #require(document?["peakMemoryBytes"] as? Int, "\(run.error)")
                }
                // What the allocator keeps in each thread's pool differs by a few megabytes.
                let few = try peak(12), many = try peak(80)
                #expect(many < few + 8 << 20, "\(few) → \(many)")
            }
        }
    #endif

    /// Whether this user may mount a small file system in a namespace of its own.
    private static let mayMount: Bool = {
        let run = try? ToolRun(
            "/bin/sh", ["-c", "unshare -rm sh -c 'mount -t tmpfs -o size=64k none /mnt' 2>/dev/null"])
        return run?.status == 0
    }()

    @Test("a full disk ends the batch with the right reason", .enabled(if: mayMount, "no right to mount"))
    func diskFull() throws {
        try withTinyModel { folder, options in
            let photos = "\(folder)/photos"
            try makeFolder(photos)
            for i in 0..<6 { try Image.random(60, 50).write(to: "\(photos)/\(i).png") }  // 150 KB each, when upscaled
            let script = """
                unshare -rm sh -c \
                'mount -t tmpfs -o size=200k none /mnt && "$0" "$@"; status=$?; ls -A /mnt/out; exit $status' "$0" "$@"
                """
            let run = try ToolRun.shell(script, "srdiff-upscale", [photos, "-o", "/mnt/out"] + options)
            #expect(run.status == 1 && run.error.contains("no space left on the device"), "\(run.error)")
            #expect(run.text.contains("not tried, because the disk is full"), "\(run.text)")
            #expect(!run.text.contains("partial"))
        }
    }

    @Test("a limit on the size of files is an error, not a signal, and leaves nothing half written")
    func fileSizeLimit() throws {
        try withTinyModel { folder, options in
            try Image.random(60, 50).write(to: "\(folder)/a.png")
            let before = try list(folder)
            let run = try ToolRun.shell(
                "ulimit -f 8 && exec \"$0\" \"$@\"", "srdiff-upscale", ["\(folder)/a.png"] + options)
            #expect(run.status == 1 && run.error.contains("size limit"), "\(run.status) \(run.error)")
            #expect(try list(folder) == before)
        }
    }

    @Test("a full device behind standard output is named")
    func fullDevice() throws {
        try withTinyModel { folder, options in
            try Image.random(4, 4).write(to: "\(folder)/a.png")
            let image = try ToolRun.shell(
                "exec \"$0\" \"$@\" > /dev/full", "srdiff-upscale", ["\(folder)/a.png", "-o", "-"] + options)
            #expect(image.status == 1 && image.error.contains("no space left on the device"), "\(image.error)")
            let text = try ToolRun.shell(
                "exec \"$0\" \"$@\" > /dev/full", "srdiff-inspect", ["\(folder)/tiny.safetensors"])
            #expect(text.status == 1 && text.error.contains("no space left on the device"), "\(text.error)")
            let path = try ToolRun("srdiff-upscale", ["\(folder)/a.png", "-o", "/dev/full"] + options)
            #expect(path.status == 1 && path.error.contains("-o -"), "\(path.error)")
        }
    }

    @Test("without a terminal, a log says what starts and which image is worked on; --quiet says nothing")
    func log() throws {
        try withFolder { folder, photos, options in
            let run = try ToolRun("srdiff-upscale", [photos, "-o", "\(folder)/out"] + options)
            for name in ["model: ", "[1/3]", "[2/3]", "[3/3]"] { #expect(run.error.contains(name), "\(run.error)") }
            #expect(!run.error.contains("\u{1b}"))
            let quiet = try ToolRun(
                "srdiff-upscale", [photos, "-o", "\(folder)/out", "--overwrite", "--quiet"] + options)
            #expect(quiet.status == 0 && quiet.error.isEmpty && quiet.output.isEmpty)
        }
    }
}
