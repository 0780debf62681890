import SRDCheckpoint
import SRDFile
import Testing
import TestSupport

@Suite("Files that are passed by mistake are named, with what to do")
struct ForeignFileTests {
    private static func failure(_ bytes: [UInt8]) -> String {
        do { _ = try Checkpoint(MappedFile(copying: bytes, path: "test")) } catch { return "\(error)" }
        return ""
    }

    private static let lfs = """
        version https://git-lfs.github.com/spec/v1
        oid sha256:4665a5ea423c2713d436b5ee50593a9640e0018c1550b5a0002f74190d6caea8
        size 12345

        """
    private static func tar() -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 1024)
        bytes.replaceSubrange(0..<5, with: "model".utf8)
        bytes.replaceSubrange(257..<262, with: "ustar".utf8)
        return bytes
    }
    private static func member(_ name: String) -> [UInt8] { zip([ZipMember(name: name, bytes: [1])]) }

    static let files: [(String, [UInt8])] = [
        ("a Git LFS pointer to a file of 12345 bytes, not a checkpoint. Run `git lfs pull`", Array(lfs.utf8)),
        ("a web page, not a checkpoint", Array("\u{feff} \n<!DOCTYPE html>\n<html><head>".utf8)),
        ("a web page, not a checkpoint", Array("<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code></Error>".utf8)),
        ("a gzip file", [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]),
        ("a tar archive", tar()),
        ("a GGUF model", Array("GGUF\u{3}\0\0\0".utf8)),
        ("an ONNX model", [0x08, 0x07, 0x12, 0x07] + Array("pytorch\u{1a}\u{5}2.1.0".utf8)),
        ("an HDF5 file (Keras)", [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a]),
        ("a NumPy array", [0x93] + Array("NUMPY\u{1}\0".utf8)),
        ("a NumPy archive (npz)", member("weight.npy")),
        ("a Keras model", member("model.weights.h5")),
        ("a zip archive with checkpoints inside", member("run/best.pth")),
        (
            "a TorchScript archive",
            zip([
                ZipMember(name: "m/data.pkl", bytes: [0x80, 2, 0x2e]), ZipMember(name: "m/constants.pkl", bytes: [1]),
            ])
        ),
        ("a zip that torch.save did not write (no data.pkl in it) is not supported", member("readme.txt")),
        ("a PNG image", [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
        ("an index or another JSON file", Array("{\"weight_map\": {}}".utf8)),
    ]

    @Test("by their first bytes, or the members of a zip", arguments: files)
    func named(expected: String, bytes: [UInt8]) {
        #expect(Self.failure(bytes).hasPrefix(expected), "\(Self.failure(bytes))")
    }

    @Test("cut anywhere, they are still errors")
    func truncated() {
        for (_, bytes) in Self.files {
            for count in bytes.indices { #expect(Self.failure(Array(bytes[..<count])) != "") }
        }
    }
}
