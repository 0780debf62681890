import Glibc
import SRDFile

/// Ctrl-C, `kill` and a closed terminal: no half-written file stays behind, and the status says which it was.
enum Interrupts {
    static func install() {
        PartialFiles.unlinkAll()  // makes its memory now: a signal handler must not
        for number in [SIGINT, SIGTERM, SIGHUP] where !isIgnored(number) {
            signal(number) { number in
                PartialFiles.unlinkAll()
                if isatty(2) == 1 { _ = write(2, "\n", 1) }
                _exit(128 + number)
            }
        }
        signal(SIGXFSZ, SIG_IGN)  // `ulimit -f`: writing fails with EFBIG instead, and the partial file is removed
    }

    /// `nohup`, and a shell's background jobs.
    private static func isIgnored(_ number: Int32) -> Bool {
        var action = sigaction()
        sigaction(number, nil, &action)
        return unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self)
            == unsafeBitCast(SIG_IGN, to: Int.self)
    }
}
