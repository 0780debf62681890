import Glibc

/// A value that another thread computes meanwhile.
public final class Background<Value: Sendable>: @unchecked Sendable {  // `result` is read once the thread ended
    private var result: Value?
    private let body: @Sendable () -> Value
    private var thread: pthread_t?

    /// Starts a thread for `body`. If that is not possible, `value()` runs it.
    ///
    /// - Parameter startsNow: false leaves the work to `value()`.
    public init(startsNow: Bool = true, _ body: @escaping @Sendable () -> Value) {
        self.body = body
        guard startsNow, usesOnePool else { return }
        let work = Work { self.result = body() }
        let context = Unmanaged.passRetained(work)
        var thread = pthread_t()
        let code = pthread_create(
            &thread, nil,
            { context in
                Unmanaged<Work>.fromOpaque(context!).takeRetainedValue().run()
                return nil
            }, context.toOpaque())
        if code == 0 { self.thread = thread } else { context.release() }
    }

    /// Waits for the value. Called once, by the thread that made this.
    public func value() -> Value {
        guard let thread else { return body() }
        pthread_join(thread, nil)
        return result!
    }
}

/// One pool of memory for all threads. Otherwise glibc reserves 64 MiB of addresses for each, which `ulimit -v` counts,
/// and keeps what they release. False where that cannot be had; then `Background` starts no threads. Read before the
/// first thread starts.
let usesOnePool: Bool = {
    guard let symbol = dlsym(nil, "mallopt") else { return false }  // Glibc's module lacks it
    typealias Function = @convention(c) (_ parameter: Int32, _ value: Int32) -> Int32
    return unsafeBitCast(symbol, to: Function.self)(-8, 1) == 1  // M_ARENA_MAX
}()

private final class Work {
    let run: () -> Void
    init(_ run: @escaping () -> Void) { self.run = run }
}
