import CSRDKernels
import SRDModel
import SRDTensor

/// Watches an executor: for calibration, comparison and benchmarks.
public final class ExecutorObserver {
    public init() {}

    /// Called after each band of a node's rows, in order, with their real values `[rows, width, channels]`.
    public var onRows: ((_ node: Node, _ rows: Range<Int>, _ values: FloatTensor) -> Void)?

    /// Asked after `onRows` for values to put in place of a node's rows. Later nodes read those, so an error stays
    /// where it was made.
    public var replacement: ((_ node: Node, _ rows: Range<Int>) -> FloatTensor?)?

    /// Called before each noise prediction and, with nil, before the encoder runs.
    public var onTimestep: ((Int?) -> Void)?

    /// Whether to measure the time that each node takes.
    public var measuresTime = false
    /// The time spent on each node so far, by name, while `measuresTime` was set.
    public private(set) var times: [String: Duration] = [:]

    func observe(_ node: Node, _ rows: Range<Int>, _ buffer: NodeBuffer, kernels: srd_kernels_s8, _ compute: () -> Void)
    {
        if measuresTime {
            times[node.name, default: .zero] += ContinuousClock().measure(compute)
        } else {
            compute()
        }
        onRows?(node, rows, buffer.tensor(rows, channels: node.output.shape.channels))
        if let values = replacement?(node, rows) { buffer.replace(rows, with: values, kernels) }
    }
}
