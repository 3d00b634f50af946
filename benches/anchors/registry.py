#!/usr/bin/env python3
"""What a registry costs in processor time, ours beside Kamailio and Redis in the same run. See --help.

By SIP both servers get the same load in turns, and what counts is the ratio of the medians of the rounds. Our own protocol is
asked over one encrypted link that stays open, Redis with as many questions under way over one that is not encrypted. Then two
of our servers: how long a question takes that one passes on to the other, and how soon a thousand terminals of one see what
a user of the other does. Ends with 1 when a bound is missed, with 3 when something is missing."""

import argparse
import csv
import json
import os
import pathlib
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import sip

ROOT = sip.ROOT
DOMAINS = ("a.example", "b.example")
# What is done by SIP, the servers that do it, SIPp's scenario, how many times as much as Kamailio ours does with the same time.
BY_SIP = (
    ("SIP look-up, 302", ("roved-redirect", "kamailio-redirect"), "lookup", 1.5),
    ("SIP refresh", ("roved", "kamailio"), "refresh", 1.5),
    ("SIP new", ("roved", "kamailio"), "register", 2.0),
)
NATIVE = 350_000
TWO_SERVERS_MS = 2.0
SEEN_MS = 1_000.0
# The same calls again, so that a registration of the same user is a refresh.
SAME_CALLS = ("-cid_str", "kept-%u@%s")


def by_sip(bench, args, report):
    for what, names, scenario, _ in BY_SIP:
        servers = {name: bench.server(name) for name in names}
        rounds = {name: [] for name in servers}
        try:
            for process, port in servers.values():
                if scenario != "register":
                    bench.load("refresh", port, 0, args.count, args.rate, SAME_CALLS)
            for number in range(1, args.rounds + 1):
                for name, (process, port) in servers.items():
                    before = sip.spent(process.pid)
                    more = SAME_CALLS if scenario == "refresh" else ()
                    times, repeated = bench.load(scenario, port, number, args.count, args.rate, more)
                    us, user, system = ((b - a) / args.count for a, b in zip(before, sip.spent(process.pid)))
                    late = sip.percentile(times, 0.99)
                    rounds[name].append({"us": us, "user": user, "system": system, "repeated": repeated, "p99_ms": late})
            report["lines"][what] = {name: sip.summary(each) for name, each in rounds.items()}
        except RuntimeError as error:
            report["failed"][what] = str(error)
        finally:
            bench.stop()


class Native:
    """Two of our servers with a load for them."""

    def __init__(self, bench, args):
        self.bench, self.args = bench, args
        self.command("certificates", "--dir", bench.folder, "--names", ",".join(DOMAINS))
        ports = dict(zip(DOMAINS, (bench.next_port(), bench.next_port())))
        self.at = {domain: f"127.0.0.1:{port}" for domain, port in ports.items()}
        self.pids = {domain: self.start(domain).pid for domain in DOMAINS}
        for domain in DOMAINS:
            self.load("fill", domain, "--users", args.users)

    def start(self, domain):
        other = next(one for one in DOMAINS if one != domain)
        config = self.bench.folder / f"{domain}.toml"
        config.write_text(
            f'[journal]\npath = "{domain}.journal"\n'
            f'[irmv]\nlisten = ["{self.at[domain]}"]\ndomain = "{domain}"\ncertificate = "{domain}.pem"\nkey = "{domain}.key"\n'
            f'authorities = "ca.pem"\nsigning_key = "{domain}.signing"\nopen = true\nshown_to = "anybody"\n'
            f'questions_per_second = 4000000000\n[[irmv.peer]]\ndomain = "{other}"\naddresses = ["{self.at[other]}"]\n'
        )
        for secret in self.bench.folder.glob("*.key"):
            secret.chmod(0o600)
        with open(self.bench.folder / f"{domain}.log", "wb") as log:
            process = self.bench.run([str(self.args.roved), "--config", str(config), "--log", "warn"], log)
        time.sleep(1)
        if process.poll() is not None:
            sys.exit(f"roved did not start: {(self.bench.folder / f'{domain}.log').read_text()[-2000:]}")
        return process

    def command(self, *words):
        done = subprocess.run([self.args.load, *map(str, words)], capture_output=True, text=True, timeout=300)
        if done.returncode:
            raise RuntimeError(f"registry_load {words[0]}: {done.stderr.strip()}")
        return json.loads(done.stdout)

    def load(self, what, domain, *more):
        common = ("--server", self.at[domain], "--authority", self.bench.folder / "ca.pem", "--domain", domain)
        return self.command(what, *common, *more)

    def asked(self):
        """Questions that the first server answers in a second of its processor time."""
        domain = DOMAINS[0]
        before, _, _ = sip.spent(self.pids[domain])
        told = self.load("ask", domain, "--users", self.args.users, "--seconds", self.args.seconds, "--window", WINDOW)
        used, _, _ = sip.spent(self.pids[domain])
        if told["empty"]:
            raise RuntimeError(f"{told['empty']} answers say nothing")
        return told["answered"] / ((used - before) / 1e6)

    def two(self):
        domain, other = DOMAINS
        return self.load("two", domain, "--of", other, "--users", self.args.users, "--count", self.args.questions)

    def watched(self):
        domain, other = DOMAINS
        more = ("--home", self.at[other], "--of", other, "--watchers", self.args.watchers, "--changes", self.args.changes)
        return self.load("watch", domain, *more)


class Redis:
    """A server of its own, which keeps nothing on disk."""

    def __init__(self, bench, args):
        self.args, self.port = args, bench.next_port()
        command = [args.redis, "--bind", "127.0.0.1", "--port", self.port, "--save", "", "--appendonly", "no"]
        with open(bench.folder / "redis.log", "wb") as log:
            self.process = bench.run([str(word) for word in command], log)
        time.sleep(1)
        if self.process.poll() is not None:
            sys.exit(f"redis-server did not start: {(bench.folder / 'redis.log').read_text()[-2000:]}")

    def rate(self, test):
        """How often it does that in a second of its processor time, on one connection with as much under way."""
        count = self.args.redis_count
        before, _, _ = sip.spent(self.process.pid)
        command = [self.args.redis_load, "-h", "127.0.0.1", "-p", self.port, "-t", test, "-n", count, "-c", 1, "-P", WINDOW]
        # As long as a record of ours is.
        command += ["-r", self.args.users, "-d", 230, "--csv"]
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=300)
        used, _, _ = sip.spent(self.process.pid)
        rows = list(csv.reader(done.stdout.splitlines()))
        if done.returncode or not any(row and row[0].lower() == test for row in rows):
            raise RuntimeError(f"redis-benchmark {test}: {done.stdout} {done.stderr}")
        return count / ((used - before) / 1e6)


def natively(bench, args, report):
    try:
        native, redis = Native(bench, args), Redis(bench, args)
        rates = {"rove native": [], "redis set": [], "redis get": []}
        for _ in range(args.rounds):
            rates["rove native"].append(native.asked())
            rates["redis set"].append(redis.rate("set"))
            rates["redis get"].append(redis.rate("get"))
        report["per_cpu_s"] = {name: {"median": statistics.median(each), "rounds": each} for name, each in rates.items()}
        report["two"] = native.two()
        report["watched"] = native.watched()
    except RuntimeError as error:
        report["failed"]["native"] = str(error)
    finally:
        bench.stop()


def verdicts(report):
    """What is to hold, and whether it does: rows of text, value, bound, held."""
    rows = []
    for what, (ours, other), _, bound in BY_SIP:
        if found := report["lines"].get(what):
            ratio = found[other]["us"] / found[ours]["us"]
            rows.append((f"{what}, times Kamailio", ratio, f"at least {bound}", ratio >= bound))
    if rates := report.get("per_cpu_s"):
        rate = rates["rove native"]["median"]
        rows.append(("native look-ups per CPU-second", rate, f"at least {NATIVE}", rate >= NATIVE))
    if two := report.get("two"):
        # Both servers are on this machine: what the way takes is in it.
        late = two["far_ms"]["p99"]
        rows.append(("look-up by two servers, p99, ms", late, f"at most {TWO_SERVERS_MS}", not two["empty"] and late <= TWO_SERVERS_MS))
    if watched := report.get("watched"):
        late = watched["ms"]["max"]
        fine = late is not None and not watched["missing"] and late <= SEEN_MS
        rows.append((f"status seen by the last of {watched['seen']}, ms", late, f"at most {SEEN_MS}", fine))
    return rows


def show(report):
    sip.show(report)
    for name, found in report.get("per_cpu_s", {}).items():
        print(f"{name:26} {found['median']:>12.0f} per CPU-second, {min(found['rounds']):.0f} to {max(found['rounds']):.0f}")
    if two := report.get("two"):
        print(f"one server: {two['near_ms']} ms; two: {two['far_ms']} ms")
    if watched := report.get("watched"):
        print(f"a change is seen after {watched['ms']} ms, {watched['missing']} have missed one")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--roved", type=pathlib.Path, default=ROOT / "target/dist/roved")
    parser.add_argument("--load", type=pathlib.Path, default=ROOT / "target/dist/examples/registry_load")
    parser.add_argument("--count", type=int, default=10_000, help="units by SIP in a round")
    parser.add_argument("--rate", type=int, default=2_000, help="units by SIP a second")
    parser.add_argument("--users", type=int, default=10_000, help="who is registered natively")
    parser.add_argument("--seconds", type=int, default=5, help="a round of native questions")
    parser.add_argument("--redis-count", type=int, default=2_000_000)
    parser.add_argument("--questions", type=int, default=5_000, help="that go to two servers")
    parser.add_argument("--watchers", type=int, default=1_000)
    parser.add_argument("--changes", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="", choices=("", "sip", "native"))
    parser.add_argument("--short", action="store_true", help="a tenth of all of it, to see that it runs")
    parser.add_argument("--json", type=pathlib.Path)
    args = parser.parse_args()
    if args.short:
        args.count, args.users, args.questions, args.rounds = 1_000, 2_000, 500, 1
        args.seconds, args.redis_count, args.watchers, args.changes = 1, 200_000, 100, 2
    path = f"{os.environ.get('PATH', '')}:/usr/sbin"
    found = {name: shutil.which(name, path=path) for name in ("sipp", "kamailio", "redis-server", "redis-benchmark")}
    args.sipp, args.kamailio = found["sipp"], found["kamailio"]
    args.redis, args.redis_load = found["redis-server"], found["redis-benchmark"]
    args.roved, args.load = args.roved.resolve(), args.load.resolve()
    if not (all(found.values()) and args.roved.exists() and args.load.exists()):
        print("missing: apt-get install kamailio sip-tester redis-server redis-tools; "
              "cargo build --profile dist -p roved && cargo build --profile dist -p rove-node --example registry_load", file=sys.stderr)
        sys.exit(3)
    return args


def main():
    args = arguments()
    # Each watcher has a socket of its own.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    report = {"count": args.count, "rounds": args.rounds, "lines": {}, "failed": {}}
    with tempfile.TemporaryDirectory() as folder:
        bench = sip.Bench(args, folder)
        try:
            if args.only != "native":
                by_sip(bench, args, report)
            if args.only != "sip":
                natively(bench, args, report)
        finally:
            bench.stop()
    show(report)
    sip.conclude(report, verdicts(report), args.json)


# Questions under way.
WINDOW = 1_024

if __name__ == "__main__":
    main()
