"""Does the engine's own listening score follow measured speech quality?

    python3 mos.py ROVE [--json F] [--voice NAME ...] [--seeds N] [--jobs N]

Simulates calls over a grid of loss, burst and jitter, and ranks `mos_lq` against PESQ-WB. Ends with 1 when Spearman's
coefficient is below 0.95.
"""

import argparse
import concurrent.futures
import itertools
import json
import os
import pathlib
import tempfile

import numpy as np

from common import RATE, VOICES, Verdicts, read_wav, run, score, voices

LOSSES = (0.0, 0.01, 0.03, 0.05, 0.10, 0.15, 0.20, 0.30)
BURSTS = (1.0, 3.0)
JITTERS_MS = (0.0, 15.0)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rove", type=pathlib.Path)
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--voice", nargs="*", default=VOICES[:2])
    parser.add_argument("--seeds", type=int, default=1, help="how many draws of each network")
    parser.add_argument("--codec", default="opus")
    parser.add_argument("--bitrate", type=float, default=34.0)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    return parser.parse_args()


def grid():
    """Networks: a burst only where there is loss."""
    for loss, burst, jitter in itertools.product(LOSSES, BURSTS, JITTERS_MS):
        if loss or burst == 1.0:
            yield loss, burst, jitter


def measure(args, point, narrow, wide, seed, stem):
    loss, burst, jitter = point
    heard, report = stem.with_suffix(".wav"), stem.with_suffix(".json")
    options = ["--loss", loss] if loss else []
    options += ["--burst", burst] if burst > 1 else []
    options += ["--jitter", f"gamma:{jitter}"] if jitter else []
    options += ["--bitrate", args.bitrate] if args.codec == "opus" else []
    run(args.rove, "simulate", "--play", wide, "--record", heard, "--codec", args.codec, "--seed", seed, *options,
        "--json", report)
    pesq, _ = score(read_wav(narrow, 16_000), read_wav(heard, RATE))
    return json.loads(report.read_text())["mos_lq"], pesq


def main():
    from scipy.stats import spearmanr

    args = arguments()
    files = voices(args.voice)
    points = list(grid())
    with tempfile.TemporaryDirectory(prefix="rove-anchors-") as temporary:
        folder = pathlib.Path(temporary)
        with concurrent.futures.ProcessPoolExecutor(args.jobs) as pool:
            waiting = [
                [
                    pool.submit(measure, args, point, narrow, wide, seed, folder / f"{i}-{voice}-{seed}")
                    for voice, (narrow, wide) in files.items()
                    for seed in range(1, args.seeds + 1)
                ]
                for i, point in enumerate(points)
            ]
            found = [[job.result() for job in jobs] for jobs in waiting]
    print(f"{'loss':>6} {'burst':>6} {'jitter':>7} {'mos_lq':>7} {'PESQ':>6}")
    rows = []
    for (loss, burst, jitter), pairs in zip(points, found):
        if any(told is None for told, _ in pairs):
            raise SystemExit(f"no mos_lq at loss {loss}, burst {burst}, jitter {jitter}")
        told, pesq = (float(np.mean(column)) for column in zip(*pairs))
        rows.append({"loss": loss, "burst": burst, "jitter_ms": jitter, "mos_lq": told, "pesq": pesq})
        print(f"{loss:6.2f} {burst:6.1f} {jitter:7.1f} {told:7.2f} {pesq:6.2f}")
    rho = float(spearmanr([row["mos_lq"] for row in rows], [row["pesq"] for row in rows]).statistic)
    verdicts = Verdicts()
    verdicts.at_least("Spearman of mos_lq and PESQ", rho, 0.95)
    raise SystemExit(verdicts.finish({"codec": args.codec, "grid": rows, "spearman": rho}, args.json))


if __name__ == "__main__":
    main()
