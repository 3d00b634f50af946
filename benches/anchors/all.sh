#!/usr/bin/env bash
# Runs every comparison: all.sh ROVE [FOLDER FOR THE REPORTS]. Ends with 1 when a bound was missed, 3 when something is missing.
set -uo pipefail
if [ $# -lt 1 ] || [ ! -x "$1" ]; then
  echo "usage: all.sh ROVE [FOLDER], ROVE the program built with: cargo build --release -p rove" >&2
  exit 2
fi
rove=$(realpath "$1")
reports=$(realpath -m "${2:-target/anchors/reports}")
cd "$(dirname "$0")" || exit 3
mkdir -p "$reports"
if ! python3 -c 'import numpy, onnxruntime, pesq, scipy, soundfile, speechmos' 2>/dev/null; then
  echo "missing: Python packages" >&2
  echo "pip install numpy scipy soundfile onnxruntime librosa tqdm speechmos && pip install --no-build-isolation pesq" >&2
  exit 3
fi
./build.sh || exit
worst=0
for script in jitter speech mos; do
  echo "== $script"
  python3 "$script.py" "$rove" --json "$reports/$script.json"
  code=$?
  [ "$code" -le "$worst" ] || worst=$code
done
echo "== cost"
python3 cost.py --json "$reports/cost.json"
code=$?
[ "$code" -le "$worst" ] || worst=$code
exit "$worst"
