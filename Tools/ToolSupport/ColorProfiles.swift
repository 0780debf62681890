import SRDiff

/// Colour profiles of images whose pixels are put together.
public enum ColorProfiles {
    /// What to tell the user if the profiles differ: pixels are used as they are stored, and nothing is converted. No
    /// profile means sRGB.
    public static func warnings(_ images: [(input: ImageInput, image: Image)]) -> [String] {
        let profiles = images.map { $0.image.metadata.colorProfile.flatMap { isSRGB($0) ? nil : $0 } }
        return images.indices.dropFirst().filter { profiles[$0] != profiles[0] }.map { i in
            """
            \(images[i].input): warning: its colour profile differs from that of \(images[0].input), and pixels are \
            used as they are stored, so colours may shift. Convert both to one profile first.
            """
        }
    }

    /// Whether the profile's description says so, in ASCII (ICC version 2) or UTF-16 (version 4).
    private static func isSRGB(_ profile: [UInt8]) -> Bool {
        let name: [UInt8] = Array("sRGB".utf8), wide: [UInt8] = Array("\0s\0R\0G\0B".utf8)
        return contains(profile, name) || contains(profile, wide)
    }

    private static func contains(_ bytes: [UInt8], _ part: [UInt8]) -> Bool {
        guard bytes.count >= part.count else { return false }
        return (0...bytes.count - part.count).contains { start in
            bytes[start] == part[0] && bytes[start..<start + part.count].elementsEqual(part)
        }
    }
}
