"""rtpengine as one more relay to compare with: how it is started, and calls set up by its control protocol.

That protocol, `ng`, is one datagram each way: a word that the answer repeats, a space, and a bencoded dictionary. `offer` and
`answer` take the description of a call's one end and give the one that the other end is shown, with a port of rtpengine.
"""

import resource
import shutil
import socket

PACKAGE = "rtpengine-daemon"
PORTS = (30_000, 65_535)
# Of each call: RTP and RTCP, towards each end.
PORTS_A_CALL = 4
# What a process opens besides.
OTHER_FILES = 200
# How often a question is asked, and how long an answer is waited for each time.
TIMES = 20
WAIT = 0.5


def program():
    """Where it is, `None` when it is not installed."""
    return shutil.which("rtpengine", path="/usr/bin:/usr/sbin")


def command(port):
    """Starts it in the foreground, forwarding by itself (no kernel module), on loopback; with one thread for media, which costs it
    least for each packet."""
    return [
        program(), "--config-file=none", "--foreground", "--log-stderr", "--log-level=4", "--table=-1",
        "--num-threads=1", "--interface=127.0.0.1", f"--listen-ng=127.0.0.1:{port}",
        f"--port-min={PORTS[0]}", f"--port-max={PORTS[1]}",
    ]  # fmt: skip


def most_calls():
    """As many as it has ports and files for."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return (min(PORTS[1] - PORTS[0], files - OTHER_FILES)) // PORTS_A_CALL


def resident(pid):
    """KiB of memory that a process has."""
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))


def bencode(value):
    if isinstance(value, dict):
        return b"d" + b"".join(bencode(key) + bencode(value[key]) for key in sorted(value)) + b"e"
    if isinstance(value, list):
        return b"l" + b"".join(map(bencode, value)) + b"e"
    if isinstance(value, int):
        return b"i%de" % value
    text = value.encode()
    return b"%d:%s" % (len(text), text)


def bdecode(data):
    """The one value that `data` is. `ValueError` when it is something else."""
    try:
        value, end = _decoded(data, 0)
    except (IndexError, RecursionError, TypeError) as error:
        raise ValueError("it is cut short, too deep, or has a name that is no text") from error
    if end != len(data):
        raise ValueError(f"{len(data) - end} bytes too many")
    return value


def _decoded(data, at):
    """A value and where it ends."""
    kind = data[at : at + 1]
    if kind == b"i":
        end = data.index(b"e", at)
        return int(data[at + 1 : end]), end + 1
    if kind in (b"l", b"d"):
        parts, at = [], at + 1
        while data[at] != ord("e"):
            part, at = _decoded(data, at)
            parts.append(part)
        if kind == b"l":
            return parts, at + 1
        return dict(zip(parts[::2], parts[1::2], strict=True)), at + 1
    colon = data.index(b":", at)
    length = int(data[at:colon])
    if not 0 <= length < len(data) - colon:
        raise IndexError(length)
    return data[colon + 1 : colon + 1 + length].decode(), colon + 1 + length


def describe(address):
    """SDP of an end that speaks G.711 from there."""
    host, port = address
    return f"v=0\r\no=- 1 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\nm=audio {port} RTP/AVP 0\r\n"


def place(sdp):
    """Where the one stream of this SDP is sent to."""
    lines = sdp.split("\r\n")
    hosts = [line.split()[2] for line in lines if line.startswith("c=IN IP4 ")]
    ports = [int(line.split()[1]) for line in lines if line.startswith("m=")]
    if len(hosts) != 1 or len(ports) != 1 or not ports[0]:
        raise SystemExit(f"rtpengine has described something else than one stream: {sdp!r}")
    return hosts[0], ports[0]


class Ng:
    """Asks an rtpengine at this port."""

    def __init__(self, port, wait=WAIT):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.connect(("127.0.0.1", port))
        self.socket.settimeout(wait)
        self.asked = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def ask(self, what, **fields):
        """The answer to a question, which is asked again, under the same word, while there is none."""
        self.asked += 1
        word = b"%d" % self.asked
        question = word + b" " + bencode({"command": what, **{name.replace("_", "-"): fields[name] for name in fields}})
        for _ in range(TIMES):
            try:
                self.socket.send(question)
                answer = self._heard(word)
            except (TimeoutError, ConnectionRefusedError):
                continue
            if answer.get("result") != "ok":
                raise SystemExit(f"rtpengine refuses {what} {fields}: {answer.get('error-reason', answer)}")
            return answer
        raise SystemExit(f"rtpengine does not answer {what} at {self.socket.getpeername()}: see whether it runs and listens there")

    def _heard(self, word):
        while True:
            said, _, answer = self.socket.recv(65_535).partition(b" ")
            # An answer to a question asked twice may come twice.
            if said == word:
                return bdecode(answer)


def own(call):
    """Where the two ends of a call are: each call has addresses of its own, RTP and RTCP ports."""
    host = f"127.{1 + (call >> 16)}.{call >> 8 & 255}.{call & 255}"
    return (host, 20_000), (host, 20_002)


def begin(ng, calls):
    """Sets calls up. Answers a line for each: of both ends where it is, and where it sends to."""
    lines = []
    for call in range(calls):
        a, b = own(call)
        names = {"call_id": f"call-{call}", "from_tag": "a"}
        # What is shown to one end is where that end sends to.
        of_b = place(ng.ask("offer", **names, sdp=describe(a), ICE="remove")["sdp"])
        of_a = place(ng.ask("answer", **names, to_tag="b", sdp=describe(b), ICE="remove")["sdp"])
        lines.append(" ".join(f"{host}:{port}" for host, port in (a, of_a, b, of_b)))
    return lines


def end(ng, calls):
    """Ends them, and answers how many packets rtpengine says that it has passed on."""
    answers = (ng.ask("delete", call_id=f"call-{call}", from_tag="a") for call in range(calls))
    return sum(answer["totals"]["RTP"]["packets"] for answer in answers)
