// A caller of the library needs images, models and sampling settings; `import SRDiff` is enough.
@_exported import SRDImage
@_exported import SRDModel
@_exported import SRDRuntime

/// The version of the library and the tools.
public enum SRDiffVersion {
    public static let string = "0.1.0"
}
