import SRDCheckpoint
import SRDFile
import SRDTensor
import Testing
import TestSupport

/// Files that PyTorch made; `Tests/Fixtures/checkpoints/make.py` says how, and what must be found in them.
@Suite("Small PyTorch files of every kind")
struct TorchFixtureTests {
    static let files = [
        "types.pt", "types.legacy.pt", "protocol4.pt", "protocol4.legacy.pt", "views.pt", "views.legacy.pt",
        "module.ckpt", "module.legacy.ckpt", "parameters.pt", "weightnorm.pt",
    ]

    static func path(_ name: String) -> String {
        SharedFiles.packageRoot.appendingPathComponent("Tests/Fixtures/checkpoints/\(name)").path
    }

    @Test("have the tensors that PyTorch says", arguments: files)
    func tensors(file: String) throws {
        let checkpoint = try Checkpoint.read(Self.path(file))
        let expected = try Checkpoint.read(Self.path("\(file).expected.safetensors"))
        #expect(checkpoint.tensors.keys.sorted() == expected.tensors.keys.sorted())
        for (name, tensor) in checkpoint.tensors {
            let other = try #require(expected.tensors[name])
            #expect(tensor.shape == other.shape, "\(name)")
            // PyTorch folds weight norm in float: half a dozen roundings. All else is exact.
            let bound: Float = file == "weightnorm.pt" ? 6 * Float.ulpOfOne : 0
            let agree = zip(tensor.values, other.values).allSatisfy { $0 == $1 || abs($0 - $1) <= bound * abs($1) }
            #expect(agree, "\(name): \(tensor.values) \(other.values)")
        }
        #expect(checkpoint.format == (file.contains("legacy") ? .legacyPickle : .torchZip))
    }

    @Test("say their epoch and step")
    func progress() throws {
        let module = try Checkpoint.read(Self.path("module.ckpt")),
            protocol4 = try Checkpoint.read(Self.path("protocol4.pt"))
        #expect(module.epoch == 2 && module.globalStep == 41)
        #expect(protocol4.epoch == 7 && protocol4.globalStep == nil)
    }
}
