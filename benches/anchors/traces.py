"""Delay traces of networks, each from a seed: one value in ms per packet of 20 ms, nan where the packet is lost.

Run as a program it writes every trace to a folder, one value a line, as `rove simulate --delay-trace` reads it:
    python3 traces.py OUT [--seed N] [--packets N]
"""

import argparse
import pathlib
import zlib

import numpy as np

PACKET_MS = 20.0
# One-way delay of the wire itself.
WIRE_MS = 40.0


def constant(rng, n):
    """No jitter at all."""
    return np.full(n, WIRE_MS)


def gamma(rng, n, shape, scale):
    """Independent delays with a tail, later packets overtaking earlier ones."""
    return WIRE_MS + rng.gamma(shape, scale, n)


def drained(rng, n, delay, start, height):
    """Adds a stall of `height` ms at packet `start`: what queued behind it comes out at once."""
    held = np.arange(int(height / PACKET_MS) + 1)
    at = start + held[start + held < n]
    delay[at] = np.maximum(delay[at], WIRE_MS + height - PACKET_MS * (at - start))


def wifi_spikes(rng, n):
    """A good radio link that now and then stalls for 60 to 250 ms, about every five seconds."""
    delay = WIRE_MS + rng.gamma(1.0, 4.0, n)
    at = int(rng.exponential(250.0))
    while at < n:
        drained(rng, n, delay, at, rng.uniform(60.0, 250.0))
        at += 1 + int(rng.exponential(250.0))
    return delay


def wifi_power_save(rng, n):
    """A station that sleeps: frames wait for the next beacon, every 102.4 ms, for stretches of some seconds."""
    sent = np.arange(n) * PACKET_MS
    awake = WIRE_MS + rng.gamma(1.0, 3.0, n)
    to_beacon = 102.4 - np.mod(sent + WIRE_MS + rng.uniform(0.0, 102.4), 102.4)
    asleep = np.zeros(n, bool)
    at = int(rng.exponential(400.0))
    while at < n:
        length = int(rng.uniform(50.0, 250.0))
        asleep[at : at + length] = True
        at += length + int(rng.exponential(500.0))
    return np.where(asleep, awake + to_beacon, awake)


def lte_handover(rng, n):
    """A moving phone: a slow swing of the delay, and every 15 s a handover of 50 to 180 ms that loses a packet or none."""
    delay = WIRE_MS + 8.0 * (1.0 + np.sin(np.arange(n) / 400.0 + rng.uniform(0.0, 6.0))) + rng.gamma(2.0, 2.5, n)
    delay = np.ceil(delay / 4.0) * 4.0  # a grant comes every few subframes
    at = int(rng.uniform(200.0, 900.0))
    while at < n:
        drained(rng, n, delay, at, rng.uniform(50.0, 180.0))
        if rng.random() < 0.5:
            delay[at] = np.nan
        at += int(rng.uniform(500.0, 1_000.0))
    return delay


def route_steps(rng, n):
    """The route changes twice: 100 ms longer for a third of the call, then 20 ms longer than at first."""
    delay = WIRE_MS + rng.gamma(1.0, 5.0, n)
    delay[n // 3 : 2 * n // 3] += 100.0
    delay[2 * n // 3 :] += 20.0
    return delay


def reordered(rng, n):
    """One packet in twenty takes a way that is 50 ms longer."""
    delay = WIRE_MS + rng.gamma(1.0, 3.0, n)
    delay[rng.random(n) < 0.05] += 50.0
    return delay


def drift(rng, n, ppm):
    """The sender's clock is off by `ppm`; positive: the delay seems to grow."""
    slope = np.arange(n) * PACKET_MS * ppm * 1e-6
    return WIRE_MS - min(0.0, slope[-1]) + rng.gamma(1.0, 5.0, n) + slope


def cross_traffic(rng, n, mean=25.0, memory=0.97):
    """A queue shared with other traffic: the wait is the exponential of an AR(1) process, and order is kept."""
    state, wait = 0.0, np.empty(n)
    for i, kick in enumerate(rng.normal(size=n)):
        state = memory * state + np.sqrt(1.0 - memory**2) * kick
        wait[i] = mean * np.exp(0.8 * state - 0.32)
    return in_order(WIRE_MS + wait)


def bulk_download(rng, n):
    """Somebody fills a bloated buffer for some seconds, again and again: the delay climbs to 150 ms and falls."""
    wait, level, busy = np.empty(n), 0.0, False
    for i in range(n):
        if rng.random() < (0.005 if busy else 0.0025):
            busy = not busy
        level += (150.0 - level) * 0.02 if busy else -level * 0.08
        wait[i] = level
    return in_order(WIRE_MS + wait + rng.gamma(1.0, 3.0, n))


def mixed(rng, n):
    """One call through five networks in turn."""
    parts = [
        lambda r, m: gamma(r, m, 1.0, 8.0),
        wifi_spikes,
        lambda r, m: cross_traffic(r, m) + 30.0,
        lte_handover,
        lambda r, m: gamma(r, m, 0.5, 30.0),
    ]
    bounds = np.linspace(0, n, len(parts) + 1).astype(int)
    return np.concatenate([part(rng, end - start) for part, start, end in zip(parts, bounds, bounds[1:])])


def in_order(delay):
    """A queue lets nobody overtake."""
    sent = np.arange(len(delay)) * PACKET_MS
    return np.maximum.accumulate(sent + delay) - sent


KINDS = {
    "constant": constant,
    "gamma-10": lambda rng, n: gamma(rng, n, 1.0, 10.0),
    "gamma-heavy": lambda rng, n: gamma(rng, n, 0.5, 40.0),
    "wifi-spikes": wifi_spikes,
    "wifi-power-save": wifi_power_save,
    "lte-handover": lte_handover,
    "route-steps": route_steps,
    "reordered": reordered,
    "drift+200ppm": lambda rng, n: drift(rng, n, 200.0),
    "drift-200ppm": lambda rng, n: drift(rng, n, -200.0),
    "cross-traffic": cross_traffic,
    "bulk-download": bulk_download,
    "mixed": mixed,
}


def build(seed=1, packets=6_000):
    """All traces by name. Each kind draws from a stream of its own, so a new kind does not change the others."""
    return {
        name: kind(np.random.default_rng([seed, zlib.crc32(name.encode())]), packets) for name, kind in KINDS.items()
    }


def spike(packets=1_500, at=750, height=250.0, seed=1):
    """A calm link with one stall of `height` ms: how fast does the delay come back?"""
    rng = np.random.default_rng([seed, at])
    delay = WIRE_MS + rng.gamma(1.0, 2.0, packets)
    drained(rng, packets, delay, at, height)
    return delay


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--packets", type=int, default=6_000)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    print(f"{'trace':18} {'lost %':>7} {'min':>7} {'p50':>7} {'p95':>7} {'max':>7}")
    for name, delay in build(args.seed, args.packets).items():
        np.savetxt(args.out / f"{name}.txt", delay, fmt="%.3f")
        low, mid, high, top = np.nanpercentile(delay, [0, 50, 95, 100])
        print(f"{name:18} {np.isnan(delay).mean() * 100:7.2f} {low:7.1f} {mid:7.1f} {high:7.1f} {top:7.1f}")


if __name__ == "__main__":
    main()
