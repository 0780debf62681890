import SRDCheckpoint
import SRDFile
import SRDiff
import SRDTensor
import ToolSupport

/// A float checkpoint, and the model in it if there is one.
struct CheckpointReport: Report {
    struct Tensor {
        let name: String, type: String, shape: [Int]
    }

    let format: Checkpoint.Format
    let size: Int
    let sha256: String
    let location: String
    /// The metadata of a safetensors file, or epoch and step of a training run.
    let metadata: [(key: String, value: String)]
    /// Tensors of every type, in the order of the file where it has one.
    let tensors: [Tensor]
    let floats: [String: FloatTensor]
    let model: Result<Model, CheckpointError>
    let warnings: [String]
    /// The files that were read.
    let paths: [String]

    init(_ checkpoint: Checkpoint, safetensors: Safetensors? = nil) {
        format = checkpoint.format
        size = checkpoint.paths.reduce(0) { $0 + (FilePath.size(of: $1) ?? 0) }
        sha256 = checkpoint.sourceSHA256
        location = checkpoint.location
        floats = checkpoint.tensors
        warnings = checkpoint.warnings
        paths = checkpoint.paths
        model = Result { () throws(CheckpointError) in try checkpoint.model() }
        if let safetensors {
            tensors = Self.list(safetensors)
            metadata = safetensors.metadata.map { (key: $0.key, value: $0.value) }.sorted { $0.key < $1.key }
        } else {
            tensors = floats.sorted { $0.key < $1.key }.map { name, tensor in
                Tensor(name: name, type: checkpoint.types[name]?.rawValue ?? "", shape: tensor.shape)
            }
            metadata = [("epoch", checkpoint.epoch), ("global_step", checkpoint.globalStep)].compactMap { key, value in
                value.map { (key: key, value: String($0)) }
            }
        }
    }

    /// A safetensors file without a single float: its tensors can be listed all the same.
    init(_ safetensors: Safetensors, error: CheckpointError) throws {
        format = .safetensors
        size = safetensors.file.count
        sha256 = try safetensors.file.sha256()
        location = ""
        floats = [:]
        warnings = []
        paths = [safetensors.file.path]
        model = .failure(error)
        tensors = Self.list(safetensors)
        metadata = safetensors.metadata.map { (key: $0.key, value: $0.value) }.sorted { $0.key < $1.key }
    }

    private static func list(_ safetensors: Safetensors) -> [Tensor] {
        safetensors.entries.map { Tensor(name: $0.name, type: $0.type.rawValue, shape: $0.shape) }
    }

    var failure: String? { if case .failure(let error) = model { "\(error)" } else { nil } }

    var heading: String {
        let facts =
            [("container", "\(format.rawValue), \(ByteCount.text(size))"), ("SHA-256", sha256)]
            + (location.isEmpty ? [] : [("weights", "float, \(location)")])
        return Text.facts(facts + metadata.map { ($0.key, $0.value) })
    }

    var text: String {
        let rows =
            [["tensor", "type", "shape"]]
            + tensors.map {
                [
                    $0.name.printable(limit: 80), $0.type,
                    $0.shape.map(String.init).joined(separator: "×").printable(limit: 60),
                ]
            }
        let summary = (try? model.get()).map { ModelSummary($0) }.map { Text.facts($0.facts) + "\n\n" + $0.partsTable }
        return [heading, summary, Table.aligned(rows)].compactMap { $0 }.joined(separator: "\n\n")
    }

    var json: JSON {
        var members: [(key: String, value: JSON)] = [
            ("format", .string(format.rawValue)), ("bytes", .int(size)), ("sha256", .string(sha256)),
            ("weights", .string(location)),
            ("metadata", .object(metadata.map { ($0.key, .string($0.value)) })),
            ("warnings", .array(warnings.map(JSON.string))),
        ]
        switch model {
        case .success(let model): members += ModelSummary(model).json()
        case .failure(let error): members.append(("error", .string("\(error)")))
        }
        members.append(
            (
                "tensors",
                .array(
                    tensors.map {
                        ["name": .string($0.name), "type": .string($0.type), "shape": .array($0.shape.map(JSON.int))]
                    })
            ))
        return .object(members)
    }
}
