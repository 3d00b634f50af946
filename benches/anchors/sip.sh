#!/usr/bin/env bash
# What signalling costs in processor time, ours beside Kamailio and SIPp: builds ours, then runs sip.py with the arguments given.
# Ends with 1 when a bound was missed, 3 when something is missing.
set -euo pipefail
cd "$(dirname "$0")/../.."
for need in kamailio sipp python3; do
    PATH=$PATH:/usr/sbin command -v "$need" >/dev/null || { echo "missing: apt-get install -y kamailio sip-tester" >&2; exit 3; }
done
target=$(cargo metadata --no-deps --offline --format-version 1 | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
cargo build --locked --profile dist -p roved
cargo build --locked --profile dist -p rove-driver --example callee
exec python3 benches/anchors/sip.py --roved "$target/dist/roved" --callee "$target/dist/examples/callee" "$@"
