// Two threads change one variable without a lock: ThreadSanitizer must report it.
import Glibc

nonisolated(unsafe) var counter = 0

@Sendable func count(_: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    for _ in 0..<1000 {
        counter += 1
        sched_yield()
    }
    return nil
}

@main struct Race {
    static func main() {
        var threads = [pthread_t](repeating: 0, count: 2)
        for i in threads.indices { pthread_create(&threads[i], nil, { count($0) }, nil) }
        for thread in threads { pthread_join(thread, nil) }
        print(counter)
    }
}
