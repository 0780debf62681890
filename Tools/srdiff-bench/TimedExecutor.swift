import SRDTensor
import SRDModel

/// Notes how long each call took.
final class TimedExecutor<E: Executor>: Executor {
    let base: E
    private(set) var encodings: [Duration] = []
    private(set) var steps: [Duration] = []
    private let clock = ContinuousClock()

    init(_ base: E) { self.base = base }

    var configuration: Configuration { base.configuration }
    var threads: Int { base.threads }

    func encode(_ low: FloatTensor, enlarged: FloatTensor?) -> E.Condition {
        let start = clock.now
        defer { encodings.append(clock.now - start) }
        return base.encode(low, enlarged: enlarged)
    }

    func predictNoise(in x: FloatTensor, at timestep: Int, given condition: E.Condition) -> FloatTensor {
        let start = clock.now
        defer { steps.append(clock.now - start) }
        return base.predictNoise(in: x, at: timestep, given: condition)
    }

    func preview(_ low: FloatTensor) -> FloatTensor { base.preview(low) }

    func forget() {
        encodings = []
        steps = []
    }
}
