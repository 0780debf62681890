/// An estimate of the time left. Work is counted in low-resolution pixels × steps, by contestant.
struct RemainingTime {
    private var left: [Int: Double] = [:], done: [Int: Double] = [:], elapsed: [Int: Double] = [:]

    mutating func expect(_ work: Double, _ contestant: Int) { left[contestant, default: 0] += work }

    mutating func finish(_ work: Double, _ contestant: Int, seconds: Double) {
        left[contestant, default: 0] -= work
        done[contestant, default: 0] += work
        elapsed[contestant, default: 0] += seconds
    }

    /// Seconds left. A model that has not started is assumed to be as fast as the others on average.
    var seconds: Double {
        let mean = elapsed.values.reduce(0, +) / max(1, done.values.reduce(0, +))
        return left.reduce(0) { sum, item in
            sum + max(0, item.value) * (done[item.key].map { elapsed[item.key]! / $0 } ?? mean)
        }
    }
}
