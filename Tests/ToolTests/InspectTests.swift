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
            #expect(text.status == 0 && text.text.contains("hidden size 8, multipliers 1|2") && text.text.contains("rrdb.conv_first.weight"))
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
            for options in [[], ["--half"]] {
                let run = try ToolRun("srdiff-inspect", ["\(folder)/tiny.safetensors", "--export", "\(folder)/out.safetensors"] + options)
                #expect(run.status == 0, "\(run.error)")
                let name = "denoise_fn.cond_proj.weight"
                let before = try Safetensors(path: "\(folder)/tiny.safetensors").tensor(name).values
                let after = try Safetensors(path: "\(folder)/out.safetensors").tensor(name).values
                // A half has 11 bits.
                #expect(zip(before, after).allSatisfy { abs($0 - $1) <= (options.isEmpty ? 0 : abs($0) * 0x1p-11 + 0x1p-24) })
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
                for tensor in tensors { #expect(run.text.contains("\(tensor.name)") && run.text.contains(tensor.type.rawValue)) }
            }
        }
    }

    @Test("tensors that are no SRDiff model are still listed, and the exit status is 1")
    func otherTensors() throws {
        try withTemporaryFolder { folder in
            try Safetensors.write([SafetensorsTensor("something.else", .init(shape: [2, 3]))], to: "\(folder)/other.safetensors")
            let run = try ToolRun("srdiff-inspect", ["\(folder)/other.safetensors"])
            #expect(run.status == 1 && run.text.contains("something.else") && run.error.contains("other.safetensors"))
        }
    }
}
