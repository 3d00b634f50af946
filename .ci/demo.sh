#!/bin/sh
# Builds the phone and the server it calls through, nothing else, and runs `rove demo` with the arguments given.
set -eu
cd "$(dirname "$0")/.."

cargo build --release --locked -p rove -p roved
# Not `cargo run`: with one package alone it would choose other features for shared dependencies and build them again.
target=$(cargo metadata --no-deps --offline --format-version 1 | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
exec "$target/release/rove" demo "$@"
