import SRDTensor

/// Runs a model's graphs, in whatever arithmetic.
public protocol Executor: AnyObject {
    /// What the encoder leaves for the noise predictor; made once per picture.
    associatedtype Condition

    var configuration: Configuration { get }

    /// - Parameters:
    ///   - low: `[h, w, 3]`, −1…1.
    ///   - enlarged: its bicubic enlargement, `[scale·h, scale·w, 3]`; needed by models with `hasEnlargedInput` only. Both sides must be multiples of
    ///     `configuration.sizeMultiple`.
    func encode(_ low: FloatTensor, enlarged: FloatTensor?) -> Condition

    /// ε(x_t, t), `[H, W, 3]`, all of the enlarged size.
    func predictNoise(in x: FloatTensor, at timestep: Int, given condition: Condition) -> FloatTensor

    /// The encoder's own picture of `low`, `[H, W, 3]`, −1…1. The model must have its layers.
    func preview(_ low: FloatTensor) -> FloatTensor
}
