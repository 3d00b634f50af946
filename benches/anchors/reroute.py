#!/usr/bin/env python3
"""How soon a call leaves a way that gets bad, ours beside libwebrtc (PyPI `wrtc`) over the same two wires. See --help.

Two places, two wires between them, of which the one that the call takes gets bad both ways some seconds after its beginning. In each
round each program lives through each event once, one after the other. What counts is what the wires saw (`impair`): the longest
time without a new packet of voice, packets that never came, and when the last one was given to the bad wire alone. The median of
both directions and all rounds counts. Ends with 1 when a bound is missed, with 3 when something is missing."""

import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
PEER = pathlib.Path(__file__).resolve().with_name("reroute_peer.py")
SPEECH = ROOT / "apps/rove/assets/speech-alice.wav"
PLACES = ("alice", "bob")
WIRES = 2
DELAY_MS = 20.0
SIP = "5060"
# What becomes of the wire.
EVENTS = {
    "cut": {"cut": True},
    "20 % loss": {"delay_ms": DELAY_MS, "loss": 0.2},
    "50 % loss": {"delay_ms": DELAY_MS, "loss": 0.5},
}
# Of ours, at most: ms without a packet, packets lost, ms until it is left.
BOUNDS = {
    "cut": (120 + 2 * DELAY_MS, 5 + 2 * DELAY_MS / 20, None),
    "20 % loss": (None, 8, 2_000),
    "50 % loss": (None, 10, 1_000),
}
# The call has begun, and both ends know both ways.
BEGUN_S = 6.0


class Place:
    """Two network namespaces, a third with the middle of the wires between them, and the program that makes these bad."""

    def __init__(self, impair, seed):
        self.id = f"rove-anchor-{os.getpid()}"
        try:
            for name in (*PLACES, "middle"):
                self.ip("netns", "add", f"{self.id}-{name}")
                self.ip("-n", f"{self.id}-{name}", "link", "set", "lo", "up")
            for wire in range(WIRES):
                for last, name in enumerate(PLACES, 1):
                    self.cable(wire, name, f"10.{60 + wire}.0.{last}/24")
            ends = [f"{name}{wire}" for wire in range(WIRES) for name in PLACES]
            self.impair = self.start("middle", impair, "--seed", str(seed), "--spare", SIP, *ends)
            self.impair.stdout.readline()
        except BaseException:
            self.close()
            raise

    def ip(self, *words):
        subprocess.run(["ip", *words], check=True, capture_output=True)

    def cable(self, wire, name, address):
        middle, own, near = f"{self.id}-middle", f"{self.id}-{name}", f"{name}{wire}"
        self.ip("-n", middle, "link", "add", near, "type", "veth", "peer", "name", f"eth{wire}", "netns", own)
        self.ip("netns", "exec", middle, "sysctl", "-q", f"net.ipv6.conf.{near}.disable_ipv6=1")
        self.ip("-n", middle, "link", "set", near, "up")
        self.ip("-n", own, "address", "add", address, "dev", f"eth{wire}")
        self.ip("-n", own, "link", "set", f"eth{wire}", "up")

    def start(self, name, *command):
        words = ["ip", "netns", "exec", f"{self.id}-{name}", *map(str, command)]
        pipe, quiet = subprocess.PIPE, subprocess.DEVNULL
        return subprocess.Popen(words, stdin=pipe, stdout=pipe, stderr=quiet, text=True)

    def order(self, **words):
        self.impair.stdin.write(json.dumps(words) + "\n")
        self.impair.stdin.flush()

    def truth(self):
        self.order(tell=True)
        return json.loads(self.impair.stdout.readline())

    def close(self):
        if hasattr(self, "impair"):
            self.impair.stdin.close()
            self.impair.wait(10)
        for name in (*PLACES, "middle"):
            subprocess.run(["ip", "netns", "delete", f"{self.id}-{name}"], capture_output=True)


def rove(place, args):
    """A call that lasts until what is given back is called."""
    own = ("--play", SPEECH, "--repeat")
    bob = place.start("bob", args.rove, "answer", "--calls", "1", "--ready-json", "--listen", f"0.0.0.0:{SIP}", *own)
    bob.stdout.readline()
    lasts = BEGUN_S + args.seconds + 0.5
    alice = place.start("alice", args.rove, "call", "10.60.0.2", "--for", lasts, *own)

    def end():
        for phone in (alice, bob):
            phone.stdin.close()
            if phone.wait(60):
                raise RuntimeError(f"{' '.join(phone.args)} ended with {phone.returncode}")

    return end


def libwebrtc(place, args):
    ends = [place.start(name, args.python, PEER, role) for name, role in zip(PLACES, ("offer", "answer"))]
    for one, other in (ends, reversed(ends)):
        line = one.stdout.readline()
        if not line:
            raise RuntimeError("libwebrtc gives no description")
        other.stdin.write(line)
        other.stdin.flush()

    def end():
        for one in ends:
            one.stdin.close()
        for one in ends:
            one.wait(20)

    return end


PROGRAMS = {"rove": rove, "libwebrtc": libwebrtc}


def lived(place, args, program, event):
    """One call: what each direction lived through."""
    for wire in range(WIRES):
        place.order(wire=wire, delay_ms=DELAY_MS)
    end = PROGRAMS[program](place, args)
    time.sleep(BEGUN_S)
    place.order(mark=True)
    place.order(wire=0, **EVENTS[event])
    time.sleep(args.seconds)
    told = place.truth()
    end()
    found = [direction(told[way]["voice"], args.seconds) for way in ("there", "back")]
    return [one for one in found if one]


def direction(voice, seconds):
    """In figures; `left_ms` is `None` where the bad wire was still used at the end. Nothing where it was not used at all: each end
    of libwebrtc may choose another."""
    last = voice["wires"][0]["alone_ms"]
    if last is None:
        return None
    return {"gap_ms": voice["gap_ms"], "lost": voice["lost"], "left_ms": last if last < seconds * 1_000 - 500 else None}


def measure(args):
    report = {event: {program: [] for program in PROGRAMS} for event in EVENTS}
    for number in range(args.rounds):
        for event in EVENTS:
            for program in PROGRAMS:
                place = Place(args.impair, number + 1)
                try:
                    found = lived(place, args, program, event)
                finally:
                    place.close()
                report[event][program] += found
                print(f"round {number + 1}, {event}, {program}: {found}", file=sys.stderr)
    return report


def summary(found):
    """Medians; one that never left counts as later than any."""
    if not found:
        raise RuntimeError("no call has taken the wire that got bad")
    late = [float("inf") if one["left_ms"] is None else one["left_ms"] for one in found]
    left = statistics.median(late)
    return {
        "gap_ms": statistics.median(one["gap_ms"] for one in found),
        "lost": statistics.median(one["lost"] for one in found),
        "most_lost": max(one["lost"] for one in found),
        "left_ms": None if left == float("inf") else left,
        "never_left": sum(one["left_ms"] is None for one in found),
        "of": len(found),
    }


def verdicts(report):
    """What is to hold, and whether it does: rows of text, value, bound, held."""
    rows = []
    for event, (gap, lost, left) in BOUNDS.items():
        ours, theirs = (summary(report[event][program]) for program in PROGRAMS)
        for what, key, bound in (("longest gap, ms", "gap_ms", gap), ("packets lost", "lost", lost), ("left after, ms", "left_ms", left)):
            if bound is not None:
                value = ours[key]
                rows.append((f"{event}: {what}", value, f"at most {bound:g}", value is not None and value <= bound))
        rows.append((f"{event}: packets lost", ours["lost"], f"fewer than libwebrtc's {theirs['lost']:g}", ours["lost"] < theirs["lost"]))
    return rows


def show(report):
    print(f"{'':12}{'':12}{'gap ms':>10}{'lost':>8}{'at most':>9}{'left ms':>10}{'never left':>14}")
    for event, programs in report.items():
        for program, found in programs.items():
            one = summary(found)
            left = "never" if one["left_ms"] is None else f"{one['left_ms']:.0f}"
            never = f"{one['never_left']} of {one['of']}"
            print(f"{event:12}{program:12}{one['gap_ms']:>10.0f}{one['lost']:>8.0f}{one['most_lost']:>9}{left:>10}{never:>14}")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rove", type=pathlib.Path, default=ROOT / "target/release/rove")
    parser.add_argument("--impair", type=pathlib.Path, default=ROOT / "target/release/impair")
    parser.add_argument("--python", default=sys.executable, help="a Python that has wrtc")
    parser.add_argument("--seconds", type=float, default=8.0, help="so long a call goes on over the bad wire")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=pathlib.Path)
    args = parser.parse_args()
    args.rove, args.impair = args.rove.resolve(), args.impair.resolve()
    if not (args.rove.exists() and args.impair.exists() and shutil.which("ip")):
        print("missing: apt-get install -y iproute2; cargo build --release -p rove && cargo build --release -p rove-tests --bin impair",
              file=sys.stderr)
        sys.exit(3)
    if subprocess.run([args.python, "-c", "import webrtc"], capture_output=True).returncode:
        print("missing: pip install wrtc, libwebrtc for Python 3.9 and later", file=sys.stderr)
        sys.exit(3)
    if subprocess.run(["ip", "netns", "add", f"rove-anchor-{os.getpid()}"], capture_output=True).returncode:
        print("missing: the right to make network namespaces: run it as root", file=sys.stderr)
        sys.exit(3)
    subprocess.run(["ip", "netns", "delete", f"rove-anchor-{os.getpid()}"], capture_output=True)
    return args


def main():
    args = arguments()
    report = measure(args)
    show(report)
    rows = verdicts(report)
    for what, value, bound, held in rows:
        print(f"{'ok  ' if held else 'MISS'} {what}: {'never' if value is None else f'{value:.0f}'} ({bound})")
    if args.json:
        found = {"rounds": report, "bounds": [dict(zip(("claim", "value", "bound", "holds"), row)) for row in rows]}
        args.json.write_text(json.dumps(found, indent=1) + "\n")
    return 0 if all(row[3] for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
