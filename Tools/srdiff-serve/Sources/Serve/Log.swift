import Glibc

/// Lines on standard error, for whoever runs the service. Nothing that belongs to a user is logged: no names, addresses
/// or images.
public enum Log {
    public static func line(_ text: String) {
        let bytes = Array("srdiff-serve: \(text)\n".utf8)
        _ = bytes.withUnsafeBytes { write(2, $0.baseAddress, $0.count) }
    }
}
