#!/usr/bin/env python3
"""What signalling costs in processor time, ours beside Kamailio and SIPp in the same run. See --help.

Each line has its own processes. In each round every server of the line gets the same load once, one after the other; what
a server has used in user and system mode comes from /proc, its children and threads included, and is divided by the count.
The median of the rounds counts. Ends with 1 when a bound is missed, with 3 when something is missing."""

import argparse
import dataclasses
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import sipload

HERE = pathlib.Path(__file__).resolve().parent / "sip"
ROOT = HERE.parents[2]
TICK_US = 1e6 / os.sysconf("SC_CLK_TCK")
MIB = 1 << 20


@dataclasses.dataclass
class Line:
    """One thing to do: what it is called, who does it, what ours may use (µs; `None`: no bound of its own), what loads them, and
    at how many a second at most: Kamailio, SIPp twice and a busy machine do not keep up with more relayed calls."""

    name: str
    servers: tuple
    bound: float | None
    load: str
    most_rate: int = 10_000


LINES = (
    Line("call as UAS", ("callee", "sipp"), 30, "caller"),
    Line("OPTIONS to a user agent", ("callee",), 8, "options"),
    Line("OPTIONS to a server", ("roved", "kamailio"), 8, "options"),
    Line("first REGISTER", ("roved", "kamailio"), 20, "register"),
    Line("REGISTER with SHA-256", ("roved-sha256", "kamailio-sha256"), 40, "SHA-256"),
    Line("REGISTER with MD5", ("roved-md5", "kamailio-md5"), None, "MD5"),
    Line("relayed call", ("roved", "kamailio"), 100, "caller", 500),
)
OURS = ("callee", "roved")


def family(pid):
    """A process and all that it has started."""
    found = [pid]
    for thread in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
        for child in thread.read_text().split():
            found += family(int(child))
    return found


def spent(pid):
    """User and system time of a family so far, in µs.

    The sum is that of the scheduler, exact to the nanosecond, where the kernel shows it; else, and for the shares of the two
    modes, it is what `utime` and `stime` say, which count whole ticks."""
    user = system = exact = 0
    for one in family(pid):
        fields = pathlib.Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        user, system = user + int(fields[11]), system + int(fields[12])
        for thread in pathlib.Path(f"/proc/{one}/task").glob("*/schedstat"):
            exact += int(thread.read_text().split()[0])
    total = exact / 1e3 or (user + system) * TICK_US
    return total, user * TICK_US, system * TICK_US


def peak_bytes(pid):
    """The most memory that a process has held at a time."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM"))


class Bench:
    def __init__(self, args, folder):
        self.args, self.folder = args, pathlib.Path(folder)
        self.processes, self.port = [], 25_060
        for scenario in HERE.glob("*.xml"):
            shutil.copy(scenario, self.folder)

    def run(self, command, out=subprocess.DEVNULL):
        environment = {**os.environ, "TERM": "xterm"}
        process = subprocess.Popen(command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=environment)
        self.processes.append(process)
        return process

    def stop(self):
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.processes = []

    def next_port(self):
        self.port += 2
        return self.port

    def server(self, name):
        """Starts a server and answers it with its port."""
        port = self.next_port()
        kind, _, special = name.partition("-")
        algorithm = {"sha256": "SHA-256", "md5": "MD5"}.get(special)
        redirects = special == "redirect"
        if kind == "callee":
            command = [self.args.callee, f"127.0.0.1:{port}"]
        elif kind == "sipp":
            command = [self.args.sipp, "-sf", "callee.xml", "-p", str(port), *SIPP]
        elif kind == "roved":
            config = self.folder / f"roved-{port}.toml"
            config.write_text(roved_config(port, algorithm, "redirect" if redirects else "proxy"))
            command = [self.args.roved, "--config", config]
        else:
            config = self.folder / f"kamailio-{port}.cfg"
            text = (HERE / "kamailio.cfg").read_text()
            config.write_text(text.replace("@PORT@", str(port)).replace("@ALGORITHM@", algorithm or "MD5"))
            defined = ["-A", "PASSWORDS"] if algorithm else ["-A", "REDIRECT"] if redirects else []
            command = [self.args.kamailio, "-DD", "-m", "512", *defined, "-f", config]
        with open(self.folder / f"{name}.log", "wb") as log:
            process = self.run([str(part) for part in command], log)
        time.sleep(1)
        if process.poll() is not None:
            sys.exit(f"{name} did not start: {(self.folder / f'{name}.log').read_text()[-2000:]}")
        return process, port

    def load(self, scenario, port, number, count, rate=None, more=()):
        """Loads a server, and answers how long each set-up took in ms, and how often the load had to repeat itself. `more` is
        for SIPp."""
        if scenario in ("SHA-256", "MD5"):
            return [], sipload.register(port, count, rate or self.args.rate, scenario, f"{number}")
        text = (HERE / f"{scenario}.xml").read_text().replace("[round]", str(number))
        (self.folder / "load.xml").write_text(text)
        for old in (*self.folder.glob("load_*_rtt.csv"), *self.folder.glob("load.csv")):
            old.unlink()
        command = [self.args.sipp, "-sf", "load.xml", "-m", str(count), "-r", str(rate or self.args.rate), *SIPP, *more]
        command += ["-l", "30000", "-timeout", "100s", "-trace_stat", "-stf", "load.csv", "-fd", "1"]
        command += ["-trace_rtt", "-rtt_freq", "1", f"127.0.0.1:{port}"]
        with open(self.folder / "load.log", "wb") as log:
            code = self.run(command, log).wait()
        times = [float(row.split(";")[1]) for path in self.folder.glob("load_*_rtt.csv") for row in path.read_text().splitlines()[1:]]
        rows = (self.folder / "load.csv").read_text().splitlines()
        last = dict(zip(rows[0].split(";"), rows[-1].split(";")))
        if code != 0:
            raise RuntimeError(f"{last.get('FailedCall(C)')} of {count} failed")
        return times, int(last.get("Retransmissions(C)", 0))

    def line(self, line):
        """Measures one line: what each server uses, by its name."""
        servers = {name: self.server(name) for name in line.servers}
        if line.name == "relayed call":
            callee = self.next_port()
            self.run([self.args.sipp, "-sf", "callee.xml", "-p", str(callee), *SIPP])
            (self.folder / "bob.xml").write_text((HERE / "bob.xml").read_text().replace("[callee]", str(callee)))
            for _, port in servers.values():
                command = [self.args.sipp, "-sf", "bob.xml", "-m", "1", "-timeout", "10s", *SIPP, f"127.0.0.1:{port}"]
                if self.run(command).wait() != 0:
                    raise RuntimeError("the callee could not register")
        rounds = {name: [] for name in servers}
        for number in range(self.args.rounds):
            for name, (process, port) in servers.items():
                before = spent(process.pid)
                try:
                    times, repeated = self.load(line.load, port, number, self.args.count, min(self.args.rate, line.most_rate))
                except RuntimeError as error:
                    raise RuntimeError(f"{name}: {error}") from None
                us, user, system = ((b - a) / self.args.count for a, b in zip(before, spent(process.pid)))
                rounds[name].append({"us": us, "user": user, "system": system, "repeated": repeated, "p99_ms": percentile(times, 0.99)})
        self.stop()
        return {name: summary(each) for name, each in rounds.items()}

    def held(self):
        """Memory with many calls held at a time."""
        process, port = self.server("callee")
        before = peak_bytes(process.pid)
        self.load("holder", port, 0, HELD, 1_000)
        peak = peak_bytes(process.pid)
        self.stop()
        return {"calls": HELD, "idle_mib": before / MIB, "peak_mib": peak / MIB}


def roved_config(port, algorithm, mode="proxy"):
    if algorithm:
        access = f'algorithms = ["{algorithm}"]\nuser = [{{ name = "bob", password = "builder" }}]'
    else:
        access = "auth = false"
    return f"""[sip]
domains = ["127.0.0.1"]
mode = "{mode}"
{access}
[sip.listen]
udp = ["127.0.0.1:{port}"]
[sip.limits]
requests_per_second = 0
transactions = 1000000
relays = 100000
bindings = 1000000
"""


def percentile(values, share):
    return sorted(values)[min(int(len(values) * share), len(values) - 1)] if values else None


def summary(rounds):
    """The medians of the rounds, and the rounds themselves."""
    late = [one["p99_ms"] for one in rounds if one["p99_ms"] is not None]
    return {
        "us": statistics.median(one["us"] for one in rounds),
        "user_us": statistics.median(one["user"] for one in rounds),
        "system_us": statistics.median(one["system"] for one in rounds),
        "p99_ms": statistics.median(late) if late else None,
        "repeated": sum(one["repeated"] for one in rounds),
        "rounds": rounds,
    }


def verdicts(report):
    """What is to hold, and whether it does: rows of text, value, bound, held."""
    rows = []
    for line in LINES:
        for name, found in report["lines"].get(line.name, {}).items():
            if line.bound is not None and name.partition("-")[0] in OURS:
                rows.append((f"{line.name}, {name}, µs", found["us"], line.bound, found["us"] <= line.bound))
            if line.name == "call as UAS" and name == "callee" and found["p99_ms"] is not None:
                rows.append(("set-up of a call, p99, ms", found["p99_ms"], SET_UP_MS, found["p99_ms"] <= SET_UP_MS))
    if held := report.get("held"):
        rows.append((f"{held['calls']} calls held, MB", held["peak_mib"] * MIB / 1e6, HELD_MB, held["peak_mib"] * MIB / 1e6 <= HELD_MB))
    return rows


def show(report):
    print(f"{'':26} {'server':16} {'µs':>7} {'user':>7} {'system':>7} {'p99 ms':>7} {'repeated':>9}")
    for name, servers in report["lines"].items():
        for server, found in servers.items():
            late = "" if found["p99_ms"] is None else f"{found['p99_ms']:.1f}"
            numbers = f"{found['us']:7.1f} {found['user_us']:7.1f} {found['system_us']:7.1f} {late:>7} {found['repeated']:9}"
            print(f"{name:26} {server:16} {numbers}")


def conclude(report, rows, path):
    """Says which bounds hold, writes the report where a path is given, and ends with 1 when one was missed or a line failed."""
    for what, value, bound, holds in rows:
        print(f"{'ok    ' if holds else 'MISSED'} {what}: {value:.2f}, {bound}")
    for name, why in report["failed"].items():
        print(f"FAILED {name}: {why}")
    report["verdicts"] = [dict(zip(("what", "value", "bound", "holds"), row)) for row in rows]
    if path:
        path.write_text(json.dumps(report, indent=1))
    sys.exit(0 if rows and all(row[3] for row in rows) and not report["failed"] else 1)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--roved", type=pathlib.Path, default=ROOT / "target/dist/roved")
    parser.add_argument("--callee", type=pathlib.Path, default=ROOT / "target/dist/examples/callee")
    parser.add_argument("--count", type=int, default=10_000, help="units in a round")
    parser.add_argument("--rate", type=int, default=2_000, help="units a second")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="", help="lines whose name has this in it")
    parser.add_argument("--json", type=pathlib.Path)
    args = parser.parse_args()
    path = f"{os.environ.get('PATH', '')}:/usr/sbin"
    args.sipp, args.kamailio = shutil.which("sipp", path=path), shutil.which("kamailio", path=path)
    args.roved, args.callee = args.roved.resolve(), args.callee.resolve()
    if not (args.sipp and args.kamailio and args.roved.exists() and args.callee.exists()):
        print("missing: apt-get install kamailio sip-tester; "
              "cargo build --profile dist -p roved && cargo build --profile dist -p rove-driver --example callee", file=sys.stderr)
        sys.exit(3)
    report = {"count": args.count, "rate": args.rate, "rounds": args.rounds, "lines": {}, "failed": {}}
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(args, folder)
        try:
            for line in (one for one in LINES if args.only in one.name):
                try:
                    report["lines"][line.name] = bench.line(line)
                except RuntimeError as error:
                    report["failed"][line.name] = str(error)
                    bench.stop()
            if args.only in "calls held":
                report["held"] = bench.held()
        finally:
            bench.stop()
    show(report)
    conclude(report, [(what, value, f"at most {bound}", holds) for what, value, bound, holds in verdicts(report)], args.json)


# SIPp with its own buffers loses datagrams long before the servers do.
SIPP = ("-i", "127.0.0.1", "-nostdin", "-buff_size", "2000000")
HELD = 10_000
HELD_MB = 100
SET_UP_MS = 3

if __name__ == "__main__":
    main()
