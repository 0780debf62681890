import SRDiff

/// Formats as clients name them.
enum ImageFormatNames {
    /// Those that this machine can write.
    static var available: [String] { ImageFormat.allCases.filter(\.isAvailable).map { $0.name.lowercased() } }
}
