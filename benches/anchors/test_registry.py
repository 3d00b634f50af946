"""The own tests of the registry's bench: each bound can be missed. Run: python3 -m unittest"""

import unittest

import registry


def report(factor):
    """What is found when ours is so many times as good as it has to be."""
    lines = {what: {ours: {"us": 10.0}, other: {"us": 10.0 * bound * factor}} for what, (ours, other), _, bound in registry.BY_SIP}
    return {
        "lines": lines,
        "per_cpu_s": {"rove native": {"median": registry.NATIVE * factor}},
        "two": {"far_ms": {"p99": registry.TWO_SERVERS_MS / factor}, "empty": 0},
        "watched": {"ms": {"max": registry.SEEN_MS / factor}, "seen": 1_000, "missing": 0},
    }


class Bounds(unittest.TestCase):
    def test_each_bound_holds_above_and_is_missed_below(self):
        for factor, holds in ((1.1, True), (0.9, False)):
            rows = registry.verdicts(report(factor))
            self.assertEqual(len(rows), 6)
            self.assertEqual({row[3] for row in rows}, {holds})

    def test_fast_answers_that_say_nothing_and_changes_that_are_not_seen_count_as_missed(self):
        found = report(2.0)
        found["two"]["empty"] = 1
        found["watched"]["missing"] = 1
        self.assertEqual([row[3] for row in registry.verdicts(found)[-2:]], [False, False])


if __name__ == "__main__":
    unittest.main()
