"""Answers one call: says one WAV file and records what it hears into another.

    PYTHONPATH=../../bindings/python python3 answer.py said.wav heard.wav

The library (librove_ffi) lies beside rove.py.
It prints one line of JSON with its port, and one with the report when the call is over.
"""

import json
import sys

import rove


def main(said: str, heard: str) -> int:
    config = rove.Config(
        identity="python@127.0.0.1",
        listen=["127.0.0.1:0"],
        sound=rove.Sound.FILES(play=said, record=heard),
    )
    phone = rove.Phone(config)
    print(json.dumps({"port": phone.sip_port()}), flush=True)
    while (event := phone.next_event(60_000)) is not None:
        if isinstance(event, rove.Event.INCOMING):
            phone.answer(event.call)
        elif isinstance(event, rove.Event.TEXT):
            print(f"{event._from}: {event.text}", file=sys.stderr)
        elif isinstance(event, rove.Event.ENDED):
            report = event.report
            print(json.dumps({"reason": event.reason.name, "codec": report.codec, "received": report.received}), flush=True)
            phone.close(5_000)
            return 0
    return 1


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
