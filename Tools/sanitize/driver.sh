# Sourced by Tools/sanitize/run: builds the C driver.

# driver_build FOLDER FLAG…: compiles all C of the package and the driver with these flags, and links FOLDER/driver.
driver_build() {
    local folder=$1 file object stale=() objects=(); shift
    # Not optimized: the checks of the unrolled kernels would keep the optimizer busy for minutes.
    local flags=(-O0 -g -fno-omit-frame-pointer -fblocks "$@" -ISources/CSRDKernels/include
        -ISources/CSRDThreads/include -ISources/CPNG/include -ISources/CImageCodecs/include)
    mapfile -t -O ${#flags[@]} flags < <(pkg-config --cflags libpng | xargs -n 1)
    mkdir -p "$folder"
    for file in Sources/CSRDKernels/*/*.c Sources/CSRDThreads/*.c Sources/CPNG/*.c Sources/CImageCodecs/*.c \
        Tools/sanitize/driver.c; do
        object=$folder/$(basename "$file" .c).o
        objects+=("$object")
        # Any header may be included, so a change of one compiles everything again.
        if [ ! -e "$object" ] || [ "$file" -nt "$object" ] ||
            [ -n "$(find Sources/C* -name '*.h' -newer "$object" -print -quit)" ]; then
            stale+=("$object" "$file")
        fi
    done
    [ ${#stale[@]} = 0 ] || printf '%s\0' "${stale[@]}" | xargs -0 -n 2 -P "$(nproc)" "$clang" "${flags[@]}" -c -o
    # ThreadSanitizer of Swift's toolchain calls libdispatch.
    local runtime libraries=()
    runtime=$(dirname "$(readlink -f "$(command -v "$clang")")")/../lib/swift/linux
    [ ! -e "$runtime/libdispatch.so" ] ||
        libraries=("-L$runtime" "-Wl,-rpath,$(readlink -f "$runtime")" -ldispatch -lBlocksRuntime)
    "$clang" "$@" -fuse-ld=bfd "${objects[@]}" $(pkg-config --libs libpng) -lz -lm -ldl -lpthread "${libraries[@]}" \
        -o "$folder/driver"
}
