import SRDTensor

/// Runs a model's graphs, in whatever arithmetic.
public protocol Executor: AnyObject {
    /// What the encoder leaves for the noise predictor; made once per image.
    associatedtype Condition

    var configuration: Configuration { get }
    var threads: Int { get }

    /// - Parameters:
    ///   - low: `[h, w, 3]`, −1…1.
    ///   - enlarged: its bicubic enlargement, `[scale·h, scale·w, 3]`; needed by models with `hasEnlargedInput` only. Both sides must be multiples of
    ///     `configuration.sizeMultiple`.
    func encode(_ low: FloatTensor, enlarged: FloatTensor?) -> Condition

    /// ε(x_t, t), `[H, W, 3]`, all of the enlarged size.
    func predictNoise(in x: FloatTensor, at timestep: Int, given condition: Condition) -> FloatTensor

    /// Calls `body(y, ε of row y, row y of x)`, both `[W][3]`, once for every row, on several threads: what a step of a
    /// sampler needs, where memory is short without a whole image of noise.
    func predictNoise(
        in x: inout FloatTensor, at timestep: Int, given condition: Condition,
        _ body: @Sendable (Int, UnsafePointer<Float>, UnsafeMutableBufferPointer<Float>) -> Void)

    /// Lets go of the memory that noise predictions need; the next takes it anew.
    func rest()

    /// The encoder's own image of `low`, `[H, W, 3]`, −1…1. The model must have its layers.
    func preview(_ low: FloatTensor) -> FloatTensor
}

extension Executor {
    public func rest() {}

    public func predictNoise(
        in x: inout FloatTensor, at timestep: Int, given condition: Condition,
        _ body: @Sendable (Int, UnsafePointer<Float>, UnsafeMutableBufferPointer<Float>) -> Void
    ) {
        let length = x.width * 3
        predictNoise(in: x, at: timestep, given: condition).values.withUnsafeBufferPointer { noise in
            nonisolated(unsafe) let noise = noise.baseAddress!      // read only
            x.updateRows(threads: threads) { y, row in body(y, noise + y * length, row) }
        }
    }
}
