import Foundation
import Testing
import SRDiff
import TestSupport
import ToolSupport

/// A limit on this process counts as the machine's own memory does, and is named when it is too small.
@Suite("Memory limits", .serialized)
struct MemoryTests {
    /// What the kernel's files would say, under a folder.
    private func now(_ files: [String: String]) throws -> AvailableMemory? {
        try withTemporaryFolder { folder in
            for (path, text) in files {
                let place = URL(fileURLWithPath: folder + path)
                try FileManager.default.createDirectory(
                    at: place.deletingLastPathComponent(), withIntermediateDirectories: true)
                try Data(text.utf8).write(to: place)
            }
            return AvailableMemory.now(root: folder)
        }
    }

    private let machine = ["/proc/meminfo": "MemTotal:  8000000 kB\nMemFree:  10 kB\nMemAvailable:  4000000 kB\n"]

    @Test("the machine's, where nothing limits us")
    func unlimited() throws {
        let groups = [
            "/proc/self/cgroup": "0::/user.slice\n", "/sys/fs/cgroup/user.slice/memory.max": "max\n",
            "/sys/fs/cgroup/user.slice/memory.current": "1000\n",
        ]
        let found = try now(machine.merging(groups) { $1 })
        #expect(found?.bytes == 4_000_000 << 10 && found?.limit == "free")
        #expect(try now([:]) == nil)
    }

    @Test(
        "the smallest limit of a control group and those around it, less what its cache gives back",
        arguments: ["max", "high"])
    func secondVersion(name: String) throws {
        let found = try now(
            machine.merging([
                "/proc/self/cgroup": "1:name=systemd:/\n0::/outer.slice/run.scope\n",
                "/sys/fs/cgroup/outer.slice/memory.\(name)": "536870912\n",
                "/sys/fs/cgroup/outer.slice/memory.current": "104857600\n",
                "/sys/fs/cgroup/outer.slice/memory.stat": "anon 3\ninactive_file 4096\nactive_file 7\n",
                "/sys/fs/cgroup/outer.slice/run.scope/memory.max": "2147483648\n",
                "/sys/fs/cgroup/outer.slice/run.scope/memory.current": "1048576\n",
            ]) { $1 })
        #expect(found?.bytes == 536_870_912 - 104_857_600 + 4096 && found?.limit.contains("control group") == true)
    }

    @Test("version 1, seen from inside a container too")
    func firstVersion() throws {
        // The path is the host's; what is mounted here is the container's own group.
        let found = try now(
            machine.merging([
                "/proc/self/cgroup": "4:memory:/docker/0123\n0::/\n",
                "/sys/fs/cgroup/memory/memory.limit_in_bytes": "268435456\n",
                "/sys/fs/cgroup/memory/memory.usage_in_bytes": "16777216\n",
                "/sys/fs/cgroup/memory/memory.stat": "inactive_file 5\ntotal_inactive_file 8192\n",
            ]) { $1 })
        #expect(found?.bytes == 268_435_456 - 16_777_216 + 8192)
    }

    @Test("more used than allowed is nothing left")
    func overdrawn() throws {
        let found = try now(
            machine.merging([
                "/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/memory.max": "1000\n",
                "/sys/fs/cgroup/memory.current": "2000\n",
            ]) { $1 })
        #expect(found?.bytes == 0)
    }

    // MARK: The tool under real limits

    static let model = SameBytesTests.package.appendingPathComponent("Models/edge.int8.safetensors").path

    /// `set` is shell before the tool starts.
    private func run(_ set: String, _ arguments: [String]) throws -> ToolRun {
        let tool = ToolRun.folder.appendingPathComponent("srdiff-upscale").path
        return try ToolRun("/bin/sh", ["-c", "\(set) && exec \"$0\" \"$@\"", tool] + arguments)
    }

    /// The steps of a wide image take too long for a test; rows are what memory grows with, and these are 1920 wide.
    private func withImage<Result>(_ body: (_ folder: String, _ arguments: [String]) throws -> Result) throws -> Result
    {
        try withTemporaryFolder { folder in
            try Image.random(480, 24).write(to: "\(folder)/in.png")
            let arguments = [
                "\(folder)/in.png", "-o", "\(folder)/out.png", "--steps", "1", "--quiet", "--model", Self.model,
            ]
            return try body(folder, arguments)
        }
    }

    #if arch(x86_64)  // an emulator counts its own memory
        @Test("512 MiB of address space do for 1920 pixels wide")
        func enough() throws {
            try withImage { folder, arguments in
                let run = try run("ulimit -v 524288", arguments)
                #expect(run.status == 0, "\(run.error)")
                #expect(try list(folder) == ["in.png", "out.png"])
            }
        }

        @Test("too little is refused before the work, with the limit's name", arguments: ["v 81920", "d 49152"])
        func refused(limit: String) throws {
            try withImage { folder, arguments in
                let run = try run("ulimit -\(limit)", arguments)
                #expect(run.status == 1 && run.error.contains("ulimit -\(limit.prefix(1))"), "\(run.error)")
                #expect(run.error.contains("480×24"))
                #expect(try list(folder) == ["in.png"])
            }
        }

        /// A control group of our own, version 1 or 2; nil where we may not make one.
        private static func makeGroup(bytes: Int) -> String? {
            let name = "srdiff-test-\(getpid())"
            for (folder, limit) in [
                ("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max"),
            ] {
                let group = "\(folder)/\(name)"
                guard mkdir(group, 0o755) == 0 else { continue }
                if FileManager.default.fileExists(atPath: "\(group)/\(limit)"),
                    (try? "\(bytes)".write(toFile: "\(group)/\(limit)", atomically: false, encoding: .utf8)) != nil
                {
                    return group
                }
                rmdir(group)
            }
            return nil
        }

        private static let mayMakeGroups = makeGroup(bytes: 1 << 30).map { rmdir($0) == 0 } ?? false

        @Test(
            "a control group of 512 MiB does, one of 40 MiB is refused",
            .enabled(if: mayMakeGroups, "no right to make control groups"))
        func controlGroup() throws {
            for (size, status) in [(512, 0), (40, 1)] {
                let group = try #require(Self.makeGroup(bytes: size << 20))
                defer { rmdir(group) }
                try withImage { folder, arguments in
                    let run = try run("echo $$ > \(group)/cgroup.procs", arguments)
                    #expect(run.status == status, "\(size) MiB: \(run.error)")
                    #expect(status == 0 || run.error.contains("control group"))
                }
            }
        }
    #endif
}
