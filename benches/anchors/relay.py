#!/usr/bin/env python3
"""Media passed on by one server process, ours beside coturn, rtpengine and a bare forwarder: they take turns under the same load.

Each round starts each server anew, begins the calls, lets them talk, and divides the packets that came through by the
processor time that the server's process used, system calls included. The median of the rounds counts, and ratios are
between medians of this run. Ends with 1 when a bound was missed. Without rtpengine its part is skipped, and said to be.
"""

import argparse
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

import rtpengine

SECRET = "of-load"


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        return udp.getsockname()[1]


class Server:
    """A server process in a folder of its own."""

    def __init__(self, command, folder, port):
        self.port = port
        self.log = open(os.path.join(folder, "log"), "w")
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log, cwd=folder)
        time.sleep(1.0)
        if self.process.poll() is not None:
            raise SystemExit(f"{command[0]} has ended: {open(os.path.join(folder, 'log')).read()}")

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.log.close()


def ours(args, folder, port):
    with open(os.path.join(folder, "roved.toml"), "w") as file:
        file.write(
            f'[relay]\ncontrol = "control"\nlisten = ["127.0.0.1:{port}"]\nrealm = "load"\ncall_secret = "{SECRET}"\n'
            'allow = ["127.0.0.0/8"]\nports = [30000, 65535]\nper_user = 100000\nallocations = 100000\n'
            f'threads = {args.threads}\n'
            f'[[relay.user]]\nname = "load"\npassword = "{SECRET}"\n'
        )
    return Server([args.roved, "--config", "roved.toml", "--log", "warn"], folder, port)


def coturn(args, folder, port):
    program = shutil.which("turnserver", path="/usr/bin:/usr/sbin")
    command = [
        program, "-n", "--listening-port", str(port), "-L", "127.0.0.1", "-E", "127.0.0.1", "--allow-loopback-peers",
        "--no-tls", "--no-dtls", "--no-cli", "-a", "-u", f"load:{SECRET}", "-r", "load", "--min-port", "30000",
        "--max-port", "65535", "--log-file", "stdout", "--pidfile", os.path.join(folder, "pid"),
        "--userdb", os.path.join(folder, "users"),
    ]  # fmt: skip
    return Server(command, folder, port)


def bare(args, folder, port):
    return Server([args.load, "forward", f"127.0.0.1:{port}"], folder, port)


def engine(args, folder, port):
    return Server(rtpengine.command(port), folder, port)


# Name, how the server is started, how the load comes.
PARTIES = [
    ("coturn", coturn, "turn"),
    ("rtpengine", engine, "ways"),
    ("rove turn", ours, "turn"),
    ("rove calls", ours, "calls"),
    ("bare", bare, "bare"),
]
KIB_MOST = 8 * 1000 / 1024


def load(args, *words):
    """What the load generator finds."""
    command = [args.load, *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: {done.stderr}")
    return json.loads(done.stdout)


def along_ways(args, folder, server, calls, seconds):
    """Calls that are set up here: the load generator is told where their ends are and where they send to."""
    pid = server.process.pid
    with rtpengine.Ng(server.port) as ng:
        before = rtpengine.resident(pid)
        ways = rtpengine.begin(ng, calls)
        held = {"calls": calls, "kib_before": before, "kib_with": rtpengine.resident(pid)}
        if not seconds:
            return held
        path = os.path.join(folder, "ways")
        with open(path, "w") as file:
            file.write("".join(f"{line}\n" for line in ways))
        result = load(args, "ways", path, pid, seconds)
        passed = rtpengine.end(ng, calls)
        if passed < result["heard"]:
            raise SystemExit(f"{result['heard']} packets came, but rtpengine has passed on only {passed}: something else did")
        return result | held


def measure(args, start, kind, calls, seconds):
    with tempfile.TemporaryDirectory() as folder:
        server = start(args, folder, free_port())
        try:
            if kind == "ways":
                return along_ways(args, folder, server, calls, seconds)
            return load(args, kind, f"127.0.0.1:{server.port}", server.process.pid, calls, seconds, SECRET)
        finally:
            server.stop()


def talks(args, parties, report):
    """The rounds: the rates go into the report, and what was lost at worst."""
    rates, lost = {name: [] for name, *_ in parties}, {name: 0.0 for name, *_ in parties}
    for number in range(args.rounds):
        for name, start, kind in parties:
            result = measure(args, start, kind, args.calls, args.seconds)
            rates[name].append(result["per_cpu_s"])
            lost[name] = max(lost[name], 1 - result["heard"] / result["sent"])
            print(f"round {number}: {name:10} {result['per_cpu_s']:>9.0f} packets per CPU-second", flush=True)
    report["rates"], report["lost"] = rates, lost
    for name, values in rates.items():
        print(f"{name:10} {statistics.median(values):>9.0f} packets per CPU-second, {100 * lost[name]:.2f} % lost at worst")


def holds(args, parties, report):
    """What a call that is only held costs in memory; the bare forwarder keeps nothing that could be called a call."""
    for name, start, kind in parties:
        if kind == "bare":
            continue
        calls = min(args.held, rtpengine.most_calls()) if kind == "ways" else args.held
        held = measure(args, start, kind, calls, 0)
        kib = (held["kib_with"] - held["kib_before"]) / calls
        report[f"KiB a call: {name}"] = kib
        print(f"{name:10} {kib:.2f} KiB a call, of {calls}")


def held_on_one_port(args):
    """Begins many calls on one port of ours: how many stand then, and KiB of memory for each."""
    with tempfile.TemporaryDirectory() as folder:
        server = ours(args, folder, free_port())
        try:
            held = load(args, "calls", f"127.0.0.1:{server.port}", server.process.pid, args.port, 0, SECRET)
            control = os.path.join(folder, "control")
            said = subprocess.run([args.roved, "metrics", "--control", control], capture_output=True, text=True, check=True)
            line = next(line for line in said.stdout.splitlines() if line.startswith("rove_relay_calls "))
            return int(line.split()[1]), (held["kib_with"] - held["kib_before"]) / args.port
        finally:
            server.stop()


def verdicts(report, port):
    """Rows of name, value, bound, and whether that is the most; no bound where none was asked for. `port`: calls to hold on one."""
    middle = {name: statistics.median(values) for name, values in report["rates"].items()}
    rows = [
        ("calls per coturn", middle["rove calls"] / middle["coturn"], 1.5, False),
        ("TURN per coturn", middle["rove turn"] / middle["coturn"], 1.5, False),
        ("calls per bare forwarder", middle["rove calls"] / middle["bare"], 0.85, False),
    ]
    if "rtpengine" in middle:
        rows.append(("calls per rtpengine", middle["rove calls"] / middle["rtpengine"], None, False))
        rows.append(("TURN per rtpengine", middle["rove turn"] / middle["rtpengine"], None, False))
    if "KiB a call: rove calls" in report:
        rows.append(("KiB a call", report["KiB a call: rove calls"], KIB_MOST, True))
    if "held on one port" in report:
        rows.append(("calls held on one port", report["held on one port"], port, False))
        rows.append(("KiB a call, all on one port", report["KiB a call: one port"], KIB_MOST, True))
    return rows


def missed(row):
    _, value, bound, most = row
    return bound is not None and (value > bound if most else value < bound)


def told(row):
    name, value, bound, most = row
    if bound is None:
        return f"{name}: {value:.2f}, reported only: no bound was set"
    return f"{name}: {value:.2f}, {'at most' if most else 'at least'} {bound:.2f}: {'MISSED' if missed(row) else 'good'}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--roved", required=True)
    parser.add_argument("--load", required=True)
    parser.add_argument("--calls", type=int, default=600)
    parser.add_argument("--held", type=int, default=10000, help="calls whose memory is measured; 0: none")
    parser.add_argument("--port", type=int, default=100000, help="calls held on one port of ours; 0: none")
    parser.add_argument("--threads", type=int, default=1, help="of ours")
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", help="where the report goes")
    args = parser.parse_args()
    args.roved, args.load = os.path.abspath(args.roved), os.path.abspath(args.load)
    report = {"calls": args.calls, "threads": args.threads, "skipped": []}
    parties = PARTIES
    if not rtpengine.program():
        parties = [party for party in PARTIES if party[0] != "rtpengine"]
        report["skipped"].append("rtpengine")
        print(f"skipped: rtpengine (install it with: apt-get install -y {rtpengine.PACKAGE})")
    talks(args, parties, report)
    if args.held:
        holds(args, parties, report)
    if args.port:
        report["held on one port"], report["KiB a call: one port"] = held_on_one_port(args)
    rows = verdicts(report, args.port)
    report["ratios"] = {name: value for name, value, *_ in rows if " per " in name}
    for row in rows:
        print(told(row))
    if args.json:
        with open(args.json, "w") as file:
            json.dump(report, file, indent=1)
    sys.exit(1 if any(map(missed, rows)) else 0)


if __name__ == "__main__":
    main()
