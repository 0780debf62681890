import SRDCheckpoint
import SRDFile
import Testing
import TestSupport

@Suite("Checkpoints read as PyTorch reads them")
struct GoldenCheckpointTests {
    struct Golden: Sendable, CustomTestStringConvertible {
        let file: String
        let format: Checkpoint.Format
        let epoch: Int?, globalStep: Int?
        let tensors: Int, values: Int
        /// SHA-256 of the file, of "NAME [SHAPE]" lines and of the values, both by name; from torch.load and NumPy.
        let source: String, shapesDigest: String, valuesDigest: String
        var testDescription: String { file }
    }

    static let golden = [
        Golden(
            file: "golden/x4.ckpt", format: .legacyPickle, epoch: 3, globalStep: 1234, tensors: 395, values: 984305,
            source: "1cd29afc1dc6120a2b783e20585b9f2da40d01f21166c380722d390522ed8b53",
            shapesDigest: "775ae33ce6b8a191069dc9316a0ed3d0e592a0f8d45e5bd286c9a04907f47982",
            valuesDigest: "4925222407e6c72eec571b906ca80c393b75c7cd21aa72c070537b281116d256"),
        Golden(
            file: "golden/x4-odd.ckpt", format: .torchZip, epoch: 3, globalStep: 1234, tensors: 395, values: 984305,
            source: "e83cf04a92d7e96688ee7db8413ad8326e1a72c256d98f37b1adacb58d81b11b",
            shapesDigest: "775ae33ce6b8a191069dc9316a0ed3d0e592a0f8d45e5bd286c9a04907f47982",
            valuesDigest: "a77f8b11d374b0901973cc95aa323d3c4be40090d75b8e561918f1bd894a5cf0"),
        Golden(
            file: "golden/x4-weightnorm.ckpt", format: .legacyPickle, epoch: 3, globalStep: 1234, tensors: 183,
            values: 339609,
            source: "99cbd66d3cec709531f8968af678d82a43116ef1f89fc6edbb99a2c25f5df269",
            shapesDigest: "6183ea3a9c68bf93cc72fdcf5814c180cbdcd0a7eba18063f3f6e99a8f71c775",
            valuesDigest: "0237fa326421c438c6accfd0e2449f0de267614c3cf463ac8ef98e689918af94"),
        Golden(
            file: "golden/x2-linear.bin", format: .torchZip, epoch: nil, globalStep: nil, tensors: 213, values: 150729,
            source: "084977dae22a66e10ded1332d7fd2dee9774953b24856ad6c813405a79c3fccf",
            shapesDigest: "d4b06ad4a26c2fb8368d80ff5ee8e237b8edb1d1083126f9b860e8556c874f88",
            valuesDigest: "70bf639dd983563fe648d121b21763b55c3ef285635f90a685c670dd8b4a6552"),
        Golden(
            file: "golden/x8-attn-upinput.safetensors", format: .safetensors, epoch: nil, globalStep: nil, tensors: 315,
            values: 1116146,
            source: "64060433b8f1459c6bf608e31e20a25597bc29d891823afddd5aa94c26229042",
            shapesDigest: "4386c716ea8b65d0ff0a82efea0a0106dec1747b16a332567cb51e615bdeceb0",
            valuesDigest: "8fc4e1caddd7b5bb6472e27d6f961e63e1f3112d0007f7339254bb6edf05f452"),
        Golden(
            file: "models/edge-start.ckpt", format: .legacyPickle, epoch: 0, globalStep: 3619, tensors: 394,
            values: 3922518,
            source: "32d26c613c6cea69745eb14ce6881700182c057c71254d3602f2581aae01e248",
            shapesDigest: "0b9446ed2c15534e363feac0a8a9dc02c037e584044f781567dff52944cc2927",
            valuesDigest: "4e12f8b290702e7296f3f410cacb3dfe8439962b785958b1fff643b438c55a5c"),
    ]

    static let isThere = golden.allSatisfy { SharedFiles.has($0.file) }

    @Test("names, shapes and every bit of every value", .enabled(if: isThere, SharedFiles.absent), arguments: golden)
    func reads(_ golden: Golden) throws {
        let checkpoint = try Checkpoint.read(SharedFiles.path(golden.file))
        #expect(checkpoint.format == golden.format)
        #expect(checkpoint.epoch == golden.epoch && checkpoint.globalStep == golden.globalStep)
        #expect(checkpoint.sourceSHA256 == golden.source)
        #expect(checkpoint.tensors.count == golden.tensors)
        #expect(checkpoint.tensors.values.reduce(0) { $0 + $1.values.count } == golden.values)
        #expect(shapesDigest(checkpoint) == golden.shapesDigest)
        #expect(valuesDigest(checkpoint) == golden.valuesDigest)
    }

    @Test("a checkpoint written as safetensors reads as the same checkpoint", .enabled(if: isThere, SharedFiles.absent))
    func rewritten() throws {
        let checkpoint = try Checkpoint.read(SharedFiles.path("golden/x4.ckpt"))
        try withTemporaryFolder { folder in
            try checkpoint.writeSafetensors(to: folder + "/x4.safetensors", metadata: ["note": "a test"])
            let again = try Checkpoint.read(folder + "/x4.safetensors")
            #expect(again.format == .safetensors)
            #expect(again.tensors == checkpoint.tensors)
            #expect(again.epoch == 3 && again.globalStep == 1234)
            let metadata = try Safetensors(path: folder + "/x4.safetensors").metadata
            #expect(metadata["source_sha256"] == checkpoint.sourceSHA256 && metadata["note"] == "a test")
        }
    }

    private func shapesDigest(_ checkpoint: Checkpoint) -> String {
        let lines = checkpoint.tensors.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value.shape)" }
        return SHA256.hex(Array(lines.joined(separator: "\n").utf8))
    }

    private func valuesDigest(_ checkpoint: Checkpoint) -> String {
        var sha = SHA256()
        for (_, tensor) in checkpoint.tensors.sorted(by: { $0.key < $1.key }) {
            tensor.values.withUnsafeBytes { sha.update($0) }
        }
        return sha.hexDigest()
    }
}
