import Glibc

/// This machine's name.
enum HostName {
    static var own: String {
        // Not `&bytes` of an array: see FilePath.executable of the library.
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 257) { buffer in
            guard gethostname(buffer.baseAddress!, 256) == 0 else { return "localhost" }
            buffer[256] = 0
            return String(cString: buffer.baseAddress!)
        }
    }
}
