import Foundation
import FuzzTargets
import TestSupport
import Testing

/// Inputs that once broke something, in `Tests/Fixtures/regressions/TARGET/`. A new one is the file that
/// `Tools/fuzz/run` names.
@Suite("Fuzz targets")
struct RegressionTests {
    static let fixtures = SharedFiles.packageRoot.appendingPathComponent("Tests/Fixtures")

    static func files(_ target: FuzzTarget) -> [URL] {
        let folder = fixtures.appendingPathComponent("regressions/\(target.rawValue)")
        return (try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)) ?? []
    }

    @Test("stored inputs are read or rejected, and keep the target's conditions", arguments: FuzzTarget.allCases)
    func regressions(target: FuzzTarget) throws {
        for file in Self.files(target) {
            let bytes = [UInt8](try Data(contentsOf: file))
            do { try target.run(bytes) } catch { Issue.record("\(file.lastPathComponent): \(error)") }
        }
    }

    @Test("every regression belongs to a target")
    func folders() throws {
        let folder = Self.fixtures.appendingPathComponent("regressions")
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { !$0.hasPrefix(".") }
        #expect(!names.isEmpty)
        for name in names {
            let target = FuzzTarget(rawValue: name)
            #expect(target != nil && !Self.files(target ?? .png).isEmpty, "\(name)")
        }
    }

    @Test("seeds are accepted, cut off they are no danger", arguments: FuzzTarget.allCases)
    func seeds(target: FuzzTarget) throws {
        let seeds = try target.seeds(fixtures: Self.fixtures.path)
        #expect(!seeds.isEmpty)
        let accepted = try seeds.count { try target.run($0) }
        let isCodecMissing = target == .jpeg && !ImageCodecs.hasJPEG || target == .webp && !ImageCodecs.hasWebP
        #expect(accepted > 0 || isCodecMissing, "\(accepted) of \(seeds.count)")
        for seed in seeds { try target.run(Array(seed.prefix(seed.count / 2))) }
    }
}
