# Sourced by Tools/fuzz/run and Tools/sanitize/run: builds with AddressSanitizer and libFuzzer's coverage, in one folder
# for both.

sanitized=.build-asan
# Swift's crash reporter waits for a terminal that a sanitizer has already ended.
export SWIFT_BACKTRACE=enable=no

# Not gold, which cannot export the sanitizer's symbols.
sanitized_flags="-Xswiftc -sanitize=address,fuzzer -Xcc -fsanitize=address,fuzzer-no-link -Xswiftc -use-ld=bfd"

sanitized_build() {     # arguments go to `swift build`
    # shellcheck disable=SC2086
    SRD_SANITIZE=address swift build -c release --scratch-path "$sanitized" $sanitized_flags "$@" >&2
}
