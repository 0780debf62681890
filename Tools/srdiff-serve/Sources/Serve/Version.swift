import SRDiff

/// The version of the library and the tools.
public enum Version {
    public static var string: String { SRDiffVersion.string }
}
