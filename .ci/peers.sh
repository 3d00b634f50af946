#!/bin/sh
# Installs the foreign programs the checks use, where that is allowed: one call, only what is missing.
# `peers.sh FOLDER` puts what comes from PyPI there. What stays missing does no harm: the test that wants it prints "skipped: <peer>".
set -u
cd "$(dirname "$0")" || exit 0
PATH=$PATH:/usr/sbin:/sbin

missing=
# peer PACKAGE COMMAND...: the package is wanted when the command fails.
peer() {
    package=$1
    shift
    "$@" >/dev/null 2>&1 || missing="$missing $package"
}

peer sip-tester command -v sipp
peer kamailio command -v kamailio
peer "kamailio-websocket-modules kamailio-tls-modules" sh -c 'ls /usr/lib/*/kamailio/modules/websocket.so /usr/lib/*/kamailio/modules/tls.so'
peer tshark command -v tshark
peer bind9-dnsutils command -v dig
peer bind9-dnsutils command -v nsupdate
peer libcap2-bin command -v setcap
peer iproute2 command -v ip
peer sipsak command -v sipsak
peer shellcheck command -v shellcheck
peer "pkg-config libasound2-dev" pkg-config --exists alsa

# The words of the list are meant to be split.
# shellcheck disable=SC2086
[ -z "$missing" ] || ./install.sh $missing || true

# Servers and clients of names and addresses, and a relay, by themselves, so that no trouble with them keeps the others away.
missing=
peer bind9 command -v named
peer "knot knot-dnsutils" sh -c 'command -v knotd && command -v knsupdate'
peer unbound command -v unbound
peer "kea-dhcp4-server kea-dhcp-ddns-server" sh -c 'command -v kea-dhcp4 && command -v kea-dhcp-ddns'
peer udhcpc command -v udhcpc
peer isc-dhcp-client command -v dhclient
peer nftables command -v nft
peer coturn command -v turnserver
peer "redis-server redis-tools" sh -c 'command -v redis-server && command -v redis-benchmark'
peer freediameterd command -v freeDiameterd
peer libusrsctp-dev test -f /usr/include/usrsctp.h
# shellcheck disable=SC2086
[ -z "$missing" ] || ./install.sh $missing || true

# Not every distribution has this one. It is started by hand, its service is not.
missing=
peer rtpengine-daemon command -v rtpengine
# shellcheck disable=SC2086
[ -z "$missing" ] || ./install.sh $missing || true

# What comes from PyPI goes to a place of its own, which checks.sh puts first on the path.
knows() { "$1" -c 'import pycrate_asn1rt, aioice' >/dev/null 2>&1; }
if [ $# -eq 1 ] && ! knows python3 && ! knows "$1/bin/python3"; then
    echo "installing: pycrate aioice, into $1"
    { python3 -m venv --system-site-packages "$1" && timeout 300 "$1/bin/pip" install --quiet pycrate aioice; } >/dev/null 2>&1 \
        || echo "could not install: pycrate aioice"
fi

# libwebrtc, which not every Python has a wheel for.
if [ $# -eq 1 ] && [ -x "$1/bin/pip" ] && ! "$1/bin/python3" -c 'import webrtc' >/dev/null 2>&1; then
    echo "installing: wrtc, into $1"
    timeout 300 "$1/bin/pip" install --quiet wrtc >/dev/null 2>&1 || echo "could not install: wrtc"
fi

# Kotlin on the JVM; its compiler comes by npm, when a test wants it.
missing=
peer default-jdk-headless command -v java
peer libjna-java test -f /usr/share/java/jna.jar
# shellcheck disable=SC2086
[ -z "$missing" ] || ./install.sh $missing || true

# A desktop without a screen, what draws on it, and what reads it aloud.
missing=
peer "xvfb libgl1-mesa-dri libgl1 libegl1 libx11-xcb1 libxcursor1 libxi6 libxkbcommon-x11-0" command -v Xvfb
peer x11-apps command -v xwd
peer "at-spi2-core gir1.2-atspi-2.0 python3-gi" /usr/bin/python3 -c "import gi; gi.require_version('Atspi', '2.0')"
# shellcheck disable=SC2086
[ -z "$missing" ] || ./install.sh $missing || true

# The browser by itself as well. JsSIP comes by npm, in the versions of
# tests/browser/page/package-lock.json; it needs node 18 or later.
missing=
peer chromium command -v chromium
peer "nodejs npm" command -v npm
# shellcheck disable=SC2086
[ -z "$missing" ] || ./install.sh $missing || true
