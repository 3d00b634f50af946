"""Single claims about the playout, each on a capture made for it."""

import numpy as np

import playout
import traces
from common import FRAME, PACKET_MS, RATE, read_wav, write_ptrace

L16 = 96
ROW = RATE // 100
CIRCLE = 1 << 16
PHASES_US = (0, 5_000)


def all(player, speech, folder, seed, verdicts):
    """Runs every check. `player(capture, stem, phase_us)` gives the WAV and the CSV of one run."""
    found = {}
    for check in (agreement, drift, spike, cut):
        try:
            found[check.__name__] = check(player, speech, folder, seed, verdicts)
        except RuntimeError as error:
            verdicts.check(f"{check.__name__}: {error}", False, "runs", False)
    return found


def ramp(packets):
    """L16 whose every sample says which one it is, modulo 65 536: the sample before RTP timestamp t is t − 1."""
    samples = (np.arange(packets * FRAME) % CIRCLE - CIRCLE // 2).astype(">i2")
    return [samples[i * FRAME : (i + 1) * FRAME].tobytes() for i in range(packets)]


def steps(packets, levels=100):
    """L16 whose every frame is a level of its own, packet number modulo `levels`."""
    return [np.full(FRAME, (i % levels - levels // 2) * 300, ">i2").tobytes() for i in range(packets)]


def plain(rows):
    """Rows that only play, after 30 ms that only played: a concealed packet of 20 ms may be counted whole in its first
    row, and fades into the next."""
    only = rows.sound & (rows.stretched == 0)
    return np.all([np.concatenate([np.zeros(back, bool), only[: len(only) - back]]) for back in range(4)], axis=0)


def ramp_errors(rows, wav):
    """For each plain row, how far in ms its last sample is from the one the CSV names."""
    ends = wav[ROW - 1 :: ROW][: len(rows.played)].astype(int) + CIRCLE // 2 + 1
    usable = plain(rows)
    error = (ends[usable] - rows.played[usable] + CIRCLE // 2) % CIRCLE - CIRCLE // 2
    return np.abs(error) / 48


def step_errors(rows, wav, levels=100):
    """For each change of level inside a plain row, how far in ms it is from where the CSV puts the frame's start."""
    level = np.round(wav / 300).astype(int) + levels // 2
    changes = np.flatnonzero(np.diff(level)) + 1
    kept = plain(rows)
    errors = []
    for at in changes:
        row, inside = divmod(int(at), ROW)
        if row >= len(kept) or not kept[row]:
            continue
        timestamp = rows.played[row] - ROW + inside
        frame = round(timestamp / FRAME)
        # A level that belongs to another frame is wrong by at least half a packet.
        errors.append(abs(timestamp - frame * FRAME) / 48 if level[at] == frame % levels else np.inf)
    return np.array(errors)


def agreement(player, _speech, folder, seed, verdicts, packets=1_500):
    """Times recovered from the sound agree with the times in the CSV."""
    found = {}
    for name in ("gamma-10", "wifi-spikes", "drift+200ppm"):
        delay = traces.build(seed, packets)[name]
        for kind, payloads, errors_of in (("ramp", ramp, ramp_errors), ("steps", steps, step_errors)):
            capture = folder / f"index-{kind}-{name}.ptrace"
            write_ptrace(capture, payloads(packets), delay, L16)
            errors, share = [], []
            for phase in PHASES_US:
                wav, csv = player(capture, f"index-{kind}-{name}-{phase}", phase)
                rows, samples = playout.read(csv), read_wav(wav, RATE)
                # The very first packet's timestamp is 0; unwrapping keeps it so.
                errors.append(errors_of(rows, samples))
                share.append(plain(rows).mean())
            errors = np.concatenate(errors)
            worst = float(errors.max()) if len(errors) else None
            verdicts.at_most(f"WAV against CSV, {kind} on {name}, worst of {len(errors)} in ms", worst, 1.0)
            found[f"{kind} {name}"] = {"worst_ms": worst, "compared": len(errors), "plain_rows": float(np.mean(share))}
    return found


def drift(player, speech, folder, seed, verdicts, minutes=10):
    """A clock that is off by 200 ppm does not make the delay grow."""
    found = {}
    packets = minutes * 60 * 1_000 // PACKET_MS
    payloads = speech(packets)
    for ppm in (200.0, -200.0):
        delay = traces.drift(np.random.default_rng(seed), packets, ppm)
        slope = np.arange(packets) * PACKET_MS * ppm * 1e-6
        capture = folder / f"drift{ppm:+.0f}.ptrace"
        write_ptrace(capture, payloads, delay)
        _, csv = player(capture, capture.stem, 0)
        rows = playout.read(csv)
        frame = np.clip(np.nan_to_num(rows.played) / FRAME, 0, packets - 1).astype(int)
        added = playout.delay_of(rows, 0.0) - (traces.WIRE_MS - min(0.0, slope[-1]) + slope[frame])
        minute = lambda i: rows.sound & (rows.at_ms >= i * 60_000) & (rows.at_ms < (i + 1) * 60_000)
        early, late = float(added[minute(1)].mean()), float(added[minute(minutes - 1)].mean())
        verdicts.at_most(f"growth of the delay over {minutes} min at {ppm:+.0f} ppm in ms", late - early, 2.0)
        found[f"{ppm:+.0f}"] = {"second_minute_ms": early, "last_minute_ms": late}
    return found


def spike(player, speech, folder, seed, verdicts, at=750, height=250.0):
    """After a stall the delay is soon what it was."""
    found = []
    delay = traces.spike(at=at, height=height, seed=seed)
    capture = folder / "spike.ptrace"
    write_ptrace(capture, speech(len(delay)), delay)
    over = (at + 1) * PACKET_MS + delay[at]  # everything held back arrives now
    for phase in PHASES_US:
        _, csv = player(capture, f"spike-{phase}", phase)
        rows = playout.read(csv)
        added = playout.delay_of(rows, np.nanmin(delay))
        calm = rows.sound & (rows.at_ms > over - height - 5_000) & (rows.at_ms < over - height)
        before = float(added[calm].mean())
        after = rows.sound & (rows.at_ms >= over) & (rows.at_ms < over + 10_000)
        above = rows.at_ms[after & (added > before + 10.0)]
        back = float((above.max() - over + playout.ROW_MS) / 1_000) if len(above) else 0.0
        verdicts.at_most(f"back after a {height:.0f} ms stall, phase {phase} µs, in s", back, 3.0)
        found.append({"phase_us": phase, "before_ms": before, "back_s": back})
    return found


def cut(player, speech, folder, seed, verdicts, packets=1_500):
    """What arrives later changes nothing that was played before: same rows, same samples."""
    delay = traces.build(seed, packets)["wifi-spikes"]
    until_us = packets * PACKET_MS * 600
    whole, part = folder / "whole.ptrace", folder / "part.ptrace"
    payloads = speech(packets)
    write_ptrace(whole, payloads, delay)
    write_ptrace(part, payloads, delay, until_us=until_us)
    (wav, csv), (wav_part, csv_part) = player(whole, "whole", 0), player(part, "part", 0)
    rows = until_us // 10_000 + 1
    same_rows = csv.read_text().splitlines()[: rows + 1] == csv_part.read_text().splitlines()[: rows + 1]
    a, b = read_wav(wav, RATE)[: rows * ROW], read_wav(wav_part, RATE)[: rows * ROW]
    same_sound = len(a) == len(b) == rows * ROW and bool((a == b).all())
    verdicts.check("a capture cut at T gives the same rows up to T", same_rows, "true", same_rows)
    verdicts.check("a capture cut at T gives the same sound up to T", same_sound, "true", same_sound)
    return {"rows": rows, "same_rows": same_rows, "same_sound": same_sound}
