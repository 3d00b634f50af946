"""What a packet put in and sound taken out cost: ours, NetEq and speexdsp, in one table, in ns.

    python3 cost.py [--json F] [--packets N]

Packets of 20 ms of G.711 with jitter of up to 15 ms, all arriving or a tenth lost. Needs what build.sh builds, and cargo.
The bounds are on the median of single calls: ours costs no more than NetEq, whose times include decoding G.711; ours and
speexdsp's do not.
"""

import argparse
import json
import pathlib
import subprocess
import tempfile

import numpy as np

from common import HERE, PACKET_MS, Verdicts, built, run, write_ptrace

LOST = {"all_arrive": 0, "a_tenth_lost": 10}
FIGURES = ("insert_ns_p50", "insert_ns_p999", "pull_ns_p50", "pull_ns_p999")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--packets", type=int, default=100_000, help="for the anchors; the bench of ours has its own number")
    return parser.parse_args()


def ours():
    """What the bench prints: a row of figures for each kind of network."""
    bench = "cargo bench --locked -p rove-benches --bench jitter -- percentiles".split()
    done = subprocess.run(bench, cwd=HERE.parents[1], capture_output=True, text=True, check=True)
    rows = {name: {} for name in LOST}
    for line in done.stdout.splitlines():
        if line.startswith('{"bench": "jitter/'):
            row = json.loads(line)
            _, what, network = row["bench"].split("/")
            what = what.removesuffix("_10ms")
            rows[network][f"{what}_ns_p50"] = row["p50_ns"]
            rows[network][f"{what}_ns_p999"] = row["p99.9_ns"]
    return rows


def jitter(n):
    """Up to 15 ms for packet n, as the bench has it."""
    return ((n * 0x9E3779B9) & 0xFFFFFFFF) >> 28


def neteq(packets, lost_every):
    delays = np.array([float(jitter(n)) for n in range(1, packets + 1)])
    if lost_every:
        delays[lost_every - 1 :: lost_every] = np.nan
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        write_ptrace(folder / "in", [bytes([0x55]) * 160] * packets, delays, payload_type=0, samples=160)
        return json.loads(run(built("neteq"), folder / "in", folder / "out.wav", folder / "out.csv"))


def main():
    args = arguments()
    rows = {("rove", name): row for name, row in ours().items()}
    for name, lost_every in LOST.items():
        rows["neteq", name] = neteq(args.packets, lost_every)
        rows["speexdsp", name] = json.loads(run(built("speexcost"), args.packets, lost_every))
    print(f"{'packets of ' + str(PACKET_MS) + ' ms':<24}" + "".join(f"{figure:>16}" for figure in FIGURES))
    for (system, name), row in rows.items():
        print(f"{system + ', ' + name:<24}" + "".join(f"{row[figure]:>16}" for figure in FIGURES))
    verdicts = Verdicts()
    for name in LOST:
        for figure in ("insert_ns_p50", "pull_ns_p50"):
            own, theirs = rows["rove", name][figure], rows["neteq", name][figure]
            verdicts.at_most(f"{figure}, {name}, against NetEq's", own, theirs)
    report = [{"system": system, "network": name} | {f: row[f] for f in FIGURES} for (system, name), row in rows.items()]
    raise SystemExit(verdicts.finish({"rows": report}, args.json))


if __name__ == "__main__":
    main()
