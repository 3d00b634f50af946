"""Speech under loss and jitter: whole simulated calls against libopus in a fixed buffer and against NetEq.

    python3 speech.py ROVE [--json F] [--row NAME ...] [--voice NAME ...] [--seeds N] [--bitrate KBIT] [--jobs N]

ROVE is the program `rove`, built in release. Every system meets the same losses and delays, and the anchors spend as many
bytes as the call did. Ends with 1 when a bound is missed.
"""

import argparse
import concurrent.futures
import dataclasses
import json
import os
import pathlib
import tempfile

import numpy as np

import fixed
from common import PACKET_MS, RATE, VOICES, Verdicts, built, losses, read_wav, run, score, voices, write_ptrace

NET_MS = 40.0
# PLCMOS that the bounds below take speech to have before it is sent.
UNHARMED = 4.84


@dataclasses.dataclass
class Row:
    """A network, and what the call must sound like over it."""

    name: str
    loss: float
    burst: float
    gamma_ms: float
    cap_ms: float
    pesq: float
    plcmos: float


ROWS = (
    Row("clean", 0.0, 1, 0.0, 100, 4.35, 4.80),
    Row("random-5", 0.05, 1, 0.0, 100, 3.9, 4.75),
    Row("random-10", 0.10, 1, 0.0, 100, 3.6, 4.70),
    Row("random-20", 0.20, 1, 0.0, 100, 2.8, 4.50),
    Row("random-30", 0.30, 1, 0.0, 100, 2.1, 4.20),
    Row("burst-3-within-100", 0.20, 3, 0.0, 100, 2.2, 4.20),
    Row("burst-3-within-200", 0.20, 3, 0.0, 200, 2.5, 4.40),
    Row("jitter-gamma-15", 0.0, 1, 15.0, 200, 4.30, 4.83),
)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rove", type=pathlib.Path)
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--row", nargs="*", choices=[row.name for row in ROWS], help="only these")
    parser.add_argument("--voice", nargs="*", default=VOICES)
    parser.add_argument("--seeds", type=int, default=2, help="how many draws of each network")
    parser.add_argument("--bitrate", type=float, default=34.0)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    return parser.parse_args()


def network(row, seed, packets):
    """Delay of each packet in ms, nan where it is lost: the same for every system."""
    delay = np.full(packets, NET_MS)
    if row.gamma_ms:
        delay += np.random.default_rng(seed).gamma(1.0, row.gamma_ms, packets)
    if row.loss:
        delay[losses(packets, row.loss, row.burst, seed)] = np.nan
    return delay


def call(args, row, wide, delay, stem):
    """One simulated call; gives what was heard and the report."""
    trace, heard, report = stem.with_suffix(".txt"), stem.with_suffix(".rove.wav"), stem.with_suffix(".json")
    np.savetxt(trace, delay, fmt="%.3f")
    run(args.rove, "simulate", "--play", wide, "--record", heard, "--delay-trace", trace, "--bitrate", args.bitrate,
        "--max-playout", int(row.cap_ms), "--json", report)
    return read_wav(heard, RATE), json.loads(report.read_text())


def neteq(speech, row, delay, rate, stem):
    """The same network played by NetEq, with in-band FEC told of the true loss."""
    mode = "lbrr" if row.loss else "plain"
    capture, wav = stem.with_suffix(".ptrace"), stem.with_suffix(".neteq.wav")
    write_ptrace(capture, speech.payloads(mode, row.loss, rate), delay)
    run(built("neteq"), capture, wav, stem.with_suffix(".csv"))
    return read_wav(wav, RATE)


def measure(args, row, voice, narrow, wide, seed, folder):
    """One call and its anchors, scored."""
    reference, pcm = read_wav(narrow, 16_000), read_wav(wide, RATE)
    delay = network(row, seed, len(pcm) // (RATE // 1_000 * PACKET_MS) + 50)
    stem = folder / f"{row.name}-{voice}-{seed}"
    heard, report = call(args, row, wide, delay, stem)
    rate, waited = report["bitrate_kbps"], report["playout_delay_ms"]["mean"]
    speech, lost = fixed.Speech(pcm), np.isnan(delay)
    scores = {"rove": score(reference, heard)}
    if not row.gamma_ms:
        for mode in fixed.modes(row.loss):
            payloads = speech.payloads(mode, row.loss, rate)
            scores[mode] = score(reference, fixed.play(mode, payloads, lost, fixed.steps_within(waited)))
    scores["neteq"] = score(reference, neteq(speech, row, delay, rate, stem))
    return {
        "row": row.name,
        "voice": voice,
        "seed": seed,
        "kbps": rate,
        "delay_ms": waited,
        "concealed_percent": report["concealed_percent"],
        "scores": {system: {"pesq": float(p), "plcmos": float(m)} for system, (p, m) in scores.items()},
    }


def mean(calls, system, scale):
    return float(np.mean([each["scores"][system][scale] for each in calls]))


def systems(calls):
    return list(calls[0]["scores"])


def table(rows, results, voice_names):
    print(f"{'row':20} {'system':7} {'kb/s':>6} {'delay':>6} {'conc %':>6} {'PESQ':>6} {'PLCMOS':>7}   PESQ by voice: "
          + " ".join(voice_names))
    for row in rows:
        calls = results[row.name]
        for system in systems(calls):
            of_call = [
                f"{np.mean([each[key] for each in calls]):6.1f}" for key in ("kbps", "delay_ms", "concealed_percent")
            ]
            left = " ".join(of_call if system == "rove" else [" " * 6] * 3)
            by_voice = [mean([each for each in calls if each["voice"] == v], system, "pesq") for v in voice_names]
            print(f"{row.name:20} {system:7} {left} {mean(calls, system, 'pesq'):6.2f}"
                  f" {mean(calls, system, 'plcmos'):7.2f}   " + " ".join(f"{value:5.2f}" for value in by_voice))


def judge(rows, results, voice_names, args, shortfall, verdicts):
    over_fixed, over_neteq = [], []
    for row in rows:
        calls = results[row.name]
        pesq = mean(calls, "rove", "pesq")
        verdicts.at_least(f"{row.name}: PESQ", pesq, row.pesq)
        verdicts.at_least(f"{row.name}: PLCMOS", mean(calls, "rove", "plcmos"), row.plcmos - shortfall)
        verdicts.at_most(f"{row.name}: kb/s", max(each["kbps"] for each in calls), args.bitrate)
        verdicts.at_most(f"{row.name}: mean delay in ms", float(np.mean([e["delay_ms"] for e in calls])), row.cap_ms)
        anchors = [system for system in systems(calls) if system not in ("rove", "neteq")]
        for name in voice_names if anchors else ():
            mine = [each for each in calls if each["voice"] == name]
            best = max(anchors, key=lambda system: mean(mine, system, "pesq"))
            verdicts.at_least(f"{row.name}, voice {name}: PESQ, against {best}", mean(mine, "rove", "pesq"),
                              mean(mine, best, "pesq"))
        if anchors:
            best = max(anchors, key=lambda system: mean(calls, system, "pesq"))
            over_fixed.append(pesq - mean(calls, best, "pesq"))
            verdicts.at_least(f"{row.name}: PESQ, against {best}", pesq, mean(calls, best, "pesq"))
        if row.loss:
            over_neteq.append(pesq - mean(calls, "neteq", "pesq"))
    if over_fixed:
        verdicts.at_least("PESQ over the best in a fixed buffer, mean of the rows", float(np.mean(over_fixed)), 0.1)
    if over_neteq:
        verdicts.at_least("PESQ over NetEq with LBRR, mean of the rows with loss", float(np.mean(over_neteq)), 0.5)


def main():
    args = arguments()
    rows = [row for row in ROWS if not args.row or row.name in args.row]
    files = voices(args.voice)
    # PLCMOS likes some voices less than others, however well they are kept.
    unharmed = float(np.mean([score(read_wav(n, 16_000), read_wav(w, RATE))[1] for n, w in files.values()]))
    shortfall = max(0.0, UNHARMED - unharmed)
    print(f"PLCMOS of the originals {unharmed:.2f}: its bounds are lowered by {shortfall:.2f}")
    with tempfile.TemporaryDirectory(prefix="rove-anchors-") as temporary:
        folder = pathlib.Path(temporary)
        with concurrent.futures.ProcessPoolExecutor(args.jobs) as pool:
            waiting = {
                row.name: [
                    pool.submit(measure, args, row, voice, narrow, wide, seed, folder)
                    for voice, (narrow, wide) in files.items()
                    for seed in range(1, args.seeds + 1 if row.loss or row.gamma_ms else 2)
                ]
                for row in rows
            }
            results = {name: [job.result() for job in jobs] for name, jobs in waiting.items()}
    table(rows, results, args.voice)
    verdicts = Verdicts()
    judge(rows, results, args.voice, args, shortfall, verdicts)
    report = {"plcmos_of_originals": unharmed, "bitrate": args.bitrate, "rows": results}
    raise SystemExit(verdicts.finish(report, args.json))


if __name__ == "__main__":
    main()
