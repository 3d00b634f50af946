"""The same service off the shelf for roam.py: Kea with its DDNS daemon, and a BIND for each zone."""

import json
import os
import random
import select
import shutil
import socket
import struct
import time

from roam_tools import Program, answers, free_port, question, quantiles

SECRET = "c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0ISE="
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
FORWARD, REVERSE = "home.example", "77.10.in-addr.arpa"
DISCOVER, REQUEST, RELEASE = 1, 3, 7
OFFER, ACK = 2, 5


class Kea:
    """All four programs at work; everything on loopback, clients behind a relay."""

    name = "kea+bind"

    def __init__(self, folder):
        self.folder = folder
        os.mkdir(folder)
        self.ports = {zone: free_port() for zone in (FORWARD, REVERSE)}
        self.programs = [self.bind(zone) for zone in (FORWARD, REVERSE)]
        self.server, self.relay, ddns = free_port(), free_port(), free_port()
        self.programs += [self.ddns(ddns), self.dhcp(ddns)]
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.udp.bind(("127.0.0.1", self.relay))
        self.names = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.names.bind(("127.0.0.1", 0))
        for _ in range(50):
            if self.one(1, 0.5) is not None:
                return
            time.sleep(0.2)
        raise SystemExit(f"Kea gives no address: see {folder}")

    def bind(self, zone):
        folder = os.path.join(self.folder, zone)
        os.mkdir(folder)
        with open(os.path.join(folder, "zone"), "w") as file:
            file.write(f"$ORIGIN {zone}.\n$TTL 5\n@ SOA ns hostmaster 1 3600 600 604800 1\n@ NS ns\nns A 127.0.0.1\n")
        with open(os.path.join(folder, "named.conf"), "w") as file:
            file.write(
                f'options {{ directory "{folder}"; pid-file none; listen-on port {self.ports[zone]} {{ 127.0.0.1; }}; '
                "listen-on-v6 { none; }; recursion no; dnssec-validation no; session-keyfile none; };\ncontrols { };\n"
                f'key "update" {{ algorithm hmac-sha256; secret "{SECRET}"; }};\n'
                f'zone "{zone}" {{ type primary; file "zone"; allow-update {{ key "update"; }}; }};\n'
            )
        return Program([shutil.which("named", path=PATH), "-g", "-c", "named.conf"], folder, "log")

    def start(self, program, name, config, *options):
        path = os.path.join(self.folder, f"{name}.json")
        with open(path, "w") as file:
            json.dump(config, file)
        env = {"KEA_LOCKFILE_DIR": "none", "KEA_PIDFILE_DIR": self.folder}
        command = [shutil.which(program, path=PATH), "-c", path, *options]
        return Program(command, self.folder, f"{name}.log", env)

    def ddns(self, port):
        def domain(zone):
            server = {"ip-address": "127.0.0.1", "port": self.ports[zone]}
            return {"ddns-domains": [{"name": f"{zone}.", "key-name": "update", "dns-servers": [server]}]}

        config = {
            "ip-address": "127.0.0.1", "port": port,
            "tsig-keys": [{"name": "update", "algorithm": "HMAC-SHA256", "secret": SECRET}],
            "forward-ddns": domain(FORWARD), "reverse-ddns": domain(REVERSE),
        }  # fmt: skip
        return self.start("kea-dhcp-ddns", "ddns", {"DhcpDdns": config})

    def dhcp(self, ddns):
        config = {
            "interfaces-config": {"interfaces": ["lo/127.0.0.1"], "dhcp-socket-type": "udp"},
            "lease-database": {"type": "memfile", "persist": True, "name": os.path.join(self.folder, "leases")},
            "dhcp-ddns": {"enable-updates": True, "server-ip": "127.0.0.1", "server-port": ddns},
            "ddns-send-updates": True, "ddns-qualifying-suffix": f"{FORWARD}.", "valid-lifetime": 300,
            "subnet4": [{
                "id": 1, "subnet": "10.77.0.0/16", "relay": {"ip-addresses": ["127.0.0.1"]},
                "pools": [{"pool": "10.77.0.10 - 10.77.250.250"}],
            }],
        }  # fmt: skip
        ports = ["-p", str(self.server), "-P", str(self.relay)]
        return self.start("kea-dhcp4", "dhcp4", {"Dhcp4": config}, *ports)

    def message(self, kind, number, address=0, server=0):
        """A message of the client with this number, as its relay passes it on."""
        hardware = struct.pack(">HI", 0x0200, number)
        claimed = address if kind == RELEASE else 0
        head = struct.pack(">4BIHH4I", 1, 1, 6, 1, number, 0, 0, claimed, 0, 0, 0x7F000001)
        fqdn = bytes([1, 0, 0]) + f"t{number}.{FORWARD}".encode()
        options = bytes([53, 1, kind]) + bytes([61, 7, 1]) + hardware
        if kind != RELEASE:
            options += bytes([81, len(fqdn)]) + fqdn
        if kind == REQUEST:
            options += bytes([50, 4]) + struct.pack(">I", address)
        if kind != DISCOVER:
            options += bytes([54, 4]) + struct.pack(">I", server)
        return head + hardware.ljust(208, b"\0") + b"\x63\x82\x53\x63" + options + b"\xff"

    def tell(self, *message):
        self.udp.sendto(self.message(*message), ("127.0.0.1", self.server))

    def hear(self):
        """Kind, number of the client, its address, the server; None when nothing is there."""
        try:
            message = self.udp.recv(2048, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return None
        number, address = struct.unpack(">I", message[4:8])[0], struct.unpack(">I", message[16:20])[0]
        kind, server, at = None, 0, 240
        while at < len(message) and message[at] != 255:
            if message[at] == 0:
                at += 1
                continue
            value = message[at + 2 : at + 2 + message[at + 1]]
            if message[at] == 53:
                kind = value[0]
            elif message[at] == 54:
                server = struct.unpack(">I", value)[0]
            at += 2 + message[at + 1]
        return kind, number, address, server

    def lookup(self, number, address, patience=0.2):
        """Whether the name leads to the address, and the address back."""
        return (
            self.ask(FORWARD, f"t{number}.{FORWARD}", 1, patience) == [struct.pack(">I", address)],
            bool(self.ask(REVERSE, self.reverse(address), 12, patience)),
        )

    def reverse(self, address):
        return ".".join(str(octet) for octet in reversed(struct.pack(">4B", *struct.pack(">I", address)))) + ".in-addr.arpa"

    def ask(self, zone, name, kind, patience=0.2):
        number = random.randrange(65536)
        self.names.sendto(question(number, name, kind), ("127.0.0.1", self.ports[zone]))
        deadline = time.monotonic() + patience
        while (left := deadline - time.monotonic()) > 0:
            if not select.select([self.names], [], [], left)[0]:
                break
            message = self.names.recv(4096)
            if struct.unpack(">H", message[:2])[0] == number:
                return answers(message)
        return None

    def one(self, number, patience):
        """Address, server and beginning of a registration; None when Kea does not answer in time."""
        start = time.monotonic()
        self.tell(DISCOVER, number)
        while time.monotonic() < start + patience:
            select.select([self.udp], [], [], 0.05)
            heard = self.hear()
            if heard is None or heard[1] != number:
                continue
            kind, _, address, server = heard
            if kind == OFFER:
                self.tell(REQUEST, number, address, server)
            elif kind == ACK:
                return address, server, start
        return None

    def latencies(self, count, turn):
        """One client after the other comes, is looked for until both names are there, and leaves."""
        times = {"a": [], "ptr": [], "both": [], "gone": []}
        for number in range(10 + turn * count, 10 + (turn + 1) * count):
            given = self.one(number, 5)
            if given is None:
                continue
            address, server, start = given
            there = {}
            while len(there) < 2 and time.monotonic() < start + 5:
                if "a" not in there and self.ask(FORWARD, f"t{number}.{FORWARD}", 1) == [struct.pack(">I", address)]:
                    there["a"] = time.monotonic() - start
                if "ptr" not in there and self.ask(REVERSE, self.reverse(address), 12):
                    there["ptr"] = time.monotonic() - start
            for which, took in there.items():
                times[which].append(took)
            if len(there) == 2:
                times["both"].append(max(there.values()))
            start = time.monotonic()
            self.tell(RELEASE, number, address, server)
            while time.monotonic() < start + 5:
                if not self.ask(FORWARD, f"t{number}.{FORWARD}", 1) and not self.ask(REVERSE, self.reverse(address), 12):
                    times["gone"].append(time.monotonic() - start)
                    break
        return {which: quantiles(all_times) for which, all_times in times.items()}

    def burst(self, rate, seconds):
        """So many a second, then half a minute to settle; which names lead to their address, and back."""
        count, first = rate * seconds, 100_000
        leases, begun, start = {}, 0, time.monotonic()
        while begun < count or time.monotonic() < start + seconds + 3:
            due = min(count, int((time.monotonic() - start) * rate) + 1)
            while begun < due:
                self.tell(DISCOVER, first + begun)
                begun += 1
            select.select([self.udp], [], [], 0.0005)
            while (heard := self.hear()) is not None:
                kind, number, address, server = heard
                if kind == OFFER:
                    self.tell(REQUEST, number, address, server)
                elif kind == ACK:
                    leases[number] = address
        time.sleep(30)
        looked = [self.lookup(number, address) for number, address in leases.items()]
        both = sum(all(one) for one in looked)
        return {
            "registrations": count, "leases": len(leases), "resolvable": both, "share": both / count,
            "a": sum(one[0] for one in looked), "ptr": sum(one[1] for one in looked),
        }  # fmt: skip

    def stop(self):
        for program in reversed(self.programs):
            program.stop()
        self.udp.close()
        self.names.close()
