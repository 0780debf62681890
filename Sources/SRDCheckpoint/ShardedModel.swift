import Glibc
import SRDFile

/// A model in several safetensors files with an index.
struct ShardedModel {
    private let index: MappedFile
    private let files: [MappedFile]
    private let tensors: [[String]]

    /// The index and the files.
    var paths: [String] { [index.path] + files.map(\.path) }

    /// The path of the index, if `path` is one or a folder with one; nil for a file of another kind.
    ///
    /// Throws `FileError` or `CheckpointError`.
    static func indexPath(_ path: String) throws -> String? {
        var status = stat()
        guard path.withPath({ stat($0, &status) }) == 0, status.st_mode & S_IFMT == S_IFDIR else {
            return path.hasSuffix(".json") ? path : nil
        }
        let names = (list(path) ?? []).filter { $0.hasSuffix(SafetensorsIndex.suffix) }.sorted()
        let usual = "model\(SafetensorsIndex.suffix)"
        guard let name = names.contains(usual) ? usual : names.first else { throw FileError(.read, path, .directory) }
        guard names.count == 1 || name == usual else {
            throw CheckpointError.index(
                "several models in the folder (\(names.prefix(4).map(\.printable).joined(separator: ", "))). "
                    + "Pass the index of one.")
        }
        return path.hasSuffix("/") ? path + name : "\(path)/\(name)"
    }

    /// Opens the files that an index names. Their tensors are not read yet.
    init(indexAt path: String) throws {
        index = try MappedFile(path: path)
        do throws(SafetensorsError) {
            let contents = try SafetensorsIndex(index)
            tensors = contents.tensors
            let folder = path.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(path[...$0]) } ?? ""
            // Read on demand: together they may be larger than the memory.
            files = try contents.files.map { name throws(SafetensorsError) in
                do throws(FileError) { return try MappedFile(path: folder + name, longestCopy: 0) } catch {
                    throw .file(error)
                }
            }
        } catch {
            throw CheckpointError.safetensors(error)
        }
    }

    func contents() throws(CheckpointError) -> Contents {
        var parts: [(file: Safetensors, names: [String]?)] = []
        for (file, names) in zip(files, tensors) {
            do throws(SafetensorsError) {
                parts.append((try Safetensors(file), names))
            } catch {
                throw .shard(name: file.path, .safetensors(error))
            }
        }
        return try Contents(safetensors: parts)
    }

    /// The SHA-256 of the index followed by the SHA-256 of each file, in the order of their names.
    func sha256() throws(FileError) -> String {
        var hashes = try index.sha256()
        for file in files { hashes += try file.sha256() }
        return SHA256.hex(Array(hashes.utf8))
    }

    private static func list(_ folder: String) -> [String]? {
        guard let handle = folder.withPath({ opendir($0) }) else { return nil }
        defer { closedir(handle) }
        var names: [String] = []
        while let entry = readdir(handle), names.count < 100_000 {
            names.append(
                withUnsafePointer(to: &entry.pointee.d_name) { tuple in
                    tuple.withMemoryRebound(to: CChar.self, capacity: 256) { String(path: $0) }
                })
        }
        return names
    }
}
