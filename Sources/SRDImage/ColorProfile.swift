import CPNG

/// ICC profiles, which PNG stores compressed.
extension ImageMetadata {
    /// The greatest profile that is read. Profiles have a few hundred bytes to a few megabytes.
    static let profileLimit = 16 << 20

    /// An ICC profile, or nil if there is none or it is damaged.
    public var colorProfile: [UInt8]? {
        get {
            // iCCP: name NUL method compressed
            guard let data = chunks.first(where: { $0.type == "iCCP" })?.data, let end = data.firstIndex(of: 0),
                end + 2 <= data.count
            else { return nil }
            return inflated(data[(end + 2)...], limit: Self.profileLimit)
        }
        set {
            guard let newValue, let compressed = deflated(newValue) else { return remove("iCCP") }
            replace("iCCP", with: Array("ICC profile".utf8) + [0, 0] + compressed)
        }
    }

    /// Whether the profile describes pixels with this many colour channels. Profiles that are too short to say so pass.
    static func describes(_ profile: [UInt8], isColor: Bool) -> Bool {
        guard profile.count >= 128 else { return true }
        let space = String(decoding: profile[16..<20], as: UTF8.self)
        return isColor ? space != "GRAY" && space != "CMYK" : space == "GRAY"
    }
}

/// The contents of a zlib stream, or nil if it is damaged or has more than `limit` bytes.
func inflated(_ bytes: some Collection<UInt8>, limit: Int) -> [UInt8]? {
    var count = 0
    let source = Array(bytes)
    guard let result = srd_inflate(source, source.count, limit, &count) else { return nil }
    defer { srd_zlib_free(result) }
    return Array(UnsafeBufferPointer(start: result, count: count))
}

/// A zlib stream, or nil when out of memory.
func deflated(_ bytes: [UInt8]) -> [UInt8]? {
    var count = 0
    guard let result = srd_deflate(bytes, bytes.count, &count) else { return nil }
    defer { srd_zlib_free(result) }
    return Array(UnsafeBufferPointer(start: result, count: count))
}
