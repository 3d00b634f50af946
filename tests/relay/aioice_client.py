"""Sends 50 messages to a peer that echoes, through a TURN server, and says how many came back."""

import asyncio
import sys

from aioice import turn


class Ears(asyncio.DatagramProtocol):
    def __init__(self):
        self.heard = asyncio.Queue()

    def datagram_received(self, data, addr):
        self.heard.put_nowait((data, addr))


async def main():
    port, transport, user, password, peer = sys.argv[1:]
    there = ("127.0.0.1", int(peer))
    way, ears = await turn.create_turn_endpoint(
        Ears,
        server_addr=("127.0.0.1", int(port)),
        username=user,
        password=password,
        lifetime=600,
        transport=transport,
    )
    back = 0
    for number in range(50):
        said = number.to_bytes(4, "big") * 43
        way.sendto(said, there)
        data, addr = await asyncio.wait_for(ears.heard.get(), 10)
        back += data == said and addr == there
    print(f"{back} of 50 came back")
    way.close()
    await asyncio.sleep(0.2)


asyncio.run(main())
