import Glibc
@testable import Serve
import SRDiff

/// A folder for one test, removed afterwards.
final class TestFolder {
    let path: String

    init() throws {
        let parent = getenv("TMPDIR").map { String(cString: $0) } ?? P_tmpdir
        path = "\(parent)/srdiff-serve-test-\(RandomBytes.hexadecimal(8))"
        try Files.makeFolder(path)
    }

    deinit {
        Self.remove(path)
    }

    private static func remove(_ path: String) {
        for name in Files.list(path) {
            if unlink("\(path)/\(name)") != 0 { remove("\(path)/\(name)") }
        }
        rmdir(path)
    }

    func write(_ name: String, _ text: String) throws -> String {
        let path = "\(path)/\(name)"
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        defer { close(descriptor) }
        try Files.writeAll(Array(text.utf8)[...], to: descriptor, path: path)
        return path
    }
}

extension Job {
    static func test(
        _ id: String = Job.newID(), origin: Origin = .upload, samples: Int = 1, bytes: Int = 3,
        name: String = "photo.jpg"
    ) -> Job {
        Job(
            id: id, imageID: id, name: name, origin: origin,
            options: JobOptions(
                model: "edge", steps: 2, fidelity: 0.5, seed: 7, samples: samples, format: .png, quality: 95),
            image: JobImage(format: .png, width: 8, height: 6, channels: 3, bytes: bytes), created: Clock.now)
    }
}
