"""The jitter buffer of speexdsp, driven packet by packet in virtual time."""

import ctypes
import functools

import numpy as np

from common import PACKET_MS, missing


class Packet(ctypes.Structure):
    _fields_ = [
        ("data", ctypes.c_char_p),
        ("len", ctypes.c_uint32),
        ("timestamp", ctypes.c_uint32),
        ("span", ctypes.c_uint32),
        ("sequence", ctypes.c_uint16),
        ("user_data", ctypes.c_uint32),
    ]


OK, MISSING, INSERTION = 0, 1, 2


@functools.cache
def speexdsp():
    try:
        library = ctypes.CDLL("libspeexdsp.so.1")
    except OSError:
        missing("libspeexdsp.so.1", "apt-get install -y libspeexdsp1")
    library.jitter_buffer_init.restype = ctypes.c_void_p
    return library


def play(delay_ms, phase_ms):
    """Mean delay in ms over the trace's least, and the share of the time in % for which it had nothing to play."""
    library = speexdsp()
    buffer = ctypes.c_void_p(library.jitter_buffer_init(PACKET_MS))
    arrivals = sorted(((i + 1) * PACKET_MS + d, i) for i, d in enumerate(delay_ms) if not np.isnan(d))
    least = np.nanmin(delay_ms)
    end = len(delay_ms) * PACKET_MS + least + PACKET_MS
    payload = ctypes.create_string_buffer(b"speech", 64)
    offset = ctypes.c_int32()
    delays, empty, next_arrival, now = [], 0, 0, phase_ms
    while now < end:
        while next_arrival < len(arrivals) and arrivals[next_arrival][0] <= now:
            i = arrivals[next_arrival][1]
            packet = Packet(ctypes.cast(payload, ctypes.c_char_p), 6, i * PACKET_MS, PACKET_MS, i & 0xFFFF, 0)
            library.jitter_buffer_put(buffer, ctypes.byref(packet))
            next_arrival += 1
        if next_arrival > 0:
            packet = Packet(ctypes.cast(payload, ctypes.c_char_p), 64, 0, 0, 0, 0)
            got = library.jitter_buffer_get(buffer, ctypes.byref(packet), PACKET_MS, ctypes.byref(offset))
            if got == OK:
                delays.append(now - packet.timestamp - PACKET_MS - least)
            elif delays and got in (MISSING, INSERTION):
                empty += 1
            library.jitter_buffer_tick(buffer)
        now += PACKET_MS
    library.jitter_buffer_destroy(buffer)
    return float(np.mean(delays)), empty / len(delay_ms) * 100
