#!/bin/sh
# Says what is missing to build here, with the line that installs it; installs it where that is allowed. Ends with 3 when something is still missing.
set -u
cd "$(dirname "$0")/.." || exit 3

# The oldest compiler, as the workspace manifest has it.
wanted=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' Cargo.toml)

if ! command -v cargo >/dev/null 2>&1 || ! command -v rustc >/dev/null 2>&1; then
    echo "rustc $wanted or newer is needed and no Rust toolchain was found. Get one from https://rustup.rs, then open a new shell." >&2
    exit 3
fi

have=$(rustc --version | sed 's/^rustc \([0-9]*\.[0-9]*\).*/\1/')
if [ "$(printf '%s\n%s\n' "$wanted" "$have" | sort -t. -k1,1n -k2,2n | head -n 1)" != "$wanted" ]; then
    echo "rustc $wanted or newer is needed, this is $have. Update it with: rustup update stable" >&2
    exit 3
fi

# need COMMAND DEBIAN-PACKAGE FEDORA-PACKAGE ON-MACOS WHAT-FOR
need() {
    command -v "$1" >/dev/null 2>&1 && return
    .ci/install.sh "$2" && command -v "$1" >/dev/null 2>&1 && return
    echo "$1 is needed $5. Install it with: sudo apt-get install $2   (Fedora: sudo dnf install $3, macOS: $4)" >&2
    missing=yes
}

missing=
need cc build-essential gcc "xcode-select --install" "to compile the Opus codec that is built in"
need cmake cmake cmake "brew install cmake" "to configure the Opus codec that is built in"
[ -z "$missing" ] || exit 3
