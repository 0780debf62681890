import Glibc
import ServeHTTP

/// Takes the images of the watched folder into the queue, in the order in which they are complete.
struct FolderIntake {
    let service: Service
    let folder: WatchedFolder

    /// Runs until the task is cancelled.
    func run() async throws {
        let notifications = try INotify()
        let (paths, found) = AsyncStream.makeStream(of: String.self)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for await path in paths { try await take(path) }
            }
            group.addTask {
                try await scan(folder.source, notifications, found)
                while true {
                    for change in try await notifications.next() {
                        switch change {
                        case .file(let path): found.yield(path)
                        case .folder(let path): try await scan(path, notifications, found)
                        case .lost: try await scan(folder.source, notifications, found)
                        }
                    }
                }
            }
            try await group.next()
            group.cancelAll()
        }
    }

    /// Watches a folder and those in it, and finds the files that are there already.
    private func scan(_ path: String, _ notifications: INotify, _ found: AsyncStream<String>.Continuation) async throws
    {
        try await notifications.watch(path)
        for name in Files.list(path) where !Self.isIgnored(name) {
            guard let status = Files.status("\(path)/\(name)") else { continue }
            switch status.st_mode & S_IFMT {
            case S_IFDIR: try await scan("\(path)/\(name)", notifications, found)
            case S_IFREG: found.yield("\(path)/\(name)")
            default: break
            }
        }
    }

    /// Hidden files, and files that other programs have not finished.
    private static func isIgnored(_ name: String) -> Bool {
        let endings = [".part", ".partial", ".crdownload", ".tmp", "~"]
        return name.hasPrefix(".") || endings.contains { name.hasSuffix($0) }
            || ["Thumbs.db", "desktop.ini"].contains(name)
    }

    private func take(_ absolute: String) async throws {
        let path = String(absolute.dropFirst(folder.source.count + 1))
        guard !path.split(separator: "/").contains(where: { Self.isIgnored(String($0)) }) else { return }
        while true {
            guard let stamp = folder.stamp(path), (Files.size(absolute) ?? 0) > 0 else { return }
            switch Writers.state(of: absolute) {
            case .writing: return  // it will be told when the file is closed
            case .none: break
            case .unknown:
                try await Task.sleep(for: .seconds(2))
                guard folder.stamp(path) == stamp else { continue }
            }
            if try await service.store.hasUnfinished(folderPath: path) { return }
            do {
                return try await add(path, stamp)
            } catch let problem as Problem where problem.retryAfter != nil {
                try await Task.sleep(for: .seconds(2))  // the queue is full, or the disk
            } catch let problem as Problem {
                return folder.moveAside(path: path, stamp: stamp, reason: problem.detail)
            } catch let error as FileFailure where error.code == EFBIG {
                return folder.moveAside(
                    path: path, stamp: stamp, reason: "the file exceeds the limit of \(service.settings.uploadMiB) MiB")
            } catch let error as FileFailure {
                return Log.line("a file of the watched folder cannot be read: \(String(cString: strerror(error.code)))")
            }
        }
    }

    private func add(_ path: String, _ stamp: String) async throws {
        let copy = "\(service.store.incomingFolder)/\(RandomBytes.hexadecimal(16))"
        try Files.copy("\(folder.source)/\(path)", to: copy, limit: service.settings.uploadMiB << 20)
        defer { unlink(copy) }
        let image = try ImageInspection.image(copy, service)
        let job = try JobMaker(service: service).job(
            image, name: String(path.split(separator: "/").last ?? ""), Parameters(),
            origin: .folder(path: path, stamp: stamp))
        let scale = service.models[job.options.model]?.scale ?? service.models.standard.scale
        if folder.isDone(path, scale: scale, job.options) { return }
        try await service.add([(job, copy)])
    }
}

/// Whether somebody is still writing to a file.
private enum Writers {
    case none, writing, unknown

    /// The kernel grants a read lease only if no process has the file open for writing. File systems without leases do
    /// not say.
    static func state(of path: String) -> Writers {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else { return .unknown }
        defer { close(descriptor) }
        let setLease: Int32 = 1024  // F_SETLEASE
        if fcntl(descriptor, setLease, Int32(F_RDLCK)) == 0 {
            _ = fcntl(descriptor, setLease, Int32(F_UNLCK))
            return .none
        }
        return errno == EAGAIN ? .writing : .unknown
    }
}
