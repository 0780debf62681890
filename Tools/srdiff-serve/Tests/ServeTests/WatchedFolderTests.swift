import Glibc
@testable import Serve
import SRDiff
import Testing

@Suite("The watched folder")
struct WatchedFolderTests {
    @Test("target and source do not lie in each other")
    func nested() throws {
        let folder = try TestFolder()
        try Files.makeFolder("\(folder.path)/in")
        #expect(throws: ServeError.self) { try WatchedFolder("\(folder.path)/in", into: "\(folder.path)/in/out") }
        #expect(throws: ServeError.self) { try WatchedFolder("\(folder.path)/in", into: folder.path) }
        #expect(throws: ServeError.self) { try WatchedFolder("\(folder.path)/missing", into: "\(folder.path)/out") }
        #expect(throws: Never.self) { try WatchedFolder("\(folder.path)/in", into: "\(folder.path)/in2") }
    }

    @Test("what fails is moved aside with a text, unless it has changed; nothing there is replaced")
    func aside() throws {
        let folder = try TestFolder()
        try Files.makeFolder("\(folder.path)/in/sub")
        let watched = try WatchedFolder("\(folder.path)/in", into: "\(folder.path)/out")
        for _ in 0..<2 {
            _ = try folder.write("in/sub/a.png", "x")
            watched.moveAside(path: "sub/a.png", stamp: watched.stamp("sub/a.png")!, reason: "damaged")
        }
        #expect(Files.list("\(folder.path)/out/failed/sub") == ["2_a.png", "2_a.png.txt", "a.png", "a.png.txt"])
        #expect(try Files.text("\(folder.path)/out/failed/sub/a.png.txt") == "damaged\n")
        _ = try folder.write("in/b.png", "x")
        watched.moveAside(path: "b.png", stamp: "another", reason: "damaged")
        #expect(Files.size("\(folder.path)/in/b.png") == 1)
    }

    @Test("a result keeps its file's extension, or the whole name where the format changes")
    func results() throws {
        let folder = try TestFolder()
        try Files.makeFolder("\(folder.path)/in")
        let watched = try WatchedFolder("\(folder.path)/in", into: "\(folder.path)/out")
        func result(_ name: String, _ format: ImageFormat) -> String {
            let options = JobOptions(
                model: "edge", steps: 2, fidelity: 0.5, seed: 7, samples: 1, format: format, quality: 95)
            return String(
                watched.resultPath("sub/\(name)", scale: 4, options, sample: 0).dropFirst(watched.target.count + 1))
        }
        #expect(result("a.png", .png) == "sub/a_x4.png" && result("a.ppm", .png) == "sub/a.ppm_x4.png")
        #expect(result("a.jpeg", .jpeg) == "sub/a_x4.jpeg" && result("a.JPG", .jpeg) == "sub/a_x4.JPG")
        #expect(result("a", .png) == "sub/a_x4.png" && result(".png", .png) == "sub/.png_x4.png")
    }
}
