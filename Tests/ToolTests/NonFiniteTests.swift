import Foundation
import SRDFile
import SRDiff
import SRDTensor
import TestSupport
import Testing

/// A network that puts out NaN or infinity gives an error that names the layer, and no file.
@Suite("Models whose results are not finite", .serialized)
struct NonFiniteTests {
    /// A tiny model with weights that are finite, but too large.
    private func withHugeModel<Result>(
        _ tensor: String, _ body: (_ folder: String, _ options: [String]) throws -> Result
    ) throws -> Result {
        try withTemporaryFolder { folder in
            var tensors = TinyModel.tensors()
            tensors[tensor]!.values = tensors[tensor]!.values.map { $0 < 0 ? -3e38 : 3e38 }
            try TinyModel.write(to: "\(folder)/huge.safetensors", tensors)
            try Image.waves(16, 12, phase: 0).write(to: "\(folder)/a.png")
            try Image.waves(16, 12, phase: 5).write(to: "\(folder)/b.png")
            return try body(folder, ["--model", "\(folder)/huge.safetensors", "--steps", "3"])
        }
    }

    private static let last = "denoise_fn.final_conv.1.weight"

    @Test("srdiff-upscale names layer and timestep, and finishes the batch")
    func upscale() throws {
        try withHugeModel(Self.last) { folder, options in
            let before = try list(folder)
            let run = try ToolRun("srdiff-upscale", ["\(folder)/a.png", "\(folder)/b.png"] + options)
            #expect(run.status == 1)
            #expect(
                run.error.contains(
                    "layer `denoise_fn.final_conv.1` puts out numbers that are not finite at timestep 19"),
                "\(run.error)")
            #expect(run.lastLine == "0 upscaled, 2 failed (2 not finite)", "\(run.text)")
            #expect(try list(folder) == before)
        }
    }

    @Test("in the encoder too, for the sample and for its own image", arguments: [[], ["--preview"]])
    func encoder(method: [String]) throws {
        try withHugeModel("rrdb.conv_first.weight") { folder, options in
            let before = try list(folder)
            let run = try ToolRun("srdiff-upscale", ["\(folder)/a.png"] + method + options)
            #expect(
                run.status == 1 && run.error.contains("rrdb.") && run.error.contains("while the image is encoded"),
                "\(run.error)")
            #expect(try list(folder) == before)
        }
    }

    @Test(
        "in every tool that makes images",
        arguments: [
            ("srdiff-fuse", ["a.png", "b.png", "--box", "2,2,8,8", "-o", "out.png"]),
            ("srdiff-interpolate", ["a.png", "--seeds", "1", "2", "-o", "out"]),
            ("srdiff-interpolate", ["a.png", "b.png", "-o", "out"]),
        ])
    func tools(tool: String, arguments: [String]) throws {
        try withHugeModel(Self.last) { folder, options in
            let before = try list(folder)
            let words = arguments.map { $0.contains("png") || $0 == "out" ? "\(folder)/\($0)" : $0 }
            let run = try ToolRun(tool, words + options)
            #expect(
                run.status == 1 && run.error.contains("final_conv") && run.error.contains("not finite"), "\(run.error)")
            #expect(try list(folder) == before)
        }
    }

    @Test("srdiff-evaluate reports it for each image")
    func evaluate() throws {
        try withHugeModel(Self.last) { folder, _ in
            let run = try ToolRun(
                "srdiff-evaluate", ["\(folder)/huge.safetensors", "--images", "\(folder)/a.png", "--steps", "2"])
            #expect(run.status == 1 && run.error.contains("not finite"), "\(run.error)")
        }
    }

    @Test("the library throws it")
    func library() throws {
        try withHugeModel(Self.last) { folder, _ in
            let upscaler = try Upscaler(modelAt: "\(folder)/huge.safetensors")
            let image = try readImage("\(folder)/a.png")
            do {
                _ = try upscaler.upscale(image, steps: 2)
                Issue.record("no error")
            } catch SRDiffError.notFinite(_, let layer) {
                #expect(layer?.name == "denoise_fn.final_conv.1" && layer?.timestep == 19)
            }
            // Another model is not affected.
            #expect(try Upscaler(loaded(TinyModel.tensors(), folder)).upscale(image, steps: 2).width == 64)
        }
    }

    private func loaded(_ tensors: [String: FloatTensor], _ folder: String) throws -> LoadedModel {
        try TinyModel.write(to: "\(folder)/good.safetensors", tensors)
        return try LoadedModel.read("\(folder)/good.safetensors")
    }
}
