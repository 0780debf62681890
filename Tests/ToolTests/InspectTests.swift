import Foundation
import Testing
import SRDFile
import TestSupport

@Suite("srdiff-inspect")
struct InspectTests {
    @Test("says what a model is, for people and for programs")
    func describes() throws {
        try withTemporaryFolder { folder in
            try TinyModel.write(to: "\(folder)/tiny.safetensors")
            let text = try ToolRun("srdiff-inspect", ["\(folder)/tiny.safetensors"])
            #expect(
                text.status == 0 && text.text.contains("hidden size 8, multipliers 1|2")
                    && text.text.contains("rrdb.conv_first.weight"))
            let json = try ToolRun("srdiff-inspect", ["\(folder)/tiny.safetensors", "--json"])
            let object = try JSONSerialization.jsonObject(with: json.output) as? [String: Any]
            #expect((object?["configuration"] as? [String: Any])?["hidden_size"] as? Int == 8)
            // The layers' work is the parts'.
            func macs(_ key: String) -> Double {
                (object?[key] as? [[String: Any]] ?? []).reduce(0) { $0 + ($1["mac_per_pixel"] as? Double ?? .nan) }
            }
            #expect(macs("layers") > 0 && abs(macs("layers") / macs("parts") - 1) < 1e-9)
        }
    }

    @Test("exports what sampling needs; in 16 bits to half the size")
    func exports() throws {
        try withTemporaryFolder { folder in
            try TinyModel.write(to: "\(folder)/tiny.safetensors")
            for options in [[], ["--half", "--overwrite"]] {
                let run = try ToolRun(
                    "srdiff-inspect", ["\(folder)/tiny.safetensors", "--export", "\(folder)/out.safetensors"] + options)
                #expect(run.status == 0, "\(run.error)")
                let name = "denoise_fn.cond_proj.weight"
                let before = try Safetensors(path: "\(folder)/tiny.safetensors").tensor(name).values
                let after = try Safetensors(path: "\(folder)/out.safetensors").tensor(name).values
                // A half has 11 bits.
                #expect(
                    zip(before, after).allSatisfy {
                        abs($0 - $1) <= (options.isEmpty ? 0 : abs($0) * 0x1p-11 + 0x1p-24)
                    })
            }
        }
    }

    @Test("lists tensors of every type, floats or not")
    func listsEveryType() throws {
        try withTemporaryFolder { folder in
            let halves = SafetensorsTensor(halves: "in.halves", .init(shape: [2]))
            for tensors in [[SafetensorsTensor("in.bytes", shape: [3], [Int8](repeating: 1, count: 3))], [halves]] {
                try Safetensors.write(tensors, metadata: ["made": "by hand"], to: "\(folder)/other.safetensors")
                let run = try ToolRun("srdiff-inspect", ["\(folder)/other.safetensors"])
                #expect(run.status == 1 && run.text.contains("by hand"))
                for tensor in tensors {
                    #expect(run.text.contains("\(tensor.name)") && run.text.contains(tensor.type.rawValue))
                }
            }
        }
    }

    @Test("tensors that are no SRDiff model are still listed, and the exit status is 1")
    func otherTensors() throws {
        try withTemporaryFolder { folder in
            try Safetensors.write(
                [SafetensorsTensor("something.else", .init(shape: [2, 3]))], to: "\(folder)/other.safetensors")
            let run = try ToolRun("srdiff-inspect", ["\(folder)/other.safetensors"])
            #expect(run.status == 1 && run.text.contains("something.else") && run.error.contains("other.safetensors"))
        }
    }

    @Test("--export never writes over the input, and replaces another file only with --overwrite")
    func keepsInputs() throws {
        try withTemporaryFolder { folder in
            let path = "\(folder)/tiny.safetensors", other = "\(folder)/other.safetensors"
            try TinyModel.write(to: path)
            let before = FileManager.default.contents(atPath: path)
            try FileManager.default.createSymbolicLink(atPath: "\(folder)/link.safetensors", withDestinationPath: path)
            for name in [path, "\(folder)/./tiny.safetensors", "\(folder)/link.safetensors"] {
                let run = try ToolRun("srdiff-inspect", [path, "--export", name, "--overwrite"])
                #expect(run.status == 1 && run.error.contains("this is an input"), "\(run.error)")
            }
            try Data([1]).write(to: URL(fileURLWithPath: other))
            let run = try ToolRun("srdiff-inspect", [path, "--export", other])
            #expect(
                run.status == 1 && run.error.contains("--overwrite")
                    && FileManager.default.contents(atPath: other) == Data([1]))
            #expect(try ToolRun("srdiff-inspect", [path, "--export", other, "--overwrite"]).status == 0)
            #expect(FileManager.default.contents(atPath: path) == before)
            #expect(
                try ToolRun("srdiff-inspect", [path, "--export", "\(folder)/none/x"]).error.contains("no such folder"))
        }
    }

    @Test("summarizes an int8 model, in lines of bounded length")
    func quantized() throws {
        try withTemporaryFolder { folder in
            let path = "\(folder)/tiny.int8.safetensors"
            try TinyQuantizer.write(to: path)
            let run = try ToolRun("srdiff-inspect", [path])
            #expect(run.status == 0, "\(run.error)")
            for text in [
                "int8 model, format version 1", "hidden size 8, multipliers 1|2", "calibration      noise",
                "weight scales", "no sampling schedules",
            ] {
                #expect(run.text.contains(text), "\(text): \(run.text)")
            }
            #expect(run.text.split(separator: "\n").allSatisfy { $0.count <= 160 })
            let json =
                try JSONSerialization.jsonObject(with: ToolRun("srdiff-inspect", [path, "--json"]).output)
                as? [String: Any]
            #expect(
                json?["format"] as? String == "srdiff-int8"
                    && (json?["layers"] as? [[String: Any]])?.contains { $0["int8"] as? Bool == true } == true)
            let export = try ToolRun("srdiff-inspect", [path, "--export", "\(folder)/x.safetensors"])
            #expect(export.status == 1 && export.error.contains("int8 model cannot be exported"))
        }
    }

    @Test("names and metadata from the file do not act on the terminal, and long ones are shortened")
    func hostileNames() throws {
        try withTemporaryFolder { folder in
            let path = "\(folder)/x.safetensors", name = "a\u{1b}[31m\u{202e}" + String(repeating: "b", count: 500)
            try Safetensors.write(
                [SafetensorsTensor(name, .init(shape: [2]))],
                metadata: ["k\u{1b}": "\u{9b}31m" + String(repeating: "c", count: 5000)], to: path)
            for arguments in [[path], [path, "--json"]] {
                let run = try ToolRun("srdiff-inspect", arguments)
                #expect(run.status == 1)
                #expect(
                    (run.text + run.error).unicodeScalars.allSatisfy {
                        $0 == "\n" || $0.value >= 0x20 && !(0x7f...0x9f).contains($0.value)
                    })
                if arguments.count == 1 { #expect(run.text.split(separator: "\n").allSatisfy { $0.count <= 160 }) }
            }
        }
    }

    @Test("warns of a noise schedule that contradicts itself, and exports the rebuilt one")
    func badSchedule() throws {
        try withTemporaryFolder { folder in
            var tensors = TinyModel.tensors()
            for (name, tensor) in tensors {  // all in bfloat16
                tensors[name]!.values = tensor.values.map {
                    Float(bitPattern: ($0.bitPattern &+ 0x7fff &+ ($0.bitPattern >> 16 & 1)) & 0xffff_0000)
                }
            }
            try TinyModel.write(to: "\(folder)/bf16.safetensors", tensors)
            let run = try ToolRun(
                "srdiff-inspect", ["\(folder)/bf16.safetensors", "--export", "\(folder)/out.safetensors"])
            #expect(
                run.status == 0 && run.error.contains("contradicts itself") && run.error.contains("cosine"),
                "\(run.error)")
            #expect(try ToolRun("srdiff-inspect", ["\(folder)/out.safetensors"]).error == "")
        }
    }
}
