#!/usr/bin/env python3
"""A terminal comes and leaves: how soon its name and its address resolve, ours beside Kea with DDNS and two BINDs.

The two take turns in one run. f is the median, f99 the 99th percentile of a small write with fdatasync, measured in this
run on this file system. Then each takes a burst of registrations. Ends with 1 when a bound was missed.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile

from roam_kea import Kea
from roam_ours import Ours


def median(values):
    known = sorted(value for value in values if value is not None)
    return known[len(known) // 2] if known else None


def table(rows):
    """Rows of the median of all rounds."""
    print(f"{'':10} {'':22} {'p50 ms':>9} {'p99 ms':>9}")
    for name, what, p50, p99 in rows:
        shown = [f"{value:9.2f}" if value is not None else f"{'-':>9}" for value in (p50, p99)]
        print(f"{name:10} {what:22} {shown[0]} {shown[1]}", flush=True)


WHAT = {"a": "come -> A", "ptr": "come -> PTR", "both": "come -> both", "gone": "leave -> both gone"}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--roved", required=True)
    parser.add_argument("--load", required=True)
    parser.add_argument("--folder", default=".", help="on the disk to measure")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--count", type=int, default=100, help="terminals a round")
    parser.add_argument("--rate", type=int, default=1000)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--only", choices=["ours", "both"], default="both")
    parser.add_argument("--json")
    args = parser.parse_args()
    roved, load = os.path.abspath(args.roved), os.path.abspath(args.load)
    base = tempfile.mkdtemp(prefix="roam-anchor.", dir=os.path.abspath(args.folder))

    def fsync():
        told = subprocess.run([load, "fsync", "--dir", base], capture_output=True, text=True, check=True)
        return json.loads(told.stdout)["fsync_ms"]

    missed, rounds, bursts, fsyncs, running = [], [], {}, [], []

    def bound(what, holds):
        print(("holds  " if holds else "MISSED ") + what, flush=True)
        if not holds:
            missed.append(what)

    try:
        sides = [Ours(roved, load, os.path.join(base, "ours"), args.rounds * args.count + 2)]
        if args.only == "both":
            sides.append(Kea(os.path.join(base, "kea")))
        running += sides
        for turn in range(args.rounds):
            fsyncs.append(fsync())
            for side in sides if turn % 2 == 0 else sides[::-1]:
                told = side.latencies(args.count, turn)
                rounds.append({"side": side.name, "turn": turn, **told})
                print(side.name, json.dumps(told), flush=True)
        shaken = sides[0].shake(2000)
        print("handshakes alone, both ends on this machine:", json.dumps(shaken), flush=True)
        for side in sides:
            side.stop()
        running.clear()
        before = fsync()
        ours = Ours(roved, load, os.path.join(base, "burst"), args.rate * args.seconds)
        running.append(ours)
        bursts["rove"] = ours.burst(args.rate, args.seconds)
        ours.stop()
        running.clear()
        fsyncs += [before, fsync()]
        print("rove", json.dumps(bursts["rove"]), flush=True)
        if args.only == "both":
            kea = Kea(os.path.join(base, "burst-kea"))
            running.append(kea)
            bursts["kea+bind"] = kea.burst(args.rate, args.seconds)
            print("kea+bind", json.dumps(bursts["kea+bind"]), flush=True)
    finally:
        for side in running:
            side.stop()
        shutil.rmtree(base, ignore_errors=True)

    f, f99 = median(one["p50"] for one in fsyncs), max(one["p99"] for one in fsyncs)
    rows = []
    for side in sides:
        for key, what in WHAT.items():
            own = [one[key] for one in rounds if one["side"] == side.name]
            rows.append((side.name, what, median(one["p50"] for one in own), median(one["p99"] for one in own)))
    print(f"f {f:.3f} ms, f99 {f99:.3f} ms; the median of {args.rounds} rounds of {args.count}")
    table(rows)
    ours, theirs = ([row for row in rows if row[0] == side.name] for side in (sides[0], sides[-1]))
    for (_, what, *mine), (name, _, *other) in zip(ours, theirs) if len(sides) > 1 else ():
        shares = [f"{a / b:.3f}" if None not in (a, b) and b > 0 else "-" for a, b in zip(mine, other)]
        print(f"ratio  {what}: {shares[0]} of {name} at p50, {shares[1]} at p99")
    for name, told in bursts.items():
        count, share = told["registrations"], told["share"]
        print(f"{name:10} {args.rate}/s for {args.seconds} s: {share:.2%} of {count} names lead there and back")
    for name, what, p50, p99 in rows:
        if name == "rove" and what in (WHAT["both"], WHAT["gone"]):
            bound(f"{what}: p50 {p50:.2f} ms of {2 * f + 6:.2f}", p50 <= 2 * f + 6)
            bound(f"{what}: p99 {p99:.2f} ms of {2 * f99 + 25:.2f}", p99 <= 2 * f99 + 25)
    told = bursts["rove"]
    bound(f"{args.rate}/s: {told['share']:.2%} resolvable of 100 %", told["share"] == 1)
    p99 = told["both_ms"]["p99"]
    bound(f"{args.rate}/s: p99 {p99} ms of {100 + 2 * f99:.1f}", p99 is not None and p99 <= 100 + 2 * f99)
    if args.json:
        with open(args.json, "w") as file:
            told = {"f": f, "f99": f99, "rounds": rounds, "bursts": bursts, "shaken": shaken, "missed": missed}
            json.dump(told, file, indent=1)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
