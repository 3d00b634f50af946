#!/usr/bin/env bash
# What an attach and a detach take on real programs over loopback, beside one fsync on the same disk in the same run. Figures, not a verdict.
set -euo pipefail
cd "$(dirname "$0")/../.."
cargo build --locked --release -p rove -p roved
exec cargo test --locked --release -p rove-tests --test nodes -- --ignored --exact figures::what_an_attach_takes --nocapture "$@"
