import SRDCheckpoint
import Testing
import TestSupport

/// Files that PyTorch made of the same tensors in the ways of different training codes; see
/// `Tests/Fixtures/checkpoints/make_wrapped.py`.
@Suite("Checkpoints of real training code")
struct WrappedCheckpointTests {
    static let plainFiles = [
        "torch_compile.pt", "ddp_torch_compile.pt", "compiled_part.pt", "lightning.ckpt", "lightning_net.ckpt",
        "basicsr.pth",
        "tutorial.pt", "nested.pt", "objects.ckpt", "objects.legacy.ckpt", "objects.protocol4.ckpt", "subclass.ckpt",
        "parameters_with_attributes.pt", "whole_module.pt",
    ]
    static let averagedFiles = [
        "basicsr_both.pth", "ema_without_buffers.pt", "ema_state_dict.pt", "model_ema.pt", "lightning_ema.ckpt",
        "ema_pytorch.pt", "swa.pt",
    ]

    private static func read(_ name: String) throws -> Checkpoint {
        try Checkpoint.read(TorchFixtureTests.path("wrapped/\(name)"))
    }

    @Test("prefixes, nesting and other objects do not hide the weights", arguments: plainFiles)
    func plain(file: String) throws {
        #expect(try Self.read(file).tensors == Self.read("plain.expected.safetensors").tensors)
    }

    @Test("averaged weights are preferred, whatever they are called", arguments: averagedFiles)
    func averaged(file: String) throws {
        #expect(try Self.read(file).tensors == Self.read("average.expected.safetensors").tensors)
    }

    @Test("the location and what an average lacks are reported")
    func reports() throws {
        #expect(try Self.read("lightning.ckpt").location == #"in "state_dict" with prefix "model.""#)
        #expect(try Self.read("basicsr_both.pth").warnings == [])
        #expect(
            try Self.read("ema_without_buffers.pt").warnings == [
                #"1 tensor is not among the averaged weights and taken from those in "model""#
            ])
        #expect(try Self.read("tutorial.pt").epoch == 5)
    }

    @Test("weight norm by parametrization is folded in")
    func parametrization() throws {
        let found = try Self.read("parametrization.pt").tensors,
            expected = try Self.read("parametrization.expected.safetensors").tensors
        #expect(found.keys.sorted() == expected.keys.sorted())
        for (name, tensor) in found {
            let other = try #require(expected[name])
            #expect(tensor.shape == other.shape)
            #expect(
                zip(tensor.values, other.values).allSatisfy { abs($0 - $1) <= 6 * Float.ulpOfOne * abs($1) }, "\(name)")
        }
    }

    @Test(
        "a weight that only its own class could make is named with that class",
        arguments: [
            ("sparse_weight.pt", "torch._utils._rebuild_sparse_tensor"),
            ("complex_weight.pt", "torch.ComplexFloatStorage"),
        ])
    func opaque(file: String, className: String) {
        #expect(throws: CheckpointError.opaqueTensor(name: "denoise_fn.conv.weight", className: className)) {
            try Self.read(file)
        }
    }

    @Test("if the tensors are not a model's, the message lists some of them")
    func notAModel() throws {
        let checkpoint = try Self.read("lightning.ckpt")
        #expect(throws: CheckpointError.self) { try checkpoint.model() }
        do { _ = try checkpoint.model() } catch {
            let text = "\(error)"
            #expect(
                text.contains(#"5 tensors in "state_dict" with prefix "model.", "betas", "denoise_fn.conv.bias""#),
                "\(text)")
        }
    }
}
