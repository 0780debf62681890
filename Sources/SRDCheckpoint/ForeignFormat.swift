/// A file that people pass by mistake: what it is, and what to do.
public struct ForeignFormat: Equatable, Sendable {
    public let name: String
    public let advice: String

    private init(_ name: String, _ advice: String) {
        self.name = name
        self.advice = advice
    }

    private static let convert = "Load it with its own framework and save the weights as safetensors."
    private static let download = "Download the file itself, not the page that shows it."
    private static let unpack = "Unpack it and pass the checkpoint inside."

    static let torchScript = ForeignFormat(
        "a TorchScript archive", "Save model.state_dict() with torch.save, or the weights as safetensors.")

    /// Recognizes a file by its first bytes, up to 4096 of them. Torch files and safetensors are not foreign.
    init?(_ head: UnsafeRawBufferPointer, fileCount: Int) {
        func starts(_ text: String, at offset: Int = 0) -> Bool {
            head.count >= offset + text.utf8.count && head[offset...].starts(with: text.utf8)
        }
        func starts(_ bytes: [UInt8]) -> Bool { head.starts(with: bytes) }

        if starts("version https://git-lfs.github.com/") {
            let size = Self.value(of: "size ", in: head).map { " of \($0) bytes" } ?? ""
            self.init(
                "a Git LFS pointer to a file\(size)",
                "Run `git lfs pull` in its repository, or download the file itself.")
        } else if Self.isMarkup(head) {
            self.init("a web page", Self.download)
        } else if let (name, advice) = Self.magics.first(where: { starts($0.0) }).map({ ($0.1, $0.2) }) {
            self.init(name, advice)
        } else if starts("ustar", at: 257) {
            self.init("a tar archive", Self.unpack)
        } else if starts("TFL3", at: 4) {
            self.init("a TensorFlow Lite model", Self.convert)
        } else if starts("7767517\n") {
            self.init("an ncnn model", Self.convert)
        } else if Self.isONNX(head) {
            self.init("an ONNX model", Self.convert)
        } else {
            return nil
        }
    }

    /// Recognizes a zip that is not a torch file by the names of its members.
    init?(zipMembers names: [String]) {
        if names.contains(where: { $0.hasSuffix(".npy") }) {
            self.init("a NumPy archive (npz)", "Save its arrays as safetensors (safetensors.numpy.save_file).")
        } else if names.contains("model.weights.h5") || names.contains("config.json") && names.contains("metadata.json")
        {
            self.init("a Keras model", Self.convert)
        } else if names.contains("[Content_Types].xml") {
            self.init("an office document", "Pass a checkpoint.")
        } else if names.contains(where: { name in
            [".pt", ".pth", ".ckpt", ".bin", ".safetensors"].contains(where: name.hasSuffix)
        }) {
            self.init("a zip archive with checkpoints inside", Self.unpack)
        } else {
            return nil
        }
    }

    private static let magics: [([UInt8], String, String)] = [
        ([0x1f, 0x8b], "a gzip file", unpack),
        ([0xfd, 0x37, 0x7a, 0x58, 0x5a], "an xz file", unpack),
        ([0x42, 0x5a, 0x68], "a bzip2 file", unpack),
        ([0x28, 0xb5, 0x2f, 0xfd], "a Zstandard file", unpack),
        ([0x37, 0x7a, 0xbc, 0xaf], "a 7-Zip archive", unpack),
        ([0x52, 0x61, 0x72, 0x21], "a RAR archive", unpack),
        (Array("GGUF".utf8), "a GGUF model", convert),
        ([0x6c, 0x6d, 0x67, 0x67], "a GGML model", convert),
        ([0x89, 0x48, 0x44, 0x46], "an HDF5 file (Keras)", convert),
        (
            [0x93] + Array("NUMPY".utf8), "a NumPy array (npy)",
            "Save named arrays as safetensors (safetensors.numpy.save_file)."
        ),
        ([0x89, 0x50, 0x4e, 0x47], "a PNG image", "Pass the model as the checkpoint and the image as the input."),
        ([0xff, 0xd8, 0xff], "a JPEG image", "Pass the model as the checkpoint and the image as the input."),
        ([0x7f, 0x45, 0x4c, 0x46], "a program (ELF)", "Pass a checkpoint."),
        (Array("%PDF-".utf8), "a PDF document", "Pass a checkpoint."),
    ]

    private static func isMarkup(_ head: UnsafeRawBufferPointer) -> Bool {
        let text = head.drop { [0x20, 0x09, 0x0a, 0x0d, 0xef, 0xbb, 0xbf].contains($0) }.prefix(512)
        guard text.first == UInt8(ascii: "<") else { return false }
        let lower = String(decoding: text, as: UTF8.self).lowercased()
        return ["<!doctype", "<html", "<head", "<?xml", "<!--", "<body"].contains(where: lower.hasPrefix)
    }

    /// A ModelProto: field 1 is the IR version, and the producer or operator set follows.
    private static func isONNX(_ head: UnsafeRawBufferPointer) -> Bool {
        guard head.count > 16, head[0] == 0x08, (1...20).contains(head[1]),
            [0x12, 0x1a, 0x22, 0x3a, 0x42].contains(head[2])
        else {
            return false
        }
        let text = String(decoding: head.prefix(256).map { $0 < 0x80 ? $0 : 0x3f }, as: UTF8.self)
        return head[2] != 0x12 || ["pytorch", "onnx", "tf2onnx", "keras", "skl"].contains(where: text.contains)
    }

    /// The number after a key at the start of a line.
    private static func value(of key: String, in head: UnsafeRawBufferPointer) -> Int? {
        for line in head.prefix(512).split(separator: 0x0a) where line.starts(with: key.utf8) {
            return Int(String(decoding: line.dropFirst(key.utf8.count), as: UTF8.self))
        }
        return nil
    }
}
