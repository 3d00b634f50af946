#!/usr/bin/env bash
# How soon a call leaves a way that gets bad, ours beside libwebrtc: builds ours, then runs reroute.py with the arguments given.
# PROFILE names how it is built, `release` when not given; WRTC a Python that has `wrtc`. Ends with 1 when a bound was missed, 3 when
# something is missing.
set -euo pipefail
cd "$(dirname "$0")/../.."
for need in ip python3; do
    PATH=$PATH:/usr/sbin:/sbin command -v "$need" >/dev/null || { echo "missing: apt-get install -y iproute2 python3" >&2; exit 3; }
done
profile=${PROFILE:-release}
target=$(cargo metadata --no-deps --offline --format-version 1 | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
cargo build --locked --profile "$profile" -p rove
cargo build --locked --profile "$profile" -p rove-tests --bin impair
folder=$target/$([ "$profile" = dev ] && echo debug || echo "$profile")
exec python3 benches/anchors/reroute.py --rove "$folder/rove" --impair "$folder/impair" --python "${WRTC:-python3}" "$@"
