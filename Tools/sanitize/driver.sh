# Sourced by Tools/sanitize/run: builds the C driver.

# driver_build FOLDER FLAG…: compiles all C of the package and the driver with these flags, and links FOLDER/driver.
driver_build() {
    local folder=$1 file object objects=(); shift
    mkdir -p "$folder"
    for file in Sources/CSRDKernels/*/*.c Sources/CSRDThreads/*.c Sources/CPNG/*.c Sources/CImageCodecs/*.c Tools/sanitize/driver.c; do
        object=$folder/$(basename "$file" .c).o
        objects+=("$object")
        [ "$object" -nt "$file" ] && continue
        "$clang" -c -O1 -g -fno-omit-frame-pointer -fblocks "$@" $(pkg-config --cflags libpng) -ISources/CSRDKernels/include \
            -ISources/CSRDThreads/include -ISources/CPNG/include -ISources/CImageCodecs/include "$file" -o "$object"
    done
    "$clang" "$@" "${objects[@]}" $(pkg-config --libs libpng) -lz -lm -ldl -lpthread -o "$folder/driver"
}
