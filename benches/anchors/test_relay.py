"""The own tests of the relay's bench: each bound can be missed, and what has none cannot. Run: python3 -m unittest"""

import unittest

import relay

PORT = 100


def report(factor, rtpengine=1.0):
    """What is found when ours is so many times as good as it has to be."""
    return {
        "rates": {
            "coturn": [1.0, 9.0, 10.0, 11.0, 99.0],
            "bare": [15.0 / 0.85],
            "rtpengine": [rtpengine],
            "rove turn": [15.0 * factor],
            "rove calls": [15.0 * factor],
        },
        "KiB a call: rove calls": relay.KIB_MOST / factor,
        "held on one port": PORT * factor,
        "KiB a call: one port": relay.KIB_MOST / factor,
    }


class Bounds(unittest.TestCase):
    def test_each_bound_holds_above_and_is_missed_below(self):
        for factor, misses in ((1.1, False), (0.9, True)):
            rows = [row for row in relay.verdicts(report(factor), PORT) if row[2] is not None]
            self.assertEqual(len(rows), 6)
            self.assertEqual({relay.missed(row) for row in rows}, {misses})

    def test_beside_rtpengine_the_ratio_is_told_and_nothing_is_missed(self):
        rows = [row for row in relay.verdicts(report(1.0, rtpengine=30.0), PORT) if "rtpengine" in row[0]]
        self.assertEqual([row[1] for row in rows], [0.5, 0.5])
        self.assertFalse(any(map(relay.missed, rows)))
        self.assertIn("no bound", relay.told(rows[0]))

    def test_without_rtpengine_and_without_memory_the_other_bounds_stand(self):
        rates = report(1.1)["rates"]
        del rates["rtpengine"]
        self.assertEqual(len(relay.verdicts({"rates": rates}, 0)), 3)


if __name__ == "__main__":
    unittest.main()
