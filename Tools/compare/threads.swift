import Dispatch
import Glibc

// Compares srd_parallel with DispatchQueue.concurrentPerform. README.md shows how to build and run it.

let threads = Int(CommandLine.arguments.dropFirst().first ?? "2")!
let rounds = 21

/// A loop that returns when all its items are done.
typealias Loop = (_ count: Int, _ body: @escaping @Sendable (Int) -> Void) -> Void

/// The pool of the project.
func pool(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
    var body = body
    withUnsafeMutablePointer(to: &body) { body in
        srd_parallel(
            Int32(count), Int32(threads),
            { context, item in
                context!.assumingMemoryBound(to: (@Sendable (Int) -> Void).self).pointee(Int(item))
            }, body)
    }
}

func dispatch(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
    DispatchQueue.concurrentPerform(iterations: count, execute: body)
}

func serial(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
    for item in 0..<count { body(item) }
}

func now() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) * 1e6 + Double(time.tv_nsec) / 1e3
}

/// Results of the items, a cache line apart. An item continues from its last result, so that the compiler cannot drop
/// or move the work.
nonisolated(unsafe) let results: UnsafeMutablePointer<UInt64> = {
    let results = UnsafeMutablePointer<UInt64>.allocate(capacity: 64)
    results.initialize(repeating: 1, count: 64)
    return results
}()

/// A chain of multiplications and additions, whose time is proportional to `turns`.
@inline(never)
func work(_ item: Int, _ turns: Int) {
    var value = results[8 * item]
    for _ in 0..<turns { value = value &* 6_364_136_223_846_793_005 &+ 1 }
    results[8 * item] = value
}

/// The mean time of a loop in microseconds. Each loop starts `pause` microseconds after the one before has ended.
func microseconds(_ loop: Loop, items: Int, turns: Int, pause: Double, loops: Int) -> Double {
    var sum = 0.0, end = now()
    for _ in 0..<loops {
        var start = now()
        while start < end + pause { start = now() }
        loop(items) { work($0, turns) }
        end = now()
        sum += end - start
    }
    return sum / Double(loops)
}

func turns(forMicroseconds goal: Double) -> Int {
    let count = 1_000_000
    let times = (0..<9).map { _ -> Double in
        let start = now()
        work(0, count)
        return now() - start
    }
    return Int(goal * Double(count) / times.min()!)
}

func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }

func fixed(_ value: Double, _ decimals: Int) -> String {
    let power = decimals == 1 ? 10 : 100, scaled = Int((value * Double(power)).rounded())
    let digits = String(scaled % power)
    return "\(scaled / power)." + String(repeating: "0", count: decimals - digits.count) + digits
}

func text(_ values: [Double]) -> String {
    "\(fixed(median(values), 1)) (\(fixed(values.min()!, 1))–\(fixed(values.max()!, 1)))"
}

struct Case {
    let items: Int
    /// Microseconds of an item; 0 is an empty one.
    let goal: Double
    let pause: Double

    var loops: Int { max(10, Int(30_000 / max(10, goal * Double(items) + pause))) }
}

let cases = [
    Case(items: 2, goal: 0, pause: 0), Case(items: 2, goal: 0, pause: 20), Case(items: 2, goal: 0, pause: 1000),
    Case(items: 8, goal: 5, pause: 0), Case(items: 8, goal: 20, pause: 0), Case(items: 8, goal: 100, pause: 0),
    Case(items: 8, goal: 500, pause: 0),
]

print("µs per loop on \(threads) threads: median (range) of \(rounds) rounds, in turn")
print("| items × µs | pause, µs | one thread | srd_parallel | concurrentPerform | concurrentPerform ÷ srd_parallel |")
print("|---|---:|---:|---:|---:|---:|")
for item in cases {
    let turns = item.goal == 0 ? 0 : turns(forMicroseconds: item.goal)
    func measure(_ loop: Loop) -> Double {
        microseconds(loop, items: item.items, turns: turns, pause: item.pause, loops: item.loops)
    }
    var alone: [Double] = [], ours: [Double] = [], theirs: [Double] = []
    for round in 0...rounds {
        let times = (measure(serial), measure(pool), measure(dispatch))
        guard round > 0 else { continue }  // threads start
        alone.append(times.0)
        ours.append(times.1)
        theirs.append(times.2)
    }
    let ratio = fixed(median(theirs) / median(ours), 2)
    let name = item.goal == 0 ? "\(item.items) empty" : "\(item.items) × \(Int(item.goal))"
    print("| \(name) | \(Int(item.pause)) | \(text(alone)) | \(text(ours)) | \(text(theirs)) | \(ratio) |")
}
