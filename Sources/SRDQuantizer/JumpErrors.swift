import SRDTensor
import SRDiff

/// What each jump that starts on the full trajectory lands off it, and the cheapest chains of jumps.
struct JumpErrors {
    /// Timesteps of the full trajectory, from the noisiest; point n is the clean end.
    private let grid: [Int]
    private var n: Int { grid.count }
    /// How much of an error at a point is left at the end, squared.
    private let gains: [Double]
    /// Starting with x_T at a later point than the first.
    private var starts: [Double] = []
    /// From point s to t, at [s · (n + 1) + t].
    private var first: [Double]
    /// The same with the extrapolation from point r, at [(r · n + s) · n + t]; never to the end.
    private var second: [Double]

    init(_ trajectory: Trajectory, grid: [Int], schedule: NoiseSchedule) {
        let n = grid.count, products = InnerProducts(trajectory)
        self.grid = grid
        // For a normal x_0 of this variance the flow to t = 0 is known: it takes dx_t to dx_t · s / √(ᾱ s² + 1 − ᾱ).
        let variance = products.of([(n, 1)])
        gains = grid.map { t in
            variance / (schedule.signal[t] * schedule.signal[t] * variance + schedule.noise[t] * schedule.noise[t])
        } + [1]
        first = Array(repeating: .infinity, count: n * (n + 1))
        second = Array(repeating: .infinity, count: n * n * n)
        for s in 0..<n {
            starts.append(gains[s] * products.of([(0, 1), (s, -1)]))
            first[s * (n + 1) + n] = products.of([(n + 1 + s, 1), (n, -1)])
            for t in s + 1..<max(n, s + 1) {
                let step = schedule.steps([Jump(timestep: grid[s]), Jump(timestep: grid[t])])[0]
                first[s * (n + 1) + t] = gains[t] * products.of([
                    (n + 1 + s, Double(step.a)), (s, Double(step.b)), (t, -1)
                ])
                for r in 0..<s {
                    let jumps = [Jump(timestep: grid[r]), Jump(timestep: grid[s], order: 2), Jump(timestep: grid[t])]
                    let step = schedule.steps(jumps)[1]
                    second[(r * n + s) * n + t] = gains[t] * products.of([
                        (n + 1 + s, Double(step.a)), (n + 1 + r, Double(step.c)), (s, Double(step.b)), (t, -1)
                    ])
                }
            }
        }
    }

    /// How the errors of a chain's jumps add up: independent ones by their squares, like ones by their sizes.
    enum Sum { case squares, sizes }

    /// The cheapest chain of `count` jumps, 1…n.
    func best(_ count: Int, adding sum: Sum) -> [Jump] {
        func size(_ error: Double) -> Double { sum == .squares ? error : max(0, error).squareRoot() }
        struct Link { var cost = Double.infinity, before = 0, order = 1 }
        // links[k][r · n + s]: the cheapest way to stand at s, after k jumps, the last one from r. Without a jump r is s.
        var links = [[Link](repeating: Link(), count: n * n)]
        for s in 0..<n { links[0][s * n + s].cost = size(starts[s]) }
        for k in 1..<max(1, count) {
            var next = [Link](repeating: Link(), count: n * n)
            for s in 0..<n {
                for r in 0...s where links[k - 1][r * n + s].cost < .infinity {
                    let cost = links[k - 1][r * n + s].cost
                    for t in s + 1..<max(n, s + 1) {
                        let single = cost + size(first[s * (n + 1) + t])
                        if single < next[s * n + t].cost { next[s * n + t] = Link(cost: single, before: r, order: 1) }
                        guard r < s else { continue }
                        let double = cost + size(second[(r * n + s) * n + t])
                        if double < next[s * n + t].cost { next[s * n + t] = Link(cost: double, before: r, order: 2) }
                    }
                }
            }
            links.append(next)
        }
        // The last jump goes to the end; then back along the chain.
        let last = links[count - 1]
        var (r, s) = (0, 0), least = Double.infinity
        for i in last.indices where last[i].cost + size(first[i % n * (n + 1) + n]) < least {
            least = last[i].cost + size(first[i % n * (n + 1) + n])
            (r, s) = (i / n, i % n)
        }
        var jumps = [Jump(timestep: grid[s])]
        for k in stride(from: count - 1, to: 0, by: -1) {
            let link = links[k][r * n + s]
            jumps.append(Jump(timestep: grid[r], order: link.order))
            (r, s) = (link.before, r)
        }
        return jumps.reversed()
    }
}

/// Mean products of the sampled values of a trajectory's points: 0…n are x_t, n + 1…2n the x0 of each step.
private struct InnerProducts {
    private let count: Int
    private var products: [Double]

    init(_ trajectory: Trajectory) {
        let points = trajectory.x + trajectory.clean
        count = points.count
        products = Array(repeating: 0, count: count * count)
        for i in points.indices {
            for j in i..<points.count {
                var sum = 0.0
                points[i].withUnsafeBufferPointer { a in
                    points[j].withUnsafeBufferPointer { b in
                        for k in a.indices { sum += Double(a[k]) * Double(b[k]) }
                    }
                }
                products[i * count + j] = sum / Double(points[i].count)
                products[j * count + i] = products[i * count + j]
            }
        }
    }

    /// Mean square of a sum of points.
    func of(_ terms: [(point: Int, weight: Double)]) -> Double {
        var sum = 0.0
        for a in terms {
            for b in terms { sum += a.weight * b.weight * products[a.point * count + b.point] }
        }
        return max(0, sum)
    }
}
