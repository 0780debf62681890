import ArgumentParser
import SRDiff

extension Image {
    /// Mirrored at the right and bottom so that it can be reduced by a whole number.
    public func padded(toMultipleOf scale: Int) -> Image {
        padded(width: (width + scale - 1) / scale * scale, height: (height + scale - 1) / scale * scale)
    }

    /// The narrowest kind that holds both.
    public static func commonKind(_ a: Image, _ b: Image) -> (channels: Int, bitDepth: Int) {
        let channels = (a.hasColor || b.hasColor ? 3 : 1) + (a.hasAlpha || b.hasAlpha ? 1 : 0)
        return (channels, max(a.bitDepth, b.bitDepth))
    }
}

/// How far back into the noise an image is taken.
public struct Strength: Hashable, Sendable, ExpressibleByArgument, CustomStringConvertible {
    /// Above 0, at most 1.
    public let value: Double

    public init(_ value: Double) { self.value = value }

    public init?(argument: String) {
        guard let value = Double(argument), value > 0, value <= 1 else { return nil }
        self.value = value
    }

    /// The step t that an image is taken to.
    public func timestep(of schedule: NoiseSchedule) -> Int {
        Int((value * Double(schedule.timesteps - 1)).rounded(.toNearestOrEven))
    }

    public var description: String { "\(value)" }
}
