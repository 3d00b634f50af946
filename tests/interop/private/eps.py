"""Vectors of EPS by the letter of 3GPP TS 35.206, TS 33.102 and TS 33.401 annex A.2.

Each line of input is K, OPc, SQN, RAND and the serving network's code in three octets, all in hexadecimal; each is
answered with XRES, AUTN and KASME. Ends with 3 where the package cryptography is not installed.
"""

import hashlib
import hmac
import sys

try:
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
except ImportError:
    sys.exit(3)


def xor(one, other):
    return bytes(a ^ b for a, b in zip(one, other, strict=True))


class Milenage:
    def __init__(self, k, opc):
        self.aes = Cipher(algorithms.AES(k), modes.ECB())
        self.opc = opc

    def e(self, block):
        encryptor = self.aes.encryptor()
        return encryptor.update(block) + encryptor.finalize()

    def out(self, temp, rotate, constant):
        """OUTn: `rotate` is in octets, `constant` the value of the last octet of cn."""
        mixed = xor(temp, self.opc)
        mixed = mixed[rotate:] + mixed[:rotate]
        return xor(self.e(xor(mixed, bytes(15) + bytes([constant]))), self.opc)

    def f1(self, rand, sqn, amf):
        temp = self.e(xor(rand, self.opc))
        mixed = xor((sqn + amf) * 2, self.opc)
        mixed = mixed[8:] + mixed[:8]
        return xor(self.e(xor(temp, mixed)), self.opc)[:8]

    def f2345(self, rand):
        temp = self.e(xor(rand, self.opc))
        second = self.out(temp, 0, 1)
        return second[8:], self.out(temp, 4, 2), self.out(temp, 8, 4), second[:6]


for line in sys.stdin:
    k, opc, sqn, rand, plmn = map(bytes.fromhex, line.split())
    milenage = Milenage(k, opc)
    xres, ck, ik, ak = milenage.f2345(rand)
    amf = bytes([0x80, 0])
    concealed = xor(sqn, ak)
    autn = concealed + amf + milenage.f1(rand, sqn, amf)
    text = b"\x10" + plmn + b"\x00\x03" + concealed + b"\x00\x06"
    kasme = hmac.new(ck + ik, text, hashlib.sha256).digest()
    print(xres.hex(), autn.hex(), kasme.hex(), flush=True)
