"""What dns.py and both sides of roam.py need: programs, ports, names and quantiles."""

import os
import socket
import struct
import subprocess


def free_port():
    while True:
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.bind(("127.0.0.1", 0))
        port = udp.getsockname()[1]
        tcp = socket.socket()
        try:
            tcp.bind(("127.0.0.1", port))
            return port
        except OSError:
            pass
        finally:
            tcp.close()
            udp.close()


class Program:
    """A process with its log in a folder."""

    def __init__(self, command, folder, log, env=None):
        self.log = open(os.path.join(folder, log), "w")
        self.process = subprocess.Popen(
            command, stdout=self.log, stderr=self.log, cwd=folder, env={**os.environ, **(env or {})}
        )
        self.pid = self.process.pid

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()


def question(number, name, kind):
    """A question for the records of a name."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return struct.pack(">6H", number, 0, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">2H", kind, 1)


def answers(message):
    """The contents of the answers, as far as names in them need not be read."""
    count, at = struct.unpack(">H", message[6:8])[0], 12
    while message[at]:
        at += message[at] + 1
    at += 5
    found = []
    for _ in range(count):
        # The owner is a pointer to the question's name.
        at += 2
        length = struct.unpack(">H", message[at + 8 : at + 10])[0]
        found.append(message[at + 10 : at + 10 + length])
        at += 10 + length
    return found


def quantiles(times):
    """Median, 99th percentile and longest in milliseconds of seconds; None where nothing was measured."""
    if not times:
        return {"p50": None, "p99": None, "max": None}
    ordered = sorted(times)

    def at(share):
        return round(ordered[int((len(ordered) - 1) * share)] * 1000, 3)

    return {"p50": at(0.5), "p99": at(0.99), "max": at(1.0)}
