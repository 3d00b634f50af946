#!/bin/sh
# access-point.sh [TARGET-FOLDER]: builds the server that fits an access point, and says where it is and how large.
set -eu
cd "$(dirname "$0")/.."
target=${1:-$(cargo metadata --no-deps --offline --format-version 1 | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')}
cargo build --locked --target-dir "$target" --profile access-point -p roved --no-default-features --features access-point
echo "$target/access-point/roved: $(wc -c <"$target/access-point/roved") bytes"
