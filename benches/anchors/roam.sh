#!/usr/bin/env bash
# A terminal comes and leaves, ours beside Kea with DDNS and two BINDs: builds ours, then runs roam.py with the arguments given.
# Ends with 1 when a bound was missed, 3 when something is missing.
set -euo pipefail
cd "$(dirname "$0")/../.."
for need in kea-dhcp4 kea-dhcp-ddns named openssl python3; do
    PATH=$PATH:/usr/sbin command -v "$need" >/dev/null || {
        echo "missing: apt-get install -y kea-dhcp4-server kea-dhcp-ddns-server bind9 openssl python3" >&2
        exit 3
    }
done
target=$(cargo metadata --no-deps --offline --format-version 1 | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
cargo build --locked --profile dist -p roved
cargo build --locked --profile dist -p rove-node --example roam_load
exec python3 benches/anchors/roam.py --roved "$target/dist/roved" --load "$target/dist/examples/roam_load" --folder "$target" "$@"
