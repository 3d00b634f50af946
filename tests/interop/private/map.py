"""Reads messages of TCAP with MAP in hexadecimal, one a line, with pycrate's ASN.1, and writes each again.

Answers each with a line: what pycrate wrote, in hexadecimal, a tab, and the value in ASN.1's own notation.
Ends with 3 where pycrate is not installed.
"""

import sys

try:
    from pycrate_asn1dir.TCAP_MAPv2v3 import TCAP_MAP_Messages
except ImportError:
    sys.exit(3)

MESSAGE = TCAP_MAP_Messages.TCAP_MAP_Message

for line in sys.stdin:
    MESSAGE.from_ber(bytes.fromhex(line))
    value = MESSAGE.get_val()
    text = " ".join(MESSAGE.to_asn1().split())
    MESSAGE.set_val(value)
    print(MESSAGE.to_ber().hex(), text, sep="\t", flush=True)
