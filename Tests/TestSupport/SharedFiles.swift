import Foundation
import Testing

/// Files next to the package that are not part of it. Tests that need one are skipped where it is absent:
/// `.enabled(if: SharedFiles.has("golden/x4.ckpt"), SharedFiles.absent)`.
public enum SharedFiles {
    public static let absent: Comment = "there is no such file in ../shared"

    public static func url(_ name: String) -> URL {
        packageRoot.deletingLastPathComponent().appendingPathComponent("shared").appendingPathComponent(name)
    }

    public static func path(_ name: String) -> String { url(name).path }

    public static func has(_ name: String) -> Bool { FileManager.default.fileExists(atPath: path(name)) }

    public static var packageRoot: URL {
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
    }
}
