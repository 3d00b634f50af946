#!/usr/bin/env bash
# Durable updates and look-ups, ours beside Knot and BIND: builds ours, then runs dns.py with the arguments given.
# Ends with 1 when a bound was missed, 3 when something is missing.
set -euo pipefail
cd "$(dirname "$0")/../.."
for need in knotd python3; do
    PATH=$PATH:/usr/sbin command -v "$need" >/dev/null || { echo "missing: apt-get install -y knot python3" >&2; exit 3; }
done
target=$(cargo metadata --no-deps --offline --format-version 1 | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
cargo build --locked --profile dist -p roved
cargo build --locked --profile dist -p rove-node --example dns_load
exec python3 benches/anchors/dns.py --roved "$target/dist/roved" --load "$target/dist/examples/dns_load" --folder "$target" "$@"
