"""The own tests of the load bench: what it counts, and that a bound can be missed. Run: python3 -m unittest"""

import argparse
import contextlib
import io
import sys
import unittest

import load


class Counting(unittest.TestCase):
    def test_time_that_a_process_has_used_is_told_with_its_exit_code(self):
        busy = "import time\nwhile time.process_time() < 0.3: pass\nraise SystemExit(7)"
        code, us = load.spent(load.start([sys.executable, "-c", busy]), 20)
        self.assertEqual(code, 7)
        self.assertTrue(290_000 < us < 600_000, us)

    def test_a_process_that_does_not_end_is_ended(self):
        process = load.start([sys.executable, "-c", "input()"], stdin=load.subprocess.PIPE)
        with self.assertRaises(RuntimeError):
            load.spent(process, 0.2)
        process.stdin.close()
        process.wait()


class Bounds(unittest.TestCase):
    def test_each_bound_can_be_missed_and_can_hold(self):
        class Fake:
            dear = 1

            def signalling(self):
                return 100 * self.dear, 150, 0.5 * self.dear * 3 - 1

            def media(self):
                return 60 * self.dear, 70, 128, {"p50": 4.3}

            def stalled(self):
                return {"p50": 2, "p95": 700, "p99": 950 / self.dear}

        args = argparse.Namespace(only=None, rounds=3, media_calls=10)
        with contextlib.redirect_stdout(io.StringIO()):
            self.assertEqual(load.report(Fake(), args), [])
            Fake.dear = 2
            self.assertEqual(len(load.report(Fake(), args)), 4)


if __name__ == "__main__":
    unittest.main()
