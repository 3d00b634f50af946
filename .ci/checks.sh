#!/bin/sh
# checks.sh test|check|prove: runs the checks, each under its name, and ends with "N passed, N failed, N skipped".
set -u
cd "$(dirname "$0")/.." || exit 3
mode=$1

# Each thing is built once here: what would make a second build quicker only fills the disk.
export CARGO_INCREMENTAL=0

target=$(cargo metadata --no-deps --offline --format-version 1 2>/dev/null | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
target=${target:-target}
logs=$target/checks
mkdir -p "$logs"
rm -f "$logs"/*
tally=$logs/tally
: >"$tally"
expected=
failed=

# In the foreground, so that Ctrl-C reaches what runs.
bounded=
timeout --foreground 5 true 2>/dev/null && bounded="timeout --foreground -k 30 3600"

# Shows a run as it goes, leaving out what passing tests printed, except what they skipped. (Not awk: some read ahead.)
brief() {
    quiet=
    while IFS= read -r line; do
        case $line in
        successes:) quiet=yes ;;
        failures: | "test result: "*) quiet= ;;
        esac
        case $quiet:$line in
        yes:"skipped: "*) printf '%s\n' "$line" ;;
        yes:*) ;;
        *) printf '%s\n' "$line" ;;
        esac
    done
}

# watched NAME COMMAND...: runs it with its output in a log and, shortened, on the screen; gives its exit code.
watched() {
    name=$1
    shift
    echo "== $name"
    began=$(date +%s)
    {
        # shellcheck disable=SC2086
        $bounded "$@" 2>&1
        echo $? >"$logs/$name.code"
    } | tee "$logs/$name.log" | brief
    code=$(cat "$logs/$name.code")
    verdict=ok
    [ "$code" -eq 0 ] || verdict=${expected:-"FAILED ($code), whole output in $logs/$name.log"}
    echo "== $name: $verdict, $(($(date +%s) - began)) s"
    return "$code"
}

# one NAME COMMAND...: a check that passes or fails as a whole.
one() {
    if watched "$@"; then
        echo "1 0 0" >>"$tally"
    else
        echo "0 1 0" >>"$tally"
        failed="$failed $1"
    fi
}

# tests NAME COMMAND...: a cargo test run, its tests counted one by one; one more failure where it could not even run.
tests() {
    watched "$@" && code=0 || code=$?
    counted "$1" "$code"
}

# counted NAME CODE: takes the tests of a run whose exit code is known into the tally.
counted() {
    counts=$(awk -f .ci/tally.awk "$logs/$1.log")
    echo "$counts" >>"$tally"
    [ "$2" -ne 0 ] || return 0
    failed="$failed $1"
    [ "$(echo "$counts" | cut -d' ' -f2)" -ne 0 ] || echo "0 1 0" >>"$tally"
}

# tests_with_time NAME COMMAND... -- FLAGS...: as tests, for those that run real programs against the clock. A few that fail
# beside all the others are run once more with the machine for themselves; those that pass then are named at the end.
tests_with_time() {
    watched "$@" && code=0 || code=$?
    names=$(sed -n 's/^test \(.*\) \.\.\. FAILED$/\1/p' "$logs/$1.log" | sort -u)
    number=$(printf '%s' "$names" | grep -c .)
    if [ "$code" -eq 0 ] || [ "$number" -eq 0 ] || [ "$number" -gt 3 ] || echo "$names" | grep -q ' '; then
        counted "$1" "$code"
        return
    fi
    first=$1
    shift
    # shellcheck disable=SC2086
    if watched "$first-alone" "$@" --test-threads 1 --exact $names; then
        awk -f .ci/tally.awk "$logs/$first.log" | awk '{ print $1 + $2, 0, $3 }' >>"$tally"
        for each in $names; do echo "passed only alone: $each" >>"$logs/alone.log"; done
    else
        counted "$first" "$code"
    fi
}

# control NAME PATTERN COMMAND...: a negative control passes when the command fails, and for the right reason.
control() {
    name=$1
    pattern=$2
    shift 2
    expected="failed, as it must"
    if ! watched "$name" "$@" && grep -q "$pattern" "$logs/$name.log"; then
        echo "1 0 0" >>"$tally"
    else
        echo "== $name: FAILED: its command must fail with \"$pattern\""
        echo "0 1 0" >>"$tally"
        failed="$failed $name"
    fi
    expected=
}

# skip NAME WHY
skip() {
    echo "skipped: $1 ($2)" | tee -a "$logs/skips.log"
    echo "0 0 1" >>"$tally"
}

fast() {
    one format cargo fmt --all --check
    one clippy cargo clippy --locked --workspace --all-targets -- -D warnings
    one programs cargo build --locked --workspace --bins
    # Those that run programs mostly wait: one more at a time than there are processors where these are few.
    threads=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
    [ "$threads" -ge 3 ] || threads=3
    tests_with_time tests env RUST_TEST_THREADS="$threads" cargo test --locked --workspace --no-fail-fast -- --show-output
    one docs env RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps
}

scripts() {
    if command -v shellcheck >/dev/null 2>&1; then
        one scripts shellcheck .ci/run .ci/*.sh apps/rove/assets/*.sh benches/anchors/*.sh tests/fuzz/*.sh
    else
        skip shellcheck "not installed"
    fi
}

deny() {
    if ! cargo deny --version >/dev/null 2>&1; then
        skip cargo-deny "install it with: cargo install --locked cargo-deny"
    elif ! cargo fetch --locked >/dev/null 2>&1; then
        skip cargo-deny "it reads the packages of other platforms too, and they cannot be fetched here"
    else
        one deny cargo deny --locked --offline check bans licenses sources
    fi
}

# What strangers send, by the hundred million: some hours, and what was run before is not run again.
fuzz_long() {
    if cargo fuzz --version >/dev/null 2>&1; then
        before=$bounded
        bounded=${bounded:+timeout --foreground -k 30 43200}
        one fuzz-long env CARGO_TARGET_DIR="$target/fuzz" tests/fuzz/long.sh --into "$target/fuzz/long"
        one fuzz-roam env CARGO_TARGET_DIR="$target/fuzz" tests/fuzz/long.sh --set roam --total 10000000 --into "$target/fuzz/long-roam"
        bounded=$before
    else
        skip cargo-fuzz "install it with: cargo install --locked cargo-fuzz"
    fi
}

# What no other check builds: the sound card needs the platform's headers, and sound processing comes with it.
sound_card() {
    if [ "$(uname -s)" != Linux ] || pkg-config --exists alsa 2>/dev/null; then
        one sound-card cargo clippy --locked -p rove -p rove-softphone --all-targets --features sound-card,sound-processing -- -D warnings
        tests sound-processing cargo test --locked -p rove-io --lib --features sound-processing processing
    else
        skip sound-card "install its headers with: sudo apt-get install pkg-config libasound2-dev"
    fi
}

# miri -p CRATE FILTER: its unit tests under the interpreter that finds undefined behaviour.
miri="env MIRIFLAGS=-Zmiri-disable-isolation PROPTEST_CASES=4 cargo +nightly miri test --locked --target-dir $target/miri --lib"

deep() {
    tests loom cargo test --locked --release --target-dir "$target/loom" --manifest-path tests/loom/Cargo.toml
    if cargo +nightly miri --version >/dev/null 2>&1 \
        || { rustup component add --toolchain nightly miri rust-src && cargo +nightly miri --version; } >/dev/null 2>&1; then
        # shellcheck disable=SC2086
        tests miri-crossings $miri -p rove-io bridge::tests::miri_
        # shellcheck disable=SC2086
        tests miri-ffi $miri -p rove-ffi c::tests::
        # shellcheck disable=SC2086
        control miri-control "Undefined Behavior" $miri -p rove-io miri_sees_an_unordered_hand_over -- --ignored
    else
        skip miri "install it with: rustup toolchain install nightly --component miri,rust-src"
    fi
    if rustc --print target-libdir --target wasm32-unknown-unknown >/dev/null 2>&1 \
        && [ -d "$(rustc --print target-libdir --target wasm32-unknown-unknown)" ]; then
        # Randomness is handed in: no crate below floor 3 may ask the platform for it, and here there is none.
        one wasm32 env CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS='--cfg getrandom_backend="unsupported"' \
            cargo build --locked --target wasm32-unknown-unknown --no-default-features \
            -p rove-base -p rove-core -p rove-sdp -p rove-sip -p rove-dns -p rove-session
    else
        skip wasm32 "install it with: rustup target add wasm32-unknown-unknown"
    fi
    if [ -f tests/embed/Cargo.toml ]; then one embed cargo run --manifest-path tests/embed/Cargo.toml --target-dir "$target"; fi
}

# The receive path against NetEq, speexdsp and libopus: what they need is too much to install unasked, so it is named.
anchors() {
    missing=
    [ -d /usr/include/tg_owt ] || missing="$missing libtgowt-dev"
    [ -f /usr/include/opus/opus.h ] || missing="$missing libopus-dev"
    ldconfig -p 2>/dev/null | grep -q libspeexdsp.so.1 || missing="$missing libspeexdsp1"
    command -v ffmpeg >/dev/null 2>&1 || missing="$missing ffmpeg"
    for voice in en fr es it ru; do
        found=$(find /usr/share/asterisk/sounds -maxdepth 1 -name "$voice*" 2>/dev/null | head -n 1)
        [ -n "$found" ] || missing="$missing asterisk-core-sounds-$voice-g722"
    done
    for module in numpy scipy soundfile onnxruntime speechmos pesq; do
        python3 -c "import $module" >/dev/null 2>&1 || missing="$missing python:$module"
    done
    if [ -n "$missing" ]; then
        skip anchors "missing:$missing; benches/anchors/README.md says how to install them"
        return
    fi
    one anchors-program cargo build --locked --release -p rove
    one anchors-own-tests python3 -m unittest discover -s benches/anchors
    one anchors benches/anchors/all.sh "$target/release/rove"
}

# anchor NAME: ours beside the servers of others, by benches/anchors/NAME.sh, which ends with 3 and says so where one is missing.
anchor() {
    watched "anchors-$1" "benches/anchors/$1.sh" --json "$target/anchors-$1.json"
    case $? in
    0) echo "1 0 0" >>"$tally" ;;
    3) skip "anchors-$1" "$(sed -n 's/^missing: /install them with: /p' "$logs/anchors-$1.log")" ;;
    *)
        echo "0 1 0" >>"$tally"
        failed="$failed anchors-$1"
        ;;
    esac
}

# Foreign peers, those from PyPI first on the path.
peers() {
    .ci/peers.sh "$target/python"
    if [ -x "$target/python/bin/python3" ]; then export PATH="$target/python/bin:$PATH"; fi
}

# What is built once and thrown away needs no files to build on later: they are gigabytes.
[ "$mode" = check ] || export CARGO_INCREMENTAL=0

# In a run without foreign peers each test that wants one prints "skipped: <peer>".
case $mode in
check)
    export ROVE_PEERS=none
    fast
    ;;
test)
    peers
    fast
    scripts
    deny
    sound_card
    deep
    ;;
prove)
    peers
    export ROVE_PROVE=1
    tests proofs cargo test --locked --release --workspace --no-fail-fast -- --show-output
    one benches cargo bench --locked -p rove-benches
    # The C interface once more, with each access to memory watched and each leak told.
    if [ "$(uname -sm)" = "Linux x86_64" ]; then
        tests ffi-memory env RUSTC_BOOTSTRAP=1 RUSTFLAGS=-Zsanitizer=address ASAN_OPTIONS=detect_leaks=1:quarantine_size_mb=16 \
            cargo test --locked -p rove-ffi-tests --target x86_64-unknown-linux-gnu --target-dir "$target/asan" \
            --no-fail-fast --test ffi --test ffi_memory -- --show-output --skip samples --skip bindings
    else
        skip ffi-memory "the sanitizers are used on Linux x86-64"
    fi
    tests rivals cargo test --manifest-path benches/rivals/Cargo.toml --target-dir "$target"
    tests rivals-dtls cargo test --manifest-path benches/rivals/Cargo.toml --target-dir "$target" --features dtls --test hellos
    one rivals-bench cargo bench --manifest-path benches/rivals/Cargo.toml --target-dir "$target"
    if .ci/install.sh libssl-dev libclang-14-dev || .ci/install.sh libssl-dev libclang-dev; then
        tests rivals-srtp cargo test --manifest-path benches/rivals/Cargo.toml --target-dir "$target" --features srtp --test srtp
        one rivals-srtp-bench cargo bench --manifest-path benches/rivals/Cargo.toml --target-dir "$target" \
            --features srtp --bench srtp
    else
        skip rivals-srtp "libsrtp2 is built on OpenSSL: install libssl-dev and libclang-dev"
    fi
    anchors
    anchor sip
    anchor dns
    anchor roam
    anchor relay
    anchor registry
    anchor reroute
    fuzz_long
    ;;
*)
    echo "usage: checks.sh test|check|prove" >&2
    exit 2
    ;;
esac

echo "== all checks"
grep -h '^skipped: ' "$logs"/*.log | sort -u
[ ! -f "$logs/alone.log" ] || cat "$logs/alone.log"
for name in $failed; do echo "failed: $name, whole output in $logs/$name.log"; done
awk '{ passed += $1; failed += $2; skipped += $3 }
    END { printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped; exit (failed > 0) }' "$tally"
