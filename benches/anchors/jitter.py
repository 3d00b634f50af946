"""The playout against NetEq and speexdsp: every trace, eight pull phases, one configuration.

    python3 jitter.py ROVE [--json F] [--seed N] [--trace NAME ...] [--traces F.npz] [--phases N] [--jobs N] [--quick]

ROVE is the program `rove`, built in release. Ends with 1 when a bound is missed.
"""

import argparse
import concurrent.futures
import os
import pathlib
import tempfile

import numpy as np

import checks
import playout
import speex
import traces
from common import VOICES, Verdicts, built, encode, read_wav, run, voices, write_ptrace

WEIGHTS = {20: 0.65, 50: 0.80, 100: 0.80}
SYSTEMS = ("rove", "neteq", "neteq-stable", "speexdsp")
ANCHORS = SYSTEMS[1:]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rove", type=pathlib.Path)
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--seed", type=int, default=1, help="of the traces")
    parser.add_argument("--packets", type=int, default=6_000)
    parser.add_argument("--trace", nargs="*", help="only these")
    parser.add_argument("--traces", type=pathlib.Path, help="delays of your own: an .npz of arrays in ms, nan = lost")
    parser.add_argument("--phases", type=int, default=8)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--quick", action="store_true", help="the table only, without the single checks")
    return parser.parse_args()


def speech(packets):
    """Opus packets of one voice, repeated."""
    _, wide = voices(names=VOICES[:1])[VOICES[0]]
    payloads = encode(read_wav(wide, 48_000), bitrate=32_000)
    return [payloads[i % len(payloads)] for i in range(packets)]


def replay(program, capture, stem, phase_us):
    """One run of `rove replay`; gives its WAV and CSV."""
    wav, csv = stem.with_suffix(".wav"), stem.with_suffix(".csv")
    run(program, "replay", capture, "--wav", wav, "--csv", csv, "--pull-phase-us", phase_us)
    return wav, csv


def play(system, rove, capture, delay, phase_us):
    """The accounts of one system over one trace at one phase."""
    if system == "speexdsp":
        mean, empty = speex.play(delay, phase_us / 1_000)
        lost = np.isnan(delay).mean() * 100
        return playout.Cost(mean, max(0.0, empty - lost), 0.0)
    stem = capture.with_name(f"{capture.stem}-{system}-{phase_us}")
    if system == "rove":
        wav, csv = replay(rove, capture, stem, phase_us)
    else:
        wav, csv = stem.with_suffix(".wav"), stem.with_suffix(".csv")
        stable = ["--stable"] if system == "neteq-stable" else []
        run(built("neteq"), capture, wav, csv, "--phase-us", phase_us, *stable)
    cost = playout.cost_of(playout.read(csv), delay)
    wav.unlink()
    csv.unlink()
    return cost


def measure(args, chosen, folder):
    """`{trace: {system: [Cost per phase]}}`"""
    longest = max(len(delay) for delay in chosen.values())
    payloads = speech(longest)
    phases = [round(i * 10_000 / args.phases) for i in range(args.phases)]
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        waiting = {}
        for name, delay in chosen.items():
            capture = folder / f"{name}.ptrace"
            write_ptrace(capture, payloads, delay)
            for system in SYSTEMS:
                waiting[name, system] = [
                    pool.submit(play, system, args.rove, capture, delay, phase) for phase in phases
                ]
        return {
            name: {system: [job.result() for job in waiting[name, system]] for system in SYSTEMS} for name in chosen
        }


def mean(values):
    return float(np.mean(list(values)))


def table(results, chosen):
    """Prints a row per trace; gives the same as data."""
    print(f"{'trace':18} {'system':13} {'delay ms':>9} {'conc %':>7} {'stretch %':>9}"
          f" {'J20':>7} {'J50':>7} {'J100':>7} {'R':>6}  J / NetEq's at 20, 50, 100")
    rows = {}
    for name, by_system in results.items():
        least = np.nanmin(chosen[name])
        rows[name] = {}
        for system, costs in by_system.items():
            row = {
                "delay_ms": mean(c.delay_ms for c in costs),
                "concealed_percent": mean(c.concealed for c in costs),
                "stretched_percent": mean(c.stretched for c in costs),
                "r": mean(c.rating(least) for c in costs),
                "r_worst_phase": min(c.rating(least) for c in costs),
                **{f"j{weight}": mean(c.j(weight) for c in costs) for weight in WEIGHTS},
            }
            rows[name][system] = row
        for system, row in rows[name].items():
            ratios = [row[f"j{w}"] / max(rows[name]["neteq"][f"j{w}"], 1e-9) for w in WEIGHTS]
            row["ratios"] = dict(zip(map(str, WEIGHTS), ratios))
            print(f"{name:18} {system:13} {row['delay_ms']:9.1f} {row['concealed_percent']:7.2f}"
                  f" {row['stretched_percent']:9.2f} {row['j20']:7.1f} {row['j50']:7.1f} {row['j100']:7.1f}"
                  f" {row['r']:6.1f}  " + " ".join(f"{ratio:5.2f}" for ratio in ratios))
    return rows


def still(delay):
    """A trace without jitter has no place in a mean of ratios."""
    return np.nanmax(delay) - np.nanmin(delay) < 1.0


def judge(rows, chosen, verdicts):
    moving = [name for name, delay in chosen.items() if not still(delay)]
    means = {}
    for weight, bound in WEIGHTS.items():
        if moving:
            ratios = [rows[name]["rove"]["ratios"][str(weight)] for name in moving]
            means[str(weight)] = float(np.exp(np.mean(np.log(ratios))))
            verdicts.at_most(f"geometric mean of J over NetEq's, weight {weight}", means[str(weight)], bound)
    for name in moving:
        best = max(ANCHORS, key=lambda system: rows[name][system]["r"])
        verdicts.at_least(f"R on {name}, against {best}", rows[name]["rove"]["r"], rows[name][best]["r"])
    for name in chosen.keys() - set(moving):
        # One pull of 10 ms, and 10 ms more.
        verdicts.at_most(f"delay on {name} in ms", rows[name]["rove"]["delay_ms"], 20.0)
    return means


def main():
    args = arguments()
    chosen = dict(np.load(args.traces)) if args.traces else traces.build(args.seed, args.packets)
    if args.trace:
        chosen = {name: chosen[name] for name in args.trace}
    verdicts = Verdicts()
    with tempfile.TemporaryDirectory(prefix="rove-anchors-") as temporary:
        folder = pathlib.Path(temporary)
        rows = table(measure(args, chosen, folder), chosen)
        means = judge(rows, chosen, verdicts)
        single = {}
        if not args.quick:
            player = lambda capture, stem, phase: replay(args.rove, capture, folder / stem, phase)
            single = checks.all(player, speech, folder, args.seed, verdicts)
    report = {"seed": args.seed, "phases": args.phases, "traces": rows, "geometric_means": means, "checks": single}
    raise SystemExit(verdicts.finish(report, args.json))


if __name__ == "__main__":
    main()
