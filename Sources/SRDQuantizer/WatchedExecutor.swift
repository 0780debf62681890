import SRDTensor
import SRDModel

/// Passes everything on to another executor, and tells what the noise predictor was asked.
final class WatchedExecutor<E: Executor>: Executor {
    private let executor: E
    /// Of the noise prediction at work or done last; nil while an image is encoded.
    private(set) var timestep: Int?
    var onNoise: ((_ x: FloatTensor, _ timestep: Int, _ condition: E.Condition, _ noise: FloatTensor) -> Void)?

    init(_ executor: E) { self.executor = executor }

    var configuration: Configuration { executor.configuration }
    var threads: Int { executor.threads }

    func encode(_ low: FloatTensor, enlarged: FloatTensor?) -> E.Condition {
        timestep = nil
        return executor.encode(low, enlarged: enlarged)
    }

    func predictNoise(in x: FloatTensor, at timestep: Int, given condition: E.Condition) -> FloatTensor {
        self.timestep = timestep
        let noise = executor.predictNoise(in: x, at: timestep, given: condition)
        onNoise?(x, timestep, condition, noise)
        return noise
    }

    func preview(_ low: FloatTensor) -> FloatTensor {
        timestep = nil
        return executor.preview(low)
    }
}
