#!/usr/bin/env bash
# What a registration, an authenticated registration and a relayed call cost in processor time, in roved and in Kamailio,
# with SIPp, which knows
# MD5 alone, as the load. Usage: benches/anchors/registrar.sh [COUNT]. Needs: kamailio, sipp, and roved built in release.
# Ends with 0, or with 3 when something is missing.
set -euo pipefail
cd "$(dirname "$0")/../.."
count=${1:-10000}
rate=1000
roved=${ROVED:-target/release/roved}
for need in kamailio sipp; do
    if ! PATH=$PATH:/usr/sbin command -v "$need" >/dev/null; then
        echo "skipped: $need is not installed (apt-get install kamailio sip-tester)"
        exit 3
    fi
done
[ -x "$roved" ] || { echo "skipped: $roved is not there (cargo build --release -p roved)"; exit 3; }
kamailio=$(PATH=$PATH:/usr/sbin command -v kamailio)
work=$(mktemp -d)
trap 'for pid in $pids; do kill "$pid" 2>/dev/null || true; done; rm -rf "$work"' EXIT
pids=""
port_roved=25060 port_kamailio=25070 port_uas=25080

cat >"$work/roved.toml" <<EOF
[sip]
domains = ["127.0.0.1"]
auth = false
[sip.listen]
udp = ["127.0.0.1:$port_roved"]
[sip.limits]
requests_per_second = 0
transactions = 1000000
relays = 100000
bindings = 1000000
EOF
sed "s/auth = false/algorithms = [\"MD5\"]\nuser = [{ name = \"bob\", password = \"builder\" }]/; s/$port_roved/$((port_roved + 1))/" \
    "$work/roved.toml" >"$work/roved-auth.toml"

kamailio_config() { # port, authentication
    cat <<EOF
#!KAMAILIO
debug=0
log_stderror=no
fork=yes
children=1
disable_tcp=yes
auto_aliases=no
listen=udp:127.0.0.1:$1
mpath="/usr/lib/x86_64-linux-gnu/kamailio/modules/"
loadmodule "sl.so"
loadmodule "tm.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "auth.so"
modparam("usrloc", "db_mode", 0)
modparam("registrar", "max_contacts", 10)
request_route {
    if (!mf_process_maxfwd_header("10")) { sl_send_reply("483", "Too Many Hops"); exit; }
    if (is_method("REGISTER")) {
        $2
        save("location");
        exit;
    }
    if (has_totag()) { loose_route(); t_relay(); exit; }
    if (is_method("CANCEL")) { t_relay(); exit; }
    if (is_method("OPTIONS") && \$rU == \$null) { sl_send_reply("200", "OK"); exit; }
    record_route();
    if (!lookup("location")) { sl_send_reply("480", "Temporarily Unavailable"); exit; }
    t_relay();
}
EOF
}
kamailio_config $port_kamailio "" >"$work/kamailio.cfg"
# shellcheck disable=SC2016
kamailio_config $((port_kamailio + 1)) \
    'if (!pv_www_authenticate("127.0.0.1", "builder", "0")) { www_challenge("127.0.0.1", "1"); exit; }' \
    >"$work/kamailio-auth.cfg"

register() { # file, user, authentication
    {
        echo '<?xml version="1.0"?><scenario name="register">'
        message 1 "$2" ""
        if [ -n "$3" ]; then
            echo '<recv response="401" auth="true"/>'
            message 2 "$2" "$3"
        fi
        echo '<recv response="200"/></scenario>'
    } >"$1"
}
message() {
    cat <<EOF
<send retrans="500"><![CDATA[
REGISTER sip:127.0.0.1 SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
Max-Forwards: 70
From: <sip:$2@127.0.0.1>;tag=[pid]r[call_number]
To: <sip:$2@127.0.0.1>
Call-ID: [call_id]
CSeq: $1 REGISTER
Contact: <sip:$2@127.0.0.1:$port_uas>
${3:+$3
}Expires: 3600
Content-Length: 0

]]></send>
EOF
}
register "$work/first.xml" 'user[call_number]' ''
register "$work/bob.xml" 'bob' ''
register "$work/auth.xml" 'bob' '[authentication username=bob password=builder]'

inside() { # method, sequence, attributes
    cat <<EOF
<send$3><![CDATA[
$1 [next_url] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
Max-Forwards: 70
[routes]
From: <sip:alice@127.0.0.1>;tag=[pid]c[call_number]
To: <sip:bob@127.0.0.1>[peer_tag_param]
Call-ID: [call_id]
CSeq: $2 $1
Content-Length: 0

]]></send>
EOF
}
{
    cat <<'EOF'
<?xml version="1.0"?><scenario name="caller"><send retrans="500"><![CDATA[
INVITE sip:bob@127.0.0.1 SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
Max-Forwards: 70
From: <sip:alice@127.0.0.1>;tag=[pid]c[call_number]
To: <sip:bob@127.0.0.1>
Call-ID: [call_id]
CSeq: 1 INVITE
Contact: <sip:alice@[local_ip]:[local_port]>
Content-Type: application/sdp
Content-Length: [len]

v=0
o=a 1 1 IN IP4 127.0.0.1
s=-
c=IN IP4 127.0.0.1
t=0 0
m=audio 4000 RTP/AVP 0
]]></send>
<recv response="100" optional="true"/><recv response="180" optional="true"/><recv response="200" rrs="true"/>
EOF
    inside ACK 1 ''
    inside BYE 2 ' retrans="500"'
    echo '<recv response="200"/></scenario>'
} >"$work/caller.xml"

# Processor time of a process and its children so far, in microseconds.
spent() {
    local total=0 pid ticks
    for pid in $1 $(pgrep -P "$1" || true) $(for child in $(pgrep -P "$1" || true); do pgrep -P "$child" || true; done); do
        ticks=$(awk '{ sub(/.*\) /, ""); print $12 + $13 }' "/proc/$pid/stat" 2>/dev/null || echo 0)
        total=$((total + ticks))
    done
    echo $((total * 1000000 / $(getconf CLK_TCK)))
}
load() { # pid, port, scenario arguments...
    local pid=$1 port=$2 before after
    shift 2
    before=$(spent "$pid")
    (cd "$work" && TERM=xterm sipp "$@" -m "$count" -r $rate -l 4000 -i 127.0.0.1 -nostdin -buff_size 2000000 \
        -timeout 120s "127.0.0.1:$port" >sipp.out 2>&1) || { echo "failed"; tail -5 "$work/sipp.out" >&2; return; }
    after=$(spent "$pid")
    awk -v used=$((after - before)) -v count="$count" 'BEGIN { printf "%.1f", used / count }'
}
once() {
    (cd "$work" && TERM=xterm sipp -sf bob.xml -m 1 -i 127.0.0.1 -nostdin -timeout 10s "127.0.0.1:$1" >/dev/null 2>&1) || true
}
start() {
    "$@" >"$work/log" 2>&1 &
    last=$!
    pids="$pids $last"
    sleep 1
}

cat >"$work/callee.xml" <<'EOF'
<?xml version="1.0"?><scenario name="callee"><recv request="INVITE"/><send retrans="500"><![CDATA[
SIP/2.0 200 OK
[last_Via:]
[last_Record-Route:]
[last_From:]
[last_To:];tag=[pid]u[call_number]
[last_Call-ID:]
[last_CSeq:]
Contact: <sip:bob@[local_ip]:[local_port]>
Content-Length: 0

]]></send><recv request="ACK"/><recv request="BYE"/><send><![CDATA[
SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:]
[last_Call-ID:]
[last_CSeq:]
Content-Length: 0

]]></send></scenario>
EOF
(cd "$work" && TERM=xterm exec sipp -sf callee.xml -p $port_uas -i 127.0.0.1 -nostdin -buff_size 2000000) >/dev/null 2>&1 &
pids="$pids $!"
echo "microseconds of processor time each, $count at $rate a second"
printf '%-12s %16s %26s %14s\n' server 'first REGISTER' 'REGISTER with a password' 'relayed call'
measure() { # name, pid, port, pid with passwords, port with passwords
    local first auth call
    first=$(load "$2" "$3" -sf first.xml)
    auth=$(load "$4" "$5" -sf auth.xml)
    once "$3"
    call=$(load "$2" "$3" -sf caller.xml)
    printf '%-12s %16s %26s %14s\n' "$1" "$first" "$auth" "$call"
}
start "$roved" --config "$work/roved.toml" && plain=$last
start "$roved" --config "$work/roved-auth.toml" && closed=$last
measure roved "$plain" $port_roved "$closed" $((port_roved + 1))
start "$kamailio" -DD -f "$work/kamailio.cfg" -m 512 && plain=$last
start "$kamailio" -DD -f "$work/kamailio-auth.cfg" -m 512 && closed=$last
measure kamailio "$plain" $port_kamailio "$closed" $((port_kamailio + 1))
