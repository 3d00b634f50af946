"""The own tests of the signalling bench: what it counts, and that each bound can be missed. Run: python3 -m unittest"""

import os
import time
import unittest

import sip
import sipload


class Counting(unittest.TestCase):
    def test_time_that_a_process_has_used_is_seen_in_user_mode(self):
        before = sip.spent(os.getpid())
        start = time.process_time()
        while time.process_time() - start < 0.3:
            pass
        total, user, system = (b - a for a, b in zip(before, sip.spent(os.getpid())))
        self.assertGreater(user + system, 250_000)
        self.assertAlmostEqual(total, user + system, delta=60_000)

    def test_percentile_is_the_value_that_its_share_lies_below(self):
        self.assertEqual(sip.percentile(list(range(100)), 0.99), 99)
        self.assertEqual(sip.percentile([5.0], 0.99), 5.0)
        self.assertIsNone(sip.percentile([], 0.99))

    def test_the_median_of_the_rounds_counts(self):
        rounds = [{"us": u + 1.0, "user": u, "system": 1.0, "repeated": 1, "p99_ms": None} for u in (90.0, 1.0, 2.0)]
        self.assertEqual(sip.summary(rounds)["us"], 3.0)
        self.assertEqual(sip.summary(rounds)["repeated"], 3)


class Bounds(unittest.TestCase):
    def report(self, factor):
        lines = {
            line.name: {name: {"us": (line.bound or 1) * factor, "p99_ms": sip.SET_UP_MS * factor} for name in line.servers}
            for line in sip.LINES
        }
        return {"lines": lines, "held": {"calls": sip.HELD, "peak_mib": sip.HELD_MB * factor * 1e6 / sip.MIB}}

    def test_each_bound_holds_below_and_is_missed_above(self):
        for factor, holds in ((0.9, True), (1.1, False)):
            rows = sip.verdicts(self.report(factor))
            self.assertEqual(len(rows), 8)
            self.assertEqual({row[3] for row in rows}, {holds})

    def test_the_others_have_no_bound(self):
        rows = sip.verdicts({"lines": {"relayed call": {"kamailio": {"us": 1e6, "p99_ms": None}}}})
        self.assertEqual(rows, [])


class Digest(unittest.TestCase):
    def test_the_answer_is_that_of_rfc_2617(self):
        refusal = 'SIP/2.0 401 Unauthorized\r\nWWW-Authenticate: Digest realm="127.0.0.1", nonce="abc"\r\n\r\n'
        line = sipload.proof(refusal, "MD5")
        import hashlib
        md5 = lambda text: hashlib.md5(text.encode()).hexdigest()  # noqa: E731
        expected = md5(f"{md5('bob:127.0.0.1:builder')}:abc:{md5('REGISTER:sip:127.0.0.1')}")
        self.assertIn(f'response="{expected}"', line)
        self.assertNotIn("qop", line)

    def test_the_challenge_of_the_algorithm_asked_for_is_taken(self):
        refusal = (
            'SIP/2.0 401 Unauthorized\r\nWWW-Authenticate: Digest realm="r", nonce="one", algorithm=MD5\r\n'
            'WWW-Authenticate: Digest realm="r", nonce="two", algorithm=SHA-256, qop="auth"\r\n\r\n'
        )
        self.assertIn('nonce="two"', sipload.proof(refusal, "SHA-256"))


if __name__ == "__main__":
    unittest.main()
