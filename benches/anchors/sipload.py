"""Registrations with a password as load: SIPp 3.6 knows MD5 alone."""

import hashlib
import os
import re
import socket
import time

USER, PASSWORD, REALM = "bob", "builder", "127.0.0.1"
HASHES = {"SHA-256": hashlib.sha256, "MD5": hashlib.md5}


def register(port, count, rate, algorithm, word):
    """Registers `count` times from as many Call-IDs, each refused once and then taken. Answers how often a request had to
    be repeated."""
    repeated = done = 0
    start = time.monotonic()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        wire.bind(("127.0.0.1", 0))
        wire.connect(("127.0.0.1", port))
        while done < count:
            window = range(done, min(done + WINDOW, count))
            time.sleep(max(0.0, start + done / rate - time.monotonic()))
            word_of = {number: f"{word}x{os.getpid()}x{number}" for number in window}
            asked = {number: request(wire, one, 1, "") for number, one in word_of.items()}
            refused, more = exchange(wire, asked, "401")
            repeated += more
            proofs = {number: proof(refused[number], algorithm) for number in window}
            asked = {number: request(wire, word_of[number], 2, proofs[number]) for number in window}
            repeated += exchange(wire, asked, "200")[1]
            done += len(window)
    return repeated


def exchange(wire, asked, status):
    """Sends requests until each has its answer: the answers by number, and how many requests went out again."""
    answers, repeated = {}, 0
    for text in asked.values():
        wire.send(text)
    wire.settimeout(0.5)
    turns = 0
    while len(answers) < len(asked):
        try:
            text = wire.recv(65_536).decode()
        except TimeoutError:
            turns += 1
            if turns > 8:
                raise RuntimeError(f"{len(asked) - len(answers)} requests have no answer") from None
            for number in asked.keys() - answers.keys():
                wire.send(asked[number])
                repeated += 1
            continue
        number = int(re.search(r"(?im)^(?:call-id|i)\s*:\s*\S*x(\d+)@", text)[1])
        cseq = re.search(r"(?im)^cseq\s*:\s*(\d+)", text)[1]
        if number in asked and f"CSeq: {cseq} ".encode() in asked[number]:
            if text.split(" ", 2)[1] != status:
                raise RuntimeError(f"not {status}: {text.splitlines()[0]}")
            answers[number] = text
    return answers, repeated


def request(wire, word, cseq, more):
    host, port = wire.getsockname()
    return (
        f"REGISTER sip:{REALM} SIP/2.0\r\nVia: SIP/2.0/UDP {host}:{port};branch=z9hG4bK{word}x{cseq}\r\nMax-Forwards: 70\r\n"
        f"From: <sip:{USER}@{REALM}>;tag={word}\r\nTo: <sip:{USER}@{REALM}>\r\nCall-ID: {word}@{host}\r\nCSeq: {cseq} REGISTER\r\n"
        f"Contact: <sip:{USER}@{host}:{port}>\r\n{more}Expires: 3600\r\nContent-Length: 0\r\n\r\n"
    ).encode()


def proof(refusal, algorithm):
    """The Authorization line that answers a challenge (RFC 7616 §3.4)."""
    line = next(
        line for line in refusal.splitlines()
        if line.lower().startswith("www-authenticate:") and (re.search(r"algorithm=\"?([\w-]+)", line) or [0, "MD5"])[1] == algorithm
    )
    nonce = re.search(r'nonce="([^"]*)"', line)[1]
    opaque = re.search(r'opaque="([^"]*)"', line)
    digest = lambda text: HASHES[algorithm](text.encode()).hexdigest()  # noqa: E731
    secret, asked = digest(f"{USER}:{REALM}:{PASSWORD}"), digest(f"REGISTER:sip:{REALM}")
    with_qop = "qop=" in line
    response = digest(f"{secret}:{nonce}:00000001:ab:auth:{asked}" if with_qop else f"{secret}:{nonce}:{asked}")
    return (
        f'Authorization: Digest username="{USER}", realm="{REALM}", nonce="{nonce}", uri="sip:{REALM}", algorithm={algorithm}, '
        f'response="{response}"' + (', qop=auth, nc=00000001, cnonce="ab"' if with_qop else "")
        + (f', opaque="{opaque[1]}"' if opaque else "") + "\r\n"
    )


# In flight at a time.
WINDOW = 16
