import SRDiff
import SRDFile
import SRDMetrics

/// LPIPS's weights: `--lpips`, else what comes with the program.
public enum PerceptualWeights {
    public static let name = "lpips_alex.safetensors"

    public static func find(_ option: String?) throws -> LPIPS {
        let (installed, looked) = InstalledFiles.find(name)
        guard let path = option ?? installed?.path else {
            throw ToolError("no LPIPS weights: name some with --lpips; looked for \(looked.joined(separator: " and "))")
        }
        return try read(path)
    }

    /// Returns the weights of the option or of the installation, or nil if there are neither.
    public static func findIfAny(_ option: String?) throws -> LPIPS? {
        try (option ?? InstalledFiles.find(name).found?.path).map(read)
    }

    private static func read(_ path: String) throws -> LPIPS {
        do {
            let file = try Safetensors(path: path)
            return try LPIPS(
                tensors: Dictionary(uniqueKeysWithValues: file.entries.map { ($0.name, try file.tensor($0.name)) }))
        } catch {
            throw error is FileError ? error : ToolError("\(path): \(error)")
        }
    }
}
