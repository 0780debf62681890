import SRDFile
import SRDiff

/// Errors in a few words, to count them by kind.
public enum FailureKind {
    public static func add(_ error: any Error, to tally: inout Tally) {
        let kind = kind(of: error)
        tally.add(kind, plural: kind)
    }

    public static func kind(of error: any Error) -> String {
        switch error {
        case let error as InputError: kind(of: error.underlying)
        case let error as ImageError: kind(of: error)
        case let error as FileError: kind(of: error.reason)
        case SRDiffError.exceedsMemory: "too large for the memory"
        case SRDiffError.notFinite: "not finite"
        default: "other"
        }
    }

    private static func kind(of error: ImageError) -> String {
        switch error {
        case .empty: "empty"
        case .unknownFormat: "not an image"
        case .foreignFormat(let format):
            format.name.split(separator: " ").drop { ["a", "an"].contains($0) }.joined(separator: " ")
        case .codecMissing(let format): "\(format.name) library missing"
        case .endsEarly: "cut off"
        case .tooManyPixels, .sizeNotSupported: "too large"
        case .tooFewBytes, .png: "damaged PNG"
        case .damaged(let format, _): "damaged \(format.name)"
        case .badHeader, .badSample: "damaged PNM"
        case .alphaNotSupported: "alpha not supported"
        }
    }

    private static func kind(of reason: FileError.Reason) -> String {
        switch reason {
        case .missing: "missing"
        case .directory: "folder"
        case .notARegularFile: "not a regular file"
        case .denied: "permission denied"
        case .empty: "empty"
        case .readOnly: "read-only"
        case .changed: "changed while being read"
        case .full: "disk full"
        case .tooLarge: "file too large"
        case .outOfMemory: "out of memory"
        case .system: "system error"
        }
    }
}
