"""The scripts' own tests: each measure finds what was put in, and each check can fail. Run: python3 -m unittest"""

import pathlib
import struct
import tempfile
import unittest

import numpy as np

import checks
import fixed
import playout
import traces
from common import FRAME, PACKET_MS, Verdicts, losses, write_ptrace


def rows_of(packets, delay_ms, concealed=(), phase_ms=0.0):
    """Rows of a playout that starts `delay_ms` after the first packet's arrival and never changes its mind."""
    first = PACKET_MS + traces.WIRE_MS + delay_ms
    pulls = int(packets * PACKET_MS // 10)
    at = first + np.arange(pulls) * 10.0 + phase_ms
    lost = np.zeros(pulls)
    lost[list(concealed)] = checks.ROW
    return playout.Rows(at, (np.arange(pulls) + 1.0) * checks.ROW, lost, np.zeros(pulls))


def sound_of(payloads):
    return np.frombuffer(b"".join(payloads), ">i2").astype(np.int16)


class Measures(unittest.TestCase):
    def test_delay_is_what_comes_on_top_of_the_fastest_packet(self):
        cost = playout.cost_of(rows_of(100, 30.0), np.full(100, traces.WIRE_MS))
        self.assertAlmostEqual(cost.delay_ms, 30.0)
        self.assertEqual((cost.concealed, cost.stretched), (0.0, 0.0))
        self.assertAlmostEqual(cost.j(20), 30.0)

    def test_concealment_counts_what_the_network_did_not_lose(self):
        delay = np.full(100, traces.WIRE_MS)
        rows = rows_of(100, 30.0, concealed=range(20, 24))
        self.assertAlmostEqual(playout.cost_of(rows, delay).concealed, 2.0)
        delay[10:12] = np.nan
        self.assertAlmostEqual(playout.cost_of(rows, delay).concealed, 0.0)

    def test_rating_falls_by_five_for_one_percent_and_by_g107_for_delay(self):
        base = playout.Cost(0.0, 0.0, 0.0).rating(40.0)
        self.assertAlmostEqual(base - playout.Cost(0.0, 1.0, 0.0).rating(40.0), 5.0)
        self.assertAlmostEqual(base - playout.Cost(50.0, 0.0, 0.0).rating(40.0), 1.2)
        self.assertGreater(playout.Cost(150.0, 0.0, 0.0).rating(40.0) - playout.Cost(160.0, 0.0, 0.0).rating(40.0), 1.3)

    def test_losses_have_the_share_and_the_bursts_asked_for(self):
        for share, burst in ((0.1, 1.0), (0.2, 3.0), (0.3, 5.0)):
            lost = losses(200_000, share, burst, 1)
            runs = (np.diff(np.concatenate([[0], lost])) == 1).sum()
            self.assertAlmostEqual(lost.mean(), share, delta=0.01)
            self.assertAlmostEqual(lost.sum() / runs, 1 / (1 - share) if burst == 1.0 else burst, delta=0.1)

    def test_a_buffer_waits_for_whole_packets_only(self):
        self.assertEqual([fixed.steps_within(ms) for ms in (0.0, 19.9, 20.0, 99.0, 100.0)], [0, 0, 1, 4, 5])


class Inputs(unittest.TestCase):
    def test_a_seed_gives_the_same_traces_again_and_another_one_others(self):
        first, again, other = (traces.build(seed, 500) for seed in (1, 1, 2))
        for name in traces.KINDS:
            np.testing.assert_array_equal(first[name], again[name])
            self.assertEqual(len(first[name]), 500)
            if name != "constant":
                self.assertFalse(np.array_equal(first[name], other[name], equal_nan=True), name)

    def test_a_capture_is_in_the_order_of_arrival_without_what_was_lost(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "c.ptrace"
            write_ptrace(path, [b"a", b"b", b"c"], [70.0, np.nan, 10.0])
            raw = path.read_bytes()
        records = [struct.unpack_from("<QH", raw, at) + (raw[at + 22 : at + 23],) for at in (0, 23)]
        self.assertEqual(records, [(70_000, 13, b"c"), (90_000, 13, b"a")])


class NegativeControls(unittest.TestCase):
    def test_sound_that_agrees_passes_and_sound_two_ms_late_does_not(self):
        rows = rows_of(200, 30.0)
        for payloads, errors_of in ((checks.ramp, checks.ramp_errors), (checks.steps, checks.step_errors)):
            sound = sound_of(payloads(200))
            good = errors_of(rows, sound)
            self.assertGreater(len(good), 100)
            self.assertEqual(good.max(), 0.0)
            late = np.concatenate([np.zeros(96, np.int16), sound])[: len(sound)]
            self.assertGreaterEqual(errors_of(rows, late).max(), 2.0 - 1e-9)

    def test_a_bound_that_is_missed_or_was_not_measured_fails_the_run(self):
        for value, code in ((1.0, 0), (3.0, 1), (None, 1), (float("nan"), 1)):
            verdicts = Verdicts()
            verdicts.at_most("it", value, 2.0)
            self.assertEqual(verdicts.finish({}, None), code)
        self.assertEqual(Verdicts().finish({}, None), 1)


assert FRAME == 2 * checks.ROW

if __name__ == "__main__":
    unittest.main()
