import Foundation
import SRDCheckpoint
import SRDFile
import SRDTensor
import Testing
import TestSupport

@Suite("Models in several safetensors files")
struct ShardedCheckpointTests {
    private static func write(_ text: String, to path: String) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    }

    private static func withModel(_ body: (String) throws -> Void) throws {
        try withTemporaryFolder { folder in
            for i in 1...2 {
                try Safetensors.write(
                    [
                        SafetensorsTensor("w\(i)", FloatTensor(shape: [2], values: [Float(i), 0.5])),
                        SafetensorsTensor("unlisted", .init(shape: [1])),
                    ],
                    to: "\(folder)/model-0000\(i)-of-00002.safetensors")
            }
            try write(
                """
                {"metadata": {"total_size": 16, "more": [1, {"a": null}, "\\u00e9"]}, "weight_map": {
                  "w1": "model-00001-of-00002.safetensors", "w2": "model-00002-of-00002.safetensors"}}
                """, to: folder + "/model.safetensors.index.json")
            try body(folder)
        }
    }

    @Test("given by their folder or index, read as one checkpoint")
    func reads() throws {
        try Self.withModel { folder in
            let byFolder = try Checkpoint.read(folder),
                byIndex = try Checkpoint.read(folder + "/model.safetensors.index.json")
            #expect(
                byFolder.tensors == [
                    "w1": FloatTensor(shape: [2], values: [1, 0.5]), "w2": FloatTensor(shape: [2], values: [2, 0.5]),
                ])
            #expect(
                byIndex.tensors == byFolder.tensors && byFolder.format == .shardedSafetensors
                    && byFolder.paths.count == 3)
            #expect(byFolder.sourceSHA256 == byIndex.sourceSHA256 && byFolder.sourceSHA256.utf8.count == 64)
        }
    }

    @Test(
        "a name in the index that is no plain file name is refused",
        arguments: [
            "../secret.safetensors", "/etc/passwd", "a/b.safetensors", "..", ".hidden.safetensors", "",
            "a\\u0000.safetensors", "model.bin",
        ])
    func traversal(name: String) throws {
        try Self.withModel { folder in
            let index = folder + "/model.safetensors.index.json"
            try Self.write("{\"weight_map\": {\"w1\": \"\(name)\"}}", to: index)
            do {
                _ = try Checkpoint.read(index)
                Issue.record("was read")
            } catch CheckpointError.safetensors(.unsafeFileName) {}
        }
    }

    // Not in the attribute itself: Swift 6.0 crashes on it.
    static let contradictions: [(String, String)] = [
        ("{\"weight_map\": {\"w9\": \"model-00001-of-00002.safetensors\"}}", "tensor \"w9\" is missing"),
        ("{\"weight_map\": {\"w1\": \"gone.safetensors\"}}", "no such file"),
        ("{\"weight_map\": {\"w1\": 1}}", "expected '\"'"), ("{}", "\"weight_map\" is missing"), ("[]", "expected '{'"),
        ("{\"weight_map\": {}}", "no named float tensors"),
        ("{\"weight_map\": {}, \"weight_map\": {}}", "occurs twice"),
        ("{\"a\": " + String(repeating: "[", count: 100_000), "at most 64 levels"),
        ("{\"a\": [1,}", "expected a value"),
    ]

    @Test("what does not fit together is an error", arguments: contradictions)
    func errors(index: String, expected: String) throws {
        try Self.withModel { folder in
            try Self.write(index, to: folder + "/model.safetensors.index.json")
            do {
                _ = try Checkpoint.read(folder)
                Issue.record("was read")
            } catch { #expect("\(error)".contains(expected), "\(error)") }
        }
    }

    @Test("a folder without an index is a folder")
    func noIndex() throws {
        try withTemporaryFolder { folder in
            _ = #expect(throws: FileError(.read, folder, .directory)) { try Checkpoint.read(folder) }
        }
    }
}
