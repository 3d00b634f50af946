"""What libopus can do by itself against loss, in a plain buffer of fixed delay: the anchors of the speech comparison."""

import functools

import numpy as np

from common import FRAME, PACKET_MS, Decoder, encode, has_fec, kbps

# RFC 2198: four bytes for the copy's header, one for the primary's.
RED_HEADERS = 5
# DRED_DURATION counts frames of 10 ms.
ONE_SECOND = 100


def settings(mode, loss):
    """How the encoder is told of a loss, a share."""
    percent = max(1, round(loss * 100)) if loss else 0
    return {
        "plain": {},
        "lbrr": {"fec": 1, "loss": percent},
        "red": {},
        "dred": {"dred": ONE_SECOND, "loss": percent},
    }[mode]


def total_kbps(mode, payloads):
    if mode == "red":
        return 2 * kbps(payloads) + RED_HEADERS * 8 / PACKET_MS
    return kbps(payloads)


class Speech:
    """One voice, encoded so that all a mode sends makes up a given rate."""

    def __init__(self, pcm):
        self.pcm = pcm
        self.payloads = functools.cache(self.encoded)

    def encoded(self, mode, loss, rate):
        """Payloads of `mode` whose mean rate, redundancy included, is `rate` kb/s, or what the encoder offers next below it."""
        ask = rate * 1_000 if mode != "red" else (rate * 1_000 - RED_HEADERS * 8_000 / PACKET_MS) / 2
        best = None
        for _ in range(8):
            payloads = encode(self.pcm, bitrate=max(6_000, ask), **settings(mode, loss))
            found = total_kbps(mode, payloads)
            # The best that fits; the encoder has its own mind about small differences.
            if found <= rate and (best is None or found > best[0]):
                best = (found, payloads)
            if rate * 0.98 <= found <= rate:
                break
            ask *= rate * 0.993 / found
        if best is None:
            raise RuntimeError(f"{mode}: no bitrate comes to {rate} kb/s")
        return best[1]


def play(mode, payloads, lost, steps):
    """Plays what arrives no later than `steps` packets after its turn. Gives 48 kHz samples."""
    decoder, out = Decoder(), []
    for i, payload in enumerate(payloads):
        later = [j for j in range(i + 1, min(len(payloads), i + steps + 1)) if not lost[j]]
        block = None
        if not lost[i] or (mode == "red" and later[:1] == [i + 1]):
            block = decoder.decode(payload)
        elif mode == "lbrr" and later[:1] == [i + 1] and has_fec(payloads[i + 1]):
            block = decoder.decode(payloads[i + 1], fec=True)
        elif mode == "dred" and later:
            block = decoder.from_dred(payloads[later[0]], later[0] - i)
        out.append(decoder.decode(None) if block is None else block)
    return np.concatenate(out)


def modes(loss):
    """The modes that make a difference at this loss."""
    return ("lbrr", "red", "dred") if loss else ("plain",)


def steps_within(delay_ms):
    """How many packets a buffer of this delay can wait for."""
    return int(delay_ms // PACKET_MS)


assert FRAME == 48 * PACKET_MS
