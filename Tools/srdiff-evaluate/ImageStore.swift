import Glibc
import SRDFile
import SRDiff
import ToolSupport

/// Images that are made already, as PNG files that say how.
final class ImageStore {
    private let reference, images: String?
    private let partial: String
    /// Files in the partial folder.
    private var passing: Set<String> = []

    init(reference: String?, images: String?, partial: String) {
        self.reference = reference
        self.images = images
        self.partial = partial
    }

    struct Key {
        let run: Run
        let image: String
        let seed: UInt64
        /// Everything that decides the pixels.
        let facts: String
    }

    /// The image, and the seconds it once took; nil where it was not made, or not like this.
    func load(_ key: Key) -> (image: Image, seconds: Double?)? {
        let path = path(key)
        guard FilePath.exists(path) else { return nil }
        let found = try? MappedFile(path: path).withBytes { try Image(parsing: $0) }
        guard var image = found, Self.text("srdiff", of: image) == key.facts else { return nil }
        let seconds = Self.text("srdiff-seconds", of: image).flatMap { Double($0) }
        image.metadata = ImageMetadata()
        note(path)
        return (image, seconds)
    }

    func save(_ image: Image, seconds: Double?, _ key: Key) throws {
        let path = path(key)
        guard FilePath.makeFolder(FilePath.folder(of: path)) else { throw FileError(.write, path, .missing) }
        var image = image
        image.metadata = ImageMetadata()
        image.metadata.addText(keyword: "srdiff", key.facts)
        if let seconds { image.metadata.addText(keyword: "srdiff-seconds", "\(seconds)") }
        try FileOutput.write(atomically: [image.encoded(as: .png)], to: path)
        note(path)
    }

    /// The images that were not to be kept.
    func removePartial() {
        for path in passing { unlink(path) }
        for folder in Set(passing.map { FilePath.folder(of: $0) }) { rmdir(folder) }
        if !passing.isEmpty { rmdir(partial) }
    }

    private func note(_ path: String) {
        if path.hasPrefix(partial + "/") { passing.insert(path) }
    }

    private func path(_ key: Key) -> String {
        let folder = (key.run.isReference ? reference : nil) ?? images ?? partial
        let name = key.image.map { $0 == "/" ? "_" : String($0) }.joined()
        let seed = key.run.schedule == nil ? "" : "_seed\(key.seed)"
        return FilePath.joined(FilePath.joined(folder, key.run.folder), "\(name)\(seed).png")
    }

    private static func text(_ keyword: String, of image: Image) -> String? {
        image.metadata.texts.first { $0.keyword == keyword }?.text
    }
}
