"""The own tests of the bench of switches: each bound can be missed. Run: python3 -m unittest"""

import unittest

import reroute


def voice(last):
    return {"gap_ms": 20.0, "lost": 0, "wires": [{"sent": 1, "alone_ms": last}, {"sent": 1, "alone_ms": 7_990.0}]}


def report(factor, theirs=100):
    """What is found when ours takes so many times what it may."""
    found = {}
    for event, (gap, lost, left) in reroute.BOUNDS.items():
        ours = {"gap_ms": (gap or 100) * factor, "lost": lost * factor, "left_ms": (left or 1_000) * factor}
        found[event] = {"rove": [ours] * 10, "libwebrtc": [{"gap_ms": 3_500.0, "lost": theirs, "left_ms": None}] * 10}
    return found


class Bounds(unittest.TestCase):
    def test_each_bound_holds_below_and_is_missed_above(self):
        for factor, theirs, holds in ((0.9, 100, True), (1.1, 1, False)):
            rows = reroute.verdicts(report(factor, theirs))
            self.assertEqual(len(rows), 9)
            self.assertEqual({row[3] for row in rows}, {holds})

    def test_a_way_that_is_never_left_is_a_bound_missed(self):
        found = report(0.5)
        for one in found["20 % loss"]["rove"]:
            one["left_ms"] = None
        missed = [row for row in reroute.verdicts(found) if not row[3]]
        self.assertEqual([row[:2] for row in missed], [("20 % loss: left after, ms", None)])

    def test_a_wire_that_is_used_until_the_end_was_not_left(self):
        for last, left in ((7_900.0, None), (900.0, 900.0)):
            self.assertEqual(reroute.direction(voice(last), 8.0)["left_ms"], left)

    def test_a_direction_that_never_took_the_wire_counts_for_nothing(self):
        self.assertIsNone(reroute.direction(voice(None), 8.0))
        with self.assertRaises(RuntimeError):
            reroute.summary([])


if __name__ == "__main__":
    unittest.main()
