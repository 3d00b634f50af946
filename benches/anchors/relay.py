#!/usr/bin/env python3
"""Media passed on by one server process, ours beside coturn and a bare forwarder: they take turns under the same load.

Each round starts each server anew, begins the calls, lets them talk, and divides the packets that came through by the
processor time that the server's process used, system calls included. The median of the rounds counts, and ratios are
between medians of this run. Ends with 1 when a bound was missed.
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


# Name, how the server is started, how the load comes.
PARTIES = [("coturn", coturn, "turn"), ("rove turn", ours, "turn"), ("rove calls", ours, "calls"), ("bare", bare, "bare")]


def measure(args, start, kind, calls, seconds):
    with tempfile.TemporaryDirectory() as folder:
        server = start(args, folder, free_port())
        try:
            command = [args.load, kind, f"127.0.0.1:{server.port}", str(server.process.pid), str(calls), str(seconds), SECRET]
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode:
                raise SystemExit(f"{' '.join(command)}: {done.stderr}")
            return json.loads(done.stdout)
        finally:
            server.stop()


def held_on_one_port(args):
    """Begins many calls on one port of ours: how many stand then, and KiB of memory for each."""
    with tempfile.TemporaryDirectory() as folder:
        server = ours(args, folder, free_port())
        try:
            command = [args.load, "calls", f"127.0.0.1:{server.port}", str(server.process.pid), str(args.port), "0", SECRET]
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode:
                raise SystemExit(f"{' '.join(command)}: {done.stderr}")
            held = json.loads(done.stdout)
            control = os.path.join(folder, "control")
            said = subprocess.run([args.roved, "metrics", "--control", control], capture_output=True, text=True, check=True)
            line = next(line for line in said.stdout.splitlines() if line.startswith("rove_relay_calls "))
            return int(line.split()[1]), (held["kib_with"] - held["kib_before"]) / args.port
        finally:
            server.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--roved", required=True)
    parser.add_argument("--load", required=True)
    parser.add_argument("--calls", type=int, default=600)
    parser.add_argument("--held", type=int, default=10000, help="calls whose memory is measured; 0: none")
    parser.add_argument("--port", type=int, default=100000, help="calls held on one port of ours; 0: none")
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", help="where the report goes")
    args = parser.parse_args()
    args.roved, args.load = os.path.abspath(args.roved), os.path.abspath(args.load)
    rates, lost = {name: [] for name, *_ in PARTIES}, {name: 0.0 for name, *_ in PARTIES}
    for number in range(args.rounds):
        for name, start, kind in PARTIES:
            result = measure(args, start, kind, args.calls, args.seconds)
            rates[name].append(result["per_cpu_s"])
            lost[name] = max(lost[name], 1 - result["heard"] / result["sent"])
            print(f"round {number}: {name:10} {result['per_cpu_s']:>9.0f} packets per CPU-second", flush=True)
    middle = {name: statistics.median(values) for name, values in rates.items()}
    for name, value in middle.items():
        print(f"{name:10} {value:>9.0f} packets per CPU-second, {100 * lost[name]:.2f} % lost at worst")
    report = {"calls": args.calls, "rates": rates, "lost": lost}
    bounds = [
        ("calls per coturn", middle["rove calls"] / middle["coturn"], 1.5, False),
        ("TURN per coturn", middle["rove turn"] / middle["coturn"], 1.5, False),
        ("calls per bare forwarder", middle["rove calls"] / middle["bare"], 0.85, False),
    ]
    if args.held:
        for name, start, kind in PARTIES[:3]:
            held = measure(args, start, kind, args.held, 0)
            kib = (held["kib_with"] - held["kib_before"]) / args.held
            report[f"KiB a call: {name}"] = kib
            print(f"{name:10} {kib:.2f} KiB a call, of {args.held}")
        bounds.append(("KiB a call", report["KiB a call: rove calls"], 8 * 1000 / 1024, True))
    if args.port:
        count, kib = held_on_one_port(args)
        report["held on one port"], report["KiB a call: one port"] = count, kib
        bounds.append(("calls held on one port", count, args.port, False))
        bounds.append(("KiB a call, all on one port", kib, 8 * 1000 / 1024, True))
    missed = 0
    for name, value, bound, most in bounds:
        fine = value <= bound if most else value >= bound
        missed += not fine
        print(f"{name}: {value:.2f}, {'at most' if most else 'at least'} {bound:.2f}: {'good' if fine else 'MISSED'}")
    if args.json:
        with open(args.json, "w") as file:
            json.dump(report, file, indent=1)
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
