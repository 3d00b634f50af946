#!/bin/sh
# Installs the foreign programs the checks use, where that is allowed: one call, only what is missing.
# What stays missing does no harm: the test that wants it prints "skipped: <peer>".
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

# The browser by itself, so that no trouble with these packages keeps the others away. JsSIP comes by npm, in the versions of
# tests/browser/page/package-lock.json; it needs node 18 or later.
missing=
peer chromium command -v chromium
peer "nodejs npm" command -v npm
# shellcheck disable=SC2086
[ -z "$missing" ] || ./install.sh $missing || true
