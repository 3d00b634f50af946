#!/bin/sh
# Installs the foreign programs the tests talk to, where that is allowed: one call, only what is missing.
# What stays missing does no harm: the test that wants it prints "skipped: <peer>".
set -u
cd "$(dirname "$0")" || exit 0

missing=
# peer COMMAND PACKAGE
peer() {
    command -v "$1" >/dev/null 2>&1 || PATH="$PATH:/usr/sbin:/sbin" command -v "$1" >/dev/null 2>&1 || missing="$missing $2"
}

peer sipp sip-tester
peer tshark tshark
peer dig bind9-dnsutils
peer nsupdate bind9-dnsutils
peer setcap libcap2-bin
peer ip iproute2

# The words of the list are meant to be split.
# shellcheck disable=SC2086
[ -z "$missing" ] || ./install.sh $missing || true
