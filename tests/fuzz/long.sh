#!/bin/sh
# long.sh [--set calls|roam] [--total N] [--jobs N] [--into FOLDER] [--programs FOLDER] [--table]: runs the targets that
# read what strangers send in calls, or on the way of a name that roams, N executions in all (10^8), N processes beside
# each other (2), and keeps what they said in FOLDER. What was run already is not run again. No input may take more than
# 10 ms of the processor's time or 2 GiB of memory.
# --table only tells how far it has come; --programs names a folder of targets that were built before.
# Ends with 1 when an input broke what must hold, 3 when something is missing. Folders are seen from the caller's.
set -u
here=$(cd "$(dirname "$0")" && pwd) || exit 3
total=100000000
jobs=2
set=calls
into=
only_table=
programs=
while [ $# -gt 0 ]; do
    case $1 in
    --set) set=$2 && shift 2 ;;
    --total) total=$2 && shift 2 ;;
    --jobs) jobs=$2 && shift 2 ;;
    --into) into=$2 && shift 2 ;;
    --programs) programs=$(cd "$2" && pwd) && shift 2 || exit 3 ;;
    --table) only_table=yes && shift ;;
    *) sed -n '2,7s/^# //p' "$0" >&2 && exit 2 ;;
    esac
done

# Target, its share of the executions in thousandths, and the longest input in bytes: what takes longest to run gets the
# least.
case $set in
calls)
    into=${into:-$here/target/long}
    targets="sip_message 200 1024
sip_uri 300 128
sip_header 80 256
sip_multipart 100 512
sip_stream 50 512
digest 30 512
sdp 30 768
sdp_attribute 90 256
stun 115 256
dtls 5 512"
    ;;
roam)
    into=${into:-$here/target/long-roam}
    targets="map 200 512
ansi41 150 512
tcap 150 512
sccp 100 512
sctp 60 768
dns_message 50 512
diameter 60 1024
map_adapter 60 768
ansi41_adapter 60 512
dhcp4 70 768
dhcp6 60 512
kea 10 512
attach 10 512
dns_client 10 768
dns_server 10 768"
    ;;
*) echo "no set of targets is called $set" >&2 && exit 2 ;;
esac
# Each share is run in that many pieces, in turn, so that a run that was stopped has seen all targets alike.
pieces=50

built=${CARGO_TARGET_DIR:-target}/$(rustc -vV | sed -n 's/^host: //p')/release
mkdir -p "$into/pieces" "$into/corpus" "$into/found"
into=$(cd "$into" && pwd) || exit 3
cd "$here" || exit 3

# piece NAME SHARE LONGEST NUMBER: runs one piece and writes a line of figures.
piece() {
    name=$1 done=$into/pieces/$1.$4
    [ ! -f "$done" ] || return 0
    ! ls "$into/found/$name"-* >/dev/null 2>&1 || return 0
    mkdir -p "$into/corpus/$name"
    runs=$((total * $2 / 1000 / pieces))
    rm -f "$done.slowest"
    ROVE_FUZZ_SLOWEST=$done.slowest "$programs/$name" -runs="$runs" -max_len="$3" -reload=0 \
        -timeout=120 -report_slow_units=1000000 -rss_limit_mb=2048 -print_final_stats=1 -artifact_prefix="$into/found/$name-" "$into/corpus/$name" "corpus/$name" \
        >"$done.log" 2>&1
    code=$?
    stat() { sed -n "s/^stat::$1: *//p" "$done.log" | tail -n 1; }
    ran=$(stat number_of_executed_units)
    began=$(sed -n 's/.*INITED.* rss: \([0-9]*\)Mb.*/\1/p' "$done.log" | tail -n 1)
    printf '%s %s %s %s %s %s\n' "${ran:-0}" "$(stat average_exec_per_sec)" "$code" \
        "$(cat "$done.slowest" 2>/dev/null || echo 0)" "${began:-0}" "$(stat peak_rss_mb)" >"$done.part"
    mv "$done.part" "$done"
    # Of the pieces that went well nobody reads the log.
    [ "$code" -ne 0 ] || rm -f "$done.log" "$done.slowest"
}

# What was run, by target. "grown" is how far memory rose within one piece, in MiB, its growing corpus included.
table() {
    printf '%-14s %12s %9s %7s %6s %10s %8s %8s\n' target executions "exec/s" corpus broken "slowest us" "peak MiB" "grown"
    sum=0
    broken=0
    while read -r name _; do
        set -- "$into/pieces/$name".*[0-9]
        line=
        [ ! -f "$1" ] || line=$(awk '{ n += $1; if ($2 > 0) t += $1 / $2; if ($4 > s) s = $4; if ($6 > p) p = $6; if ($6 - $5 > g) g = $6 - $5 }
            END { printf "%d %d %d %d %d", n, (t > 0 ? n / t : 0), s, p, g }' "$@")
        # shellcheck disable=SC2086
        set -- ${line:-0 0 0 0 0}
        corpus=$(find "$into/corpus/$name" -type f 2>/dev/null | wc -l)
        bad=$(find "$into/found" -name "$name-*" | wc -l)
        printf '%-14s %12d %9d %7d %6d %10d %8d %8d\n' "$name" "$1" "$2" "$corpus" "$bad" "$3" "$4" "$5"
        sum=$((sum + $1))
        broken=$((broken + bad))
    done <<END
$targets
END
    printf '%-14s %12d %26d\n' all "$sum" "$broken"
    [ "$broken" -eq 0 ]
}

if [ -n "$only_table" ]; then
    table
    exit
fi

# The flags of nightly, which cargo-fuzz wants, are in the stable compiler too. No sanitizer: there is no unsafe code here.
if [ -z "$programs" ]; then
    cargo fuzz --version >/dev/null 2>&1 || { echo "missing: cargo install --locked cargo-fuzz" >&2; exit 3; }
    RUSTC_BOOTSTRAP=1 cargo fuzz build --release --debug-assertions --sanitizer none || exit 3
    programs=$built
fi

# Runs every piece whose number leaves the remainder $1: that many of these run beside each other.
run() {
    number=0
    count=0
    while [ "$number" -lt "$pieces" ]; do
        while read -r name share longest; do
            [ $((count % jobs)) -ne "$1" ] || piece "$name" "$share" "$longest" "$number"
            count=$((count + 1))
        done <<END
$targets
END
        # One more at the end of a turn, so that a target is not always with the same process.
        count=$((count + 1))
        number=$((number + 1))
    done
}

job=0
while [ "$job" -lt "$jobs" ]; do
    run "$job" </dev/null &
    job=$((job + 1))
done
wait
table | tee "$into/table.txt"
[ -z "$(ls "$into/found")" ]
