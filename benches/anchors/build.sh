#!/usr/bin/env bash
# Builds the anchors into target/anchors (or the folder named): neteq, WebRTC's playout from Debian's libtgowt-dev, speexcost,
# a stopwatch around speexdsp, and libopus as this project ships it, as a shared library that Python can drive.
set -euo pipefail
cd "$(dirname "$0")"
out=${1:-../../target/anchors}
mkdir -p "$out"
out=$(cd "$out" && pwd)

missing=()
for tool in g++ cmake make cargo; do
  command -v "$tool" >/dev/null || missing+=("$tool")
done
[ -d /usr/include/tg_owt ] || missing+=(libtgowt-dev)
ls /usr/include/opus/opus.h >/dev/null 2>&1 || missing+=(libopus-dev)
if [ ${#missing[@]} -gt 0 ]; then
  echo "missing: ${missing[*]}" >&2
  echo "apt-get install -y g++ cmake make libtgowt-dev libopus-dev libspeexdsp1" >&2
  exit 3
fi

newer() { [ -e "$2" ] && [ ! "$1" -nt "$2" ]; }

if ! newer neteq.cc "$out/neteq"; then
  mapfile -t absl < <(ls /usr/lib/*/libabsl_*.a)
  g++ -std=c++20 -O2 -w -DWEBRTC_POSIX -DWEBRTC_LINUX -DWEBRTC_ENABLE_PROTOBUF=0 -DWEBRTC_APM_DEBUG_DUMP=0 \
    -DWEBRTC_OPUS_SUPPORT_120MS_PTIME=1 -DRTC_DISABLE_TRACE_EVENTS -DWEBRTC_NON_STATIC_TRACE_EVENT_HANDLERS=1 \
    -DWEBRTC_LIBRARY_IMPL -DWEBRTC_USE_BUILTIN_ISAC_FLOAT -I/usr/include/tg_owt -ffunction-sections \
    neteq.cc -o "$out/neteq" -Wl,--gc-sections -Wl,--start-group -ltg_owt "${absl[@]}" -Wl,--end-group \
    -lopus -lpthread -ldl -lm
fi

if ! newer speexcost.cc "$out/speexcost"; then
  g++ -std=c++17 -O2 -Wall speexcost.cc -o "$out/speexcost" -ldl
fi

# The sources of libopus that cargo fetched for the codec crate.
manifest=$(cargo metadata --format-version 1 --manifest-path ../../Cargo.toml |
  python3 -c 'import json,sys; print(next(p["manifest_path"] for p in json.load(sys.stdin)["packages"] if p["name"] == "opusic-sys"))')
if ! newer "$manifest" "$out/libopus.so.0"; then
  cmake -S "$(dirname "$manifest")/opus" -B "$out/opus" -DCMAKE_BUILD_TYPE=Release -DBUILD_SHARED_LIBS=ON \
    -DOPUS_DRED=ON -DOPUS_OSCE=ON -DOPUS_BUILD_PROGRAMS=OFF >"$out/opus.log" 2>&1
  make -C "$out/opus" -j2 >>"$out/opus.log" 2>&1 || { tail -20 "$out/opus.log" >&2; exit 1; }
  cp -L "$out/opus/libopus.so.0" "$out/libopus.so.0.new"
  mv "$out/libopus.so.0.new" "$out/libopus.so.0"
fi
echo "$out"
