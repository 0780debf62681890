# Sourced by Tools/demo and Tools/test: finds or installs the requirements of a build. Debian, Ubuntu, Raspberry Pi OS.

say() { printf '%s\n' "$*" >&2; }

# Installs packages with apt, as root or through sudo. If neither is available, prints the command to run.
install_packages() {
    local as_root=()
    if [ "$(id -u)" != 0 ]; then
        if command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
            as_root=(sudo)
        else
            say "Missing: $*. As root, run:"
            say "    apt-get update && apt-get install -y $*"
            exit 1
        fi
    fi
    command -v apt-get >/dev/null || {
        say "Missing: $*. This machine has no apt-get. Install them with its own package manager."
        exit 1
    }
    say "Installing $* ..."
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -q >&2 ||
        say "(apt-get update failed; continuing with the existing package lists)"
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@" >&2
}

set_up() {
    local missing=()
    command -v swift >/dev/null || missing+=(swiftlang)      # Debian 13, Raspberry Pi OS (trixie): Swift 6.0
    command -v git >/dev/null || missing+=(git)
    command -v pkg-config >/dev/null || missing+=(pkg-config)
    { command -v pkg-config >/dev/null && pkg-config --exists libpng; } || missing+=(libpng-dev)
    # Codecs are found at run time; without them JPEG and WebP are errors that name these packages.
    command -v ldconfig >/dev/null || PATH=$PATH:/sbin:/usr/sbin
    ldconfig -p | grep -q libturbojpeg.so.0 || missing+=(libturbojpeg0)
    ldconfig -p | grep -q libwebp.so.7 || missing+=(libwebp7)
    [ ${#missing[@]} = 0 ] || install_packages "${missing[@]}" || {
        say "Could not install: ${missing[*]}."
        command -v swift >/dev/null || say "Swift 6.0 or newer for other systems: https://www.swift.org/install/linux/"
        exit 1
    }
    command -v swift >/dev/null || {
        say "swift is not on PATH. Swift 6.0 or newer: https://www.swift.org/install/linux/"
        exit 1
    }
}
