import Glibc
import SRDiff

/// A folder whose images are upscaled into another one. An image stays where it is; its result has the same place in
/// the target. What fails is moved to `failed/` in the target, with a text that says why.
final class WatchedFolder: Sendable {
    let source: String
    let target: String

    init(_ source: String, into target: String) throws {
        self.source = try Self.resolved(source, "--watch")
        try Files.makeFolder(target, mode: 0o777)
        self.target = try Self.resolved(target, "--into")
        let (a, b) = (self.source + "/", self.target + "/")
        guard !a.hasPrefix(b), !b.hasPrefix(a) else {
            throw ServeError(
                "--into \(target): it lies in the watched folder or around it. Name a folder outside of it.")
        }
    }

    private static func resolved(_ path: String, _ option: String) throws -> String {
        guard let resolved = realpath(path, nil) else {
            throw ServeError("\(option) \(path): \(String(cString: strerror(errno)))")
        }
        defer { free(resolved) }
        var status = stat()
        guard stat(resolved, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
            throw ServeError("\(option) \(path): not a folder")
        }
        return String(cString: resolved)
    }

    /// A file's size and time: tells whether it has changed.
    func stamp(_ path: String) -> String? {
        guard let status = Files.status("\(source)/\(path)"), status.st_mode & S_IFMT == S_IFREG else { return nil }
        return "\(status.st_size) \(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec)"
    }

    /// Where a sample of this file goes: a.jpg to a_x4.jpg, and a.ppm, whose format changes, to a.ppm_x4.png. Otherwise
    /// a.ppm and a.png would share a result.
    func resultPath(_ path: String, scale: Int, _ options: JobOptions, sample: Int) -> String {
        let (folder, name) = Self.split(path)
        var stem = name, type = options.format.extensions[0]
        if let dot = name.lastIndex(of: "."), dot != name.startIndex,
            ImageFormat(fileExtension: String(name[dot...].dropFirst())) == options.format
        {
            stem = String(name[..<dot])
            type = String(name[dot...].dropFirst())
        }
        let part = options.samples > 1 ? "_seed\(options.seed &+ UInt64(sample))" : ""
        return "\(target)/\(folder)\(stem)_x\(scale)\(part).\(type)"
    }

    /// Whether the target has results that are not older than the file.
    func isDone(_ path: String, scale: Int, _ options: JobOptions) -> Bool {
        guard let input = Files.status("\(source)/\(path)")?.st_mtim else { return true }
        return (0..<options.samples).allSatisfy { sample in
            guard let result = Files.status(resultPath(path, scale: scale, options, sample: sample))?.st_mtim else {
                return false
            }
            return (result.tv_sec, result.tv_nsec) >= (input.tv_sec, input.tv_nsec)
        }
    }

    /// Copies a job's results to their places, each whole or not at all.
    func publish(_ job: Job, path: String, scale: Int, _ store: JobStore) throws {
        for sample in 0..<job.options.samples {
            let result = resultPath(path, scale: scale, job.options, sample: sample)
            let folder = String(result[..<result.lastIndex(of: "/")!])
            try Files.makeFolder(folder, mode: 0o777)
            let partial = "\(folder)/.srdiff-\(job.id)-\(sample)"
            unlink(partial)
            try Files.copy(store.resultPath(job, sample), to: partial, mode: 0o666)
            try Files.move(partial, to: result)
            try Files.synchronize(folder)
        }
    }

    /// Moves a file to `failed/`, unless it has changed since it was taken.
    func moveAside(path: String, stamp: String, reason: String) {
        guard self.stamp(path) == stamp else { return }
        let (folder, name) = Self.split(path)
        var place = "\(target)/failed/\(folder)\(name)", number = 2
        while Files.status(place) != nil {
            place = "\(target)/failed/\(folder)\(number)_\(name)"
            number += 1
        }
        do {
            try Files.makeFolder("\(target)/failed/\(folder)", mode: 0o777)
            if rename("\(source)/\(path)", place) != 0 {
                guard errno == EXDEV else { throw FileFailure(place) }
                try Files.copy("\(source)/\(path)", to: place, mode: 0o666)
                unlink("\(source)/\(path)")
            }
            let descriptor = open("\(place).txt", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
            guard descriptor >= 0 else { throw FileFailure("\(place).txt") }
            defer { close(descriptor) }
            try Files.writeAll(Array("\(reason)\n".utf8)[...], to: descriptor, path: place)
        } catch {
            Log.line("a file of the watched folder could not be moved aside: \(error)")
        }
    }

    /// The folder with its slash, or "", and the name.
    private static func split(_ path: String) -> (folder: String, name: String) {
        guard let slash = path.lastIndex(of: "/") else { return ("", path) }
        return (String(path[...slash]), String(path[path.index(after: slash)...]))
    }
}
