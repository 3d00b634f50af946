"""Our home and visited network for roam.py: two processes, mutual TLS between them, built-in pool and zones."""

import json
import os
import subprocess
import time

from roam_tools import Program, free_port


def shell(folder, *command):
    subprocess.run(command, cwd=folder, check=True, capture_output=True)


def certificates(folder):
    """An authority, and a certificate of it for each network."""
    new = ["openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    shell(folder, *new, "-x509", "-days", "30", "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=authority")
    for name in ("home", "visited"):
        shell(folder, *new, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}.example")
        with open(os.path.join(folder, f"{name}.ext"), "w") as file:
            file.write(f"subjectAltName=DNS:{name}.example\nbasicConstraints=CA:FALSE\n")
        shell(
            folder, "openssl", "x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
            "-CAcreateserial", "-days", "30", "-extfile", f"{name}.ext", "-out", f"{name}.pem",
        )  # fmt: skip
    for name in os.listdir(folder):
        os.chmod(os.path.join(folder, name), 0o600)


class Ours:
    """Both nodes at work."""

    name = "rove"

    def __init__(self, roved, load, folder, subscribers):
        self.load, self.folder = load, folder
        os.mkdir(folder)
        certificates(folder)
        self.dns = {name: free_port() for name in ("home", "visited")}
        link = {name: free_port() for name in ("home", "visited")}
        self.access = free_port()
        for name, number, other in (("home", 1, "visited"), ("visited", 2, "home")):
            partner = 3 - number
            text = (
                f'[journal]\npath = "{name}.journal"\n[roaming]\nnetwork = "{name}.example"\nplmn = "0010{number}"\n'
                f'title = "4670000000{number}"\nlisten = ["127.0.0.1:{link[name]}"]\ncertificate = "{name}.pem"\n'
                f'key = "{name}.key"\nauthorities = ["ca.pem"]\n'
                f'[dns]\nlisten = ["127.0.0.1:{self.dns[name]}"]\nanswers_per_second = 0\n'
                f'[[partner]]\nname = "{other}.example"\nplmn = "0010{partner}"\ntitle = "4670000000{partner}"\n'
                f'address = "127.0.0.1:{link[other]}"\nprefixes = ["10.20.0.0/16"]\n'
            )
            if name == "home":
                text += '[[dns.zone]]\norigin = "home.example"\nnegative_ttl = 1\n[home]\ncontrol = "home.sock"\n'
            else:
                text += (
                    '[[dns.zone]]\norigin = "20.10.in-addr.arpa"\nnegative_ttl = 1\n'
                    f'[visited]\nlisten = ["127.0.0.1:{self.access}"]\ncontrol = "visited.sock"\n'
                    '[pool]\nranges = ["10.20.0.10-10.20.250.250"]\nserver = "10.20.0.1"\nprefix_len = 16\n'
                )
            path = os.path.join(folder, f"{name}.toml")
            with open(path, "w") as file:
                file.write(text)
            os.chmod(path, 0o600)
        self.nodes = [
            Program([roved, "--config", f"{name}.toml", "--log", "warn"], folder, f"{name}.log")
            for name in ("home", "visited")
        ]
        self.wait(roved)
        self.tool("subscribe", "--control", os.path.join(folder, "home.sock"), "--count", subscribers,
                  "--domain", "home.example")  # fmt: skip
        # The link between the two stands as soon as the first terminal is let in.
        for _ in range(50):
            if self.attach(1, 0)["attached"]:
                break
            time.sleep(0.2)
        else:
            raise SystemExit(f"nobody is let in: see {folder}/visited.log")

    def wait(self, roved):
        for name in ("home", "visited"):
            for _ in range(200):
                if os.path.exists(os.path.join(self.folder, f"{name}.sock")):
                    break
                time.sleep(0.05)

    def tool(self, *options):
        told = subprocess.run([self.load, *map(str, options)], capture_output=True, text=True, check=True)
        return json.loads(told.stdout)

    def attach(self, count, rate, first=1):
        return self.tool(
            "attach", "--access", f"127.0.0.1:{self.access}", "--authority", os.path.join(self.folder, "ca.pem"),
            "--home", f"127.0.0.1:{self.dns['home']}", "--visited", f"127.0.0.1:{self.dns['visited']}",
            "--domain", "home.example", "--count", count, "--rate", rate, "--first", first,
            "--pids", ",".join(str(node.pid) for node in self.nodes),
        )  # fmt: skip

    def shake(self, count):
        """How many handshakes a second both ends do together, nothing else."""
        return self.tool(
            "shake", "--access", f"127.0.0.1:{self.access}", "--authority", os.path.join(self.folder, "ca.pem"),
            "--count", count, "--pids", self.nodes[1].pid,
        )  # fmt: skip

    def latencies(self, count, turn):
        told = self.attach(count, 0, first=2 + turn * count)
        return {"a": told["a_ms"], "ptr": told["ptr_ms"], "both": told["both_ms"], "gone": told["gone_ms"]}

    def burst(self, rate, seconds):
        told = self.attach(rate * seconds, rate)
        return {**told, "share": told["resolvable"] / told["registrations"]}

    def stop(self):
        for node in self.nodes:
            node.stop()
