#!/usr/bin/env python3
"""One end of a call by libwebrtc (PyPI `wrtc`): `offer` or `answer`. Descriptions go as one line of JSON each, its own to standard
output and the other's to standard input; it sends a tone until standard input ends, and then says in one line what it counted."""

import asyncio
import json
import math
import struct
import sys
import threading

import webrtc

RATE = 48_000
PIECE = RATE // 100


def lines():
    """Lines of standard input as they come; `None` is its end."""
    loop, queue = asyncio.get_running_loop(), asyncio.Queue()

    def follow():
        for line in sys.stdin:
            loop.call_soon_threadsafe(queue.put_nowait, line)
        loop.call_soon_threadsafe(queue.put_nowait, None)

    threading.Thread(target=follow, daemon=True).start()
    return queue


async def speak(writer):
    loop, tone = asyncio.get_running_loop(), [int(8_000 * math.sin(n * math.tau * 500 / RATE)) for n in range(PIECE)]
    data, began, count = struct.pack(f"<{PIECE}h", *tone), loop.time(), 0
    while True:
        init = webrtc.AudioDataInit("s16", RATE, PIECE, 1, count * 10_000, data)
        await writer.write(webrtc.AudioData(init))
        count += 1
        await asyncio.sleep(max(0.0, began + count / 100 - loop.time()))


async def described(connection):
    """The connection's own description once all its candidates are known."""
    while connection.ice_gathering_state != "complete":
        await asyncio.sleep(0.02)
    own = connection.local_description
    print(json.dumps({"type": str(getattr(own.type, "value", own.type)), "sdp": own.sdp}), flush=True)


async def main(role):
    told = lines()
    connection = webrtc.RTCPeerConnection()
    generator = webrtc.MediaStreamTrackGenerator("audio")
    connection.add_track(generator)

    async def take():
        other = json.loads(await told.get())
        await connection.set_remote_description(webrtc.RTCSessionDescription(webrtc.RTCSessionDescriptionInit(other["type"], other["sdp"])))

    if role == "offer":
        await connection.set_local_description(await connection.create_offer())
        await described(connection)
        await take()
    else:
        await take()
        await connection.set_local_description(await connection.create_answer())
        await described(connection)
    speaking = asyncio.ensure_future(speak(generator.writable.get_writer()))
    while await told.get() is not None:
        pass
    speaking.cancel()
    connection.close()


asyncio.run(main(sys.argv[1]))
