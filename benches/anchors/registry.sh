#!/usr/bin/env bash
# What a registry costs, ours beside Kamailio and Redis: builds ours, then runs registry.py with the arguments given.
# PROFILE names how it is built, `dist` when not given. Ends with 1 when a bound was missed, 3 when something is missing.
set -euo pipefail
cd "$(dirname "$0")/../.."
for need in kamailio sipp redis-server redis-benchmark python3; do
    PATH=$PATH:/usr/sbin command -v "$need" >/dev/null || { echo "missing: apt-get install -y kamailio sip-tester redis-server redis-tools python3" >&2; exit 3; }
done
profile=${PROFILE:-dist}
target=$(cargo metadata --no-deps --offline --format-version 1 | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
cargo build --locked --profile "$profile" -p roved
cargo build --locked --profile "$profile" -p rove-node --example registry_load
folder=$target/$([ "$profile" = dev ] && echo debug || echo "$profile")
exec python3 benches/anchors/registry.py --roved "$folder/roved" --load "$folder/examples/registry_load" "$@"
