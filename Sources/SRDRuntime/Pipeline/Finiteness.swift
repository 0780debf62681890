import SRDImage
import SRDModel
import SRDTensor
import Synchronization

/// Notes whether rows of network outputs contain NaN or infinity. Samples are clamped, which would hide both.
package final class Finiteness: Sendable {
    /// −1: none.
    private let timestep = Atomic<Int>(-1)

    package init() {}

    /// The timestep of the first prediction that was not finite; nil if all were.
    var firstFailure: Int? {
        let timestep = timestep.load(ordering: .relaxed)
        return timestep < 0 ? nil : timestep
    }

    func reset() { timestep.store(-1, ordering: .relaxed) }

    /// Checks a row; several threads may do so at once.
    func check(_ row: UnsafePointer<Float>, count: Int, timestep: Int) {
        // The largest absolute value as an integer: infinity and NaN have the greatest exponent.
        var largest: UInt32 = 0
        for i in 0..<count { largest = max(largest, row[i].bitPattern & 0x7fff_ffff) }
        if largest >= Float.infinity.bitPattern {
            _ = self.timestep.compareExchange(expected: -1, desired: timestep, ordering: .relaxed)
        }
    }
}

/// A layer that puts out NaN or infinity.
public struct NonFiniteLayer: Equatable, Sendable {
    public let name: String
    /// nil while the image is encoded.
    public let timestep: Int?
}

extension Pipeline {
    /// Finds the first layer that puts out NaN or infinity: encodes and samples the image again, watching every layer.
    /// nil if none does.
    ///
    /// - Parameter region: the part of the result to compute; nil for all of it.
    public func firstNonFiniteLayer(
        _ image: Image, region: ResultRegion? = nil, settings: SamplingSettings, from state: LatentState? = nil
    ) -> NonFiniteLayer? {
        struct Found: Error {}
        let observer = ExecutorObserver(), earlier = executor.observer
        var found: NonFiniteLayer?, timestep: Int?
        observer.onTimestep = { timestep = $0 }
        observer.onRows = { node, _, values in
            guard found == nil, !values.values.allSatisfy(\.isFinite) else { return }
            found = NonFiniteLayer(name: node.name, timestep: timestep)
        }
        executor.observer = observer
        defer {
            executor.observer = earlier
            executor.releaseWorkspace()
        }
        let prepared = prepare(image, region: region, settings: settings)
        if found == nil {
            _ = try? residual(
                prepared, settings: settings, from: state, progress: { _, _ in if found != nil { throw Found() } })
        }
        if found == nil, executor.model.hasPreview { _ = encoderImage(image, region: region) }
        return found
    }
}
