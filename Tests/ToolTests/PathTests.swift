import Foundation
import SRDFile
import SRDiff
import TestSupport
import Testing

/// Paths are bytes, and images come through pipes too.
@Suite("Paths and pipes", .serialized)
struct PathTests {
    @Test("names that are not UTF-8, and with terminal escapes")
    func bytes() throws {
        try withTinyModel { folder, options in
            try Image.random(4, 3).write(to: "\(folder)/a.png")
            for (name, shown) in [("\\377\\376", "\\xff\\xfe"), ("a\\033[31m", "\\x1b[31m")] {
                let script = """
                    cd "$1" && shift && name=$(printf '\(name)') && mkdir "out$name" && cp a.png "out$name/$name.png" \
                    && "$0" "out$name" "$@" && "$0" "out$name/$name.png" -o "out$name/alone.png" "$@" \
                    && test -f "out$name/${name}_x4.png"
                    """
                let run = try ToolRun.shell(script, "srdiff-upscale", [folder] + options)
                #expect(run.status == 0, "\(run.error)")
                #expect(run.text.contains(shown) && !run.output.contains(0x1b), "\(run.text)")
            }
        }
    }

    @Test("names of 255 bytes", arguments: ["a", "é", "漢"])
    func long(letter: String) throws {
        try withTinyModel { folder, options in
            let bytes = letter.utf8.count, name = String(repeating: letter, count: 251 / bytes),
                padding = String(repeating: "b", count: 251 % bytes)
            let path = "\(folder)/\(name)\(padding).png"
            try Image.random(4, 3).write(to: path)
            let run = try ToolRun("srdiff-upscale", [path] + options)
            #expect(run.status == 0, "\(run.error)")
            let results = try list(folder).subtracting(["tiny.safetensors", "\(name)\(padding).png"])
            #expect(results.count == 1 && results.first!.hasSuffix("_x4.png") && results.first!.utf8.count <= 255)
            // An output of the full length.
            let long = "\(folder)/\(padding)\(name).png"
            let other = try ToolRun(
                "srdiff-upscale",
                [path, "-o", long == path ? "\(folder)/c\(path.dropFirst(folder.count + 2))" : long] + options)
            #expect(other.status == 0, "\(other.error)")
            let tooLong = try ToolRun("srdiff-upscale", [path, "-o", "\(folder)/\(name)\(padding)x.png"] + options)
            #expect(tooLong.status == 1 && tooLong.error.contains("too long"), "\(tooLong.error)")
        }
    }

    @Test("a named pipe is read; the result is named after it or by -o")
    func pipes() throws {
        try withTinyModel { folder, options in
            try Image.random(7, 5).write(to: "\(folder)/a.png")
            for output in ["-o \"$1/out.png\"", "> \"$1/out.png\""] {
                let script = """
                    rm -f "$1/pipe" "$1/out.png"; mkfifo "$1/pipe"; cat "$1/a.png" > "$1/pipe" &
                    sleep 0.1; "$0" "$1/pipe" \(output) \(options.joined(separator: " "))
                    """
                let run = try ToolRun.shell(script, "srdiff-upscale", [folder])
                #expect(run.status == 0, "\(run.error)")
                #expect(try readImage("\(folder)/out.png").width == 28)
            }
        }
    }

    @Test("a file whose name starts with a dash gets a hint")
    func dash() throws {
        try withTinyModel { folder, options in
            try Image.random(4, 3).write(to: "\(folder)/-foo.png")
            let run = try ToolRun.shell("cd \"$1\" && exec \"$0\" -foo.png", "srdiff-upscale", [folder])
            #expect(run.status == 2 && run.error.contains("./-foo.png") && run.error.contains("`--`"), "\(run.error)")
            let after = try ToolRun.shell(
                "cd \"$1\" && exec \"$0\" --model tiny.safetensors --steps 2 -- -foo.png", "srdiff-upscale", [folder])
            #expect(after.status == 0, "\(after.error)")
            #expect(try list(folder).contains("-foo_x4.png"))
        }
    }

    @Test("standard input ends when it cannot be an image, or is too long")
    func endless() throws {
        try withTinyModel { folder, options in
            let zero = try ToolRun.shell("\"$0\" - \"$@\" < /dev/zero", "srdiff-upscale", options)
            #expect(zero.status == 1 && zero.error.contains("not an image"), "\(zero.error)")
            let text = try ToolRun.shell("yes | \"$0\" - \"$@\"", "srdiff-upscale", options)
            #expect(text.status == 1 && text.error.contains("not an image"), "\(text.error)")
            #if arch(x86_64)  // an emulator counts its own memory
                try write(Image.random(4, 3).encoded(as: .pnm), to: "\(folder)/a.ppm")
                let script = "ulimit -v 400000; model=$1; shift; cat \"$model/a.ppm\" /dev/zero | \"$0\" - \"$@\""
                let long = try ToolRun.shell(script, "srdiff-upscale", [folder] + options)
                #expect(long.status == 1 && long.error.contains("more than"), "\(long.error)")
            #endif
        }
    }

    @Test("several images on standard input: all of them as PNM, else a warning")
    func severalImages() throws {
        try withTinyModel { folder, options in
            let images = [Image.random(4, 3), Image.random(5, 6)],
                input = Data(try images.flatMap { try $0.encoded(as: .pnm) })
            let run = try ToolRun("srdiff-upscale", ["-", "-o", "-", "--format", "pnm"] + options, input: input)
            #expect(run.status == 0, "\(run.error)")
            let results = try Image.sequence(parsing: [UInt8](run.output))
            #expect(results.map(\.width) == [16, 20] && results.map(\.height) == [12, 24])
            try images[1].write(to: "\(folder)/second.png")
            #expect(try ToolRun("srdiff-upscale", ["\(folder)/second.png"] + options).status == 0)
            #expect(try results[1].samples == readImage("\(folder)/second_x4.png").samples)

            let first = try ToolRun("srdiff-upscale", ["-"] + options, input: input)
            #expect(
                first.status == 0 && first.error.contains("warning") && first.error.contains("not read"),
                "\(first.error)")
            #expect(try Image(parsing: [UInt8](first.output)).width == 16)
        }
    }
}
