#!/usr/bin/env bash
# Media passed on, ours beside coturn, rtpengine (where it is installed) and a bare forwarder: builds ours, then runs relay.py with
# the arguments given. PROFILE names how it is built, `dist` when not given. Ends with 1 when a bound was missed, 3 when something is missing.
set -euo pipefail
cd "$(dirname "$0")/../.."
for need in turnserver python3; do
    PATH=$PATH:/usr/sbin command -v "$need" >/dev/null || { echo "missing: apt-get install -y coturn python3" >&2; exit 3; }
done
profile=${PROFILE:-dist}
target=$(cargo metadata --no-deps --offline --format-version 1 | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
cargo build --locked --profile "$profile" -p roved
cargo build --locked --profile "$profile" -p rove-node --example relay_load
folder=$target/$([ "$profile" = dev ] && echo debug || echo "$profile")
exec python3 benches/anchors/relay.py --roved "$folder/roved" --load "$folder/examples/relay_load" "$@"
