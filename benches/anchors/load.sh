#!/usr/bin/env bash
# What generating load costs in processor time, ours beside SIPp: builds ours, then runs load.py with the arguments given.
# Ends with 1 when a bound was missed, 3 when something is missing.
set -euo pipefail
cd "$(dirname "$0")/../.."
for need in sipp python3; do
    command -v "$need" >/dev/null || { echo "missing: apt-get install -y sip-tester" >&2; exit 3; }
done
target=$(cargo metadata --no-deps --offline --format-version 1 | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
cargo build --locked --profile dist -p rove-load
exec python3 benches/anchors/load.py --rove-load "$target/dist/rove-load" "$@"
