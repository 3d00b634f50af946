#!/usr/bin/env python3
"""What generating load costs in processor time, ours beside SIPp in the same run. See --help.

In each round ours and SIPp make the same calls to the same kind of answerer, one after the other; what each has used in user and
system mode is what the system says of the process when it has ended. The median of the rounds counts. SIPp sends a recording and
looks at nothing that comes back; ours sends, receives, buffers, decodes and judges, at both ends. Ends with 1 when a bound is
missed, with 3 when something is missing."""

import argparse
import json
import os
import pathlib
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

RECORDING = pathlib.Path("/usr/share/sip-tester/g711a.pcap")
# What a second of a call with media may take at one end, in µs, and how late calls may begin, in ms, once in a hundred times.
MOST_US, MOST_LATE_MS = 100.0, 1.0
# Calls with media that SIPp makes at once, at most.
SIPP_CALLS = 500
# How long the server stands still, in s.
STALL = 1.0


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
        wire.bind(("127.0.0.1", 0))
        return wire.getsockname()[1]


def start(command, **more):
    return subprocess.Popen([str(word) for word in command], **{"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, **more})


def spent(process, patience):
    """Waits for the end of a process: its exit code, and its user and system time in µs."""
    deadline = time.monotonic() + patience
    while True:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            process.returncode = os.waitstatus_to_exitcode(status)
            return process.returncode, (usage.ru_utime + usage.ru_stime) * 1e6
        if time.monotonic() > deadline:
            process.kill()
            raise RuntimeError(f"{process.args[0]} did not end")
        time.sleep(0.05)


class Bench:
    def __init__(self, args, folder):
        self.args, self.folder = args, pathlib.Path(folder)

    def uas(self, port, *more):
        server = start(["sipp", "-sn", "uas", "-i", "127.0.0.1", "-p", port, "-nostdin", *more], cwd=self.folder)
        time.sleep(0.5)
        return server

    def ours(self, target, *more):
        """One run of ours: its summary, and its time in µs."""
        told = self.folder / "ours.json"
        told.unlink(missing_ok=True)
        command = [self.args.rove_load, "call", f"sip:service@{target}", "--listen", "127.0.0.1:0", "--quiet", "--json", told]
        code, us = spent(start([*command, *more]), 300)
        summary = json.loads(told.read_text())
        if code not in (0, 1) or summary["metrics"]["failed"]["count"]:
            raise RuntimeError(f"ours ended with {code}: {summary['causes']}")
        return summary, us

    def sipp(self, target, calls, *more):
        command = ["sipp", target, "-i", "127.0.0.1", "-p", free_port(), "-m", calls, "-nostdin", "-l", calls, *more]
        code, us = spent(start(command, cwd=self.folder), 300)
        if code:
            raise RuntimeError(f"SIPp ended with {code}")
        return us

    def signalling(self):
        """µs a call without media: ours, SIPp's, and how late ours began at 99 of 100, in ms."""
        calls, rate = self.args.calls, self.args.rate
        port = free_port()
        server = self.uas(port)
        try:
            target = f"127.0.0.1:{port}"
            summary, us = self.ours(target, "--no-media", "--calls", calls, "--rate", rate, "--for", "1h", "--hold", "100ms")
            theirs = self.sipp(target, calls, "-sn", "uac", "-r", rate, "-d", 100)
        finally:
            server.kill()
            server.wait()
        return us / calls, theirs / calls, summary["metrics"]["arrival_error_ms"]["p99"]

    def media(self):
        """µs a call and second with media: ours at both ends, and SIPp's that sends."""
        calls, hold = self.args.media_calls, self.args.hold
        rate = max(1, calls // 10)
        there = self.folder / "there.json"
        answer = [self.args.rove_load, "answer", "--codec", "pcma", "--listen", "127.0.0.1:0", "--until-stdin-closes", "--quiet"]
        server = start([*answer, "--json", there], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        address = json.loads(server.stdout.readline())["sip"][0]
        more = ("--codec", "pcma", "--calls", calls, "--rate", rate, "--for", "1h", "--hold", f"{hold}s", "--force")
        here, us = self.ours(address, *more)
        server.stdin.close()
        spent_there = spent(server, 30)[1]
        seconds = here["call_seconds"]
        scenario = self.folder / "media.xml"
        text = subprocess.run(["sipp", "-sd", "uac_pcap"], capture_output=True, text=True).stdout
        head, _, rest = text.partition('<pause milliseconds="8000"/>')
        # Its built-in scenario sends a key as well; what is measured here is the recording, which lasts 8 s.
        rest = rest[rest.index("<!-- The 'crlf'"):] if "<!-- The 'crlf'" in rest else rest
        scenario.write_text(head.replace("pcap/g711a.pcap", str(RECORDING)) + '<pause milliseconds="8000"/>' + rest)
        port = free_port()
        server = self.uas(port, "-rtp_echo")
        try:
            # It loses calls where it sends for more than this on two processors; what one costs it, it costs.
            theirs_calls = min(calls, SIPP_CALLS)
            theirs = self.sipp(f"127.0.0.1:{port}", theirs_calls, "-sf", scenario, "-r", max(1, theirs_calls // 10))
        finally:
            server.kill()
            server.wait()
        return us / seconds, spent_there / seconds, theirs / (theirs_calls * 8.0), here["metrics"]["mos"]

    def stalled(self):
        """How long calls took at 99 of 100, in ms, where the server stood still in between."""
        port = free_port()
        server = self.uas(port)
        told = self.folder / "stalled.json"
        command = [self.args.rove_load, "call", f"sip:service@127.0.0.1:{port}", "--listen", "127.0.0.1:0", "--quiet", "--json", told]
        try:
            load = start([*command, "--no-media", "--rate", 100, "--for", "5s", "--hold", "100ms"])
            time.sleep(2.0)
            server.send_signal(signal.SIGSTOP)
            time.sleep(STALL)
            server.send_signal(signal.SIGCONT)
            spent(load, 60)
        finally:
            server.kill()
            server.wait()
        return json.loads(told.read_text())["metrics"]["setup_ms"]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rove-load", required=True, help="our program")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--calls", type=int, default=2_000, help="calls without media in a round")
    parser.add_argument("--rate", type=int, default=200, help="calls a second without media")
    parser.add_argument("--media-calls", type=int, default=2_000, help="calls with media at once")
    parser.add_argument("--hold", type=int, default=20, help="how long those stand, in s")
    parser.add_argument("--only", choices=("signalling", "media", "stall"))
    args = parser.parse_args()
    if not RECORDING.exists():
        print("missing: apt-get install -y sip-tester", file=sys.stderr)
        sys.exit(3)
    with tempfile.TemporaryDirectory() as folder:
        missed = report(Bench(args, folder), args)
    sys.exit(1 if missed else 0)


def report(bench, args):
    """Measures and prints. Answers which bounds were missed."""
    checks = []
    if args.only in (None, "signalling"):
        ours, theirs, late = (statistics.median(each) for each in zip(*(bench.signalling() for _ in range(args.rounds))))
        print(f"a call without media: ours {ours:.0f} us, SIPp {theirs:.0f} us; ours began at most {late:.3f} ms late (99 of 100)")
        checks += [("no dearer than SIPp a call", ours <= theirs), ("calls begin in time", late <= MOST_LATE_MS)]
    if args.only in (None, "media"):
        rounds = [bench.media() for _ in range(args.rounds)]
        ours, there, theirs = (statistics.median(one[place] for one in rounds) for place in range(3))
        mos = statistics.median(one[3]["p50"] for one in rounds)
        print(f"a second of one of {args.media_calls} calls: ours calling {ours:.0f} us, answering {there:.0f} us, SIPp sending only {theirs:.0f} us; MOS {mos}")
        checks += [(f"at most {MOST_US:.0f} us a call and second", max(ours, there) <= MOST_US)]
    if args.only in (None, "stall"):
        setup = bench.stalled()
        print(f"a server that stood still for {STALL:.0f} s: set-up p50 {setup['p50']} ms, p95 {setup['p95']} ms, p99 {setup['p99']} ms")
        checks += [("the stall shows in the percentiles", setup["p99"] >= STALL * 900 and setup["p50"] < 100)]
    for what, holds in checks:
        print(f"{'holds' if holds else 'MISSED'}: {what}")
    return [what for what, holds in checks if not holds]


if __name__ == "__main__":
    main()
