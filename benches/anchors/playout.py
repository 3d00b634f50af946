"""What a playout did, read from the CSV that `rove replay` and neteq both write."""

import dataclasses

import numpy as np

from common import PACKET_MS

ROW_MS = 10.0
WRAP = 2**32


@dataclasses.dataclass
class Rows:
    """One row per pull of 10 ms."""

    at_ms: np.ndarray
    # RTP timestamp just after the row's last sample, unwrapped; nan where nothing of the stream is played.
    played: np.ndarray
    concealed: np.ndarray  # 48 kHz samples concealed in this row
    stretched: np.ndarray  # 48 kHz samples cut or added in this row

    @property
    def sound(self):
        """Rows that play what was received."""
        return ~np.isnan(self.played) & (self.concealed == 0)


def read(path):
    with open(path) as file:
        names = file.readline().strip().split(",")
        table = dict(zip(names, np.loadtxt(file, delimiter=",", ndmin=2).T))
    played = np.where(table["playout_ts"] < 0, np.nan, table["playout_ts"])
    known = ~np.isnan(played)
    played[known] = np.unwrap(played[known], period=WRAP)
    return Rows(
        at_ms=table["t_us"] / 1_000,
        played=played,
        concealed=np.diff(table["concealed"], prepend=0),
        stretched=np.diff(table["accel"] + table["preempt"], prepend=0),
    )


def delay_of(rows, least_ms):
    """For each row, how much later it is played than a packet that took `least_ms` allows."""
    return rows.at_ms + ROW_MS - rows.played / 48 - PACKET_MS - least_ms


@dataclasses.dataclass
class Cost:
    """Mean added delay, and the shares of the time that were concealed because of jitter, and stretched."""

    delay_ms: float
    concealed: float
    stretched: float

    def j(self, weight):
        return self.delay_ms + weight * (self.concealed + 0.1 * self.stretched)

    def rating(self, least_ms):
        """E-model R with 40 ms for the two ends: delay by G.107's two slopes, loss at Bpl 18 (1 % is 5 points)."""
        delay = self.delay_ms + least_ms + 40.0
        impairment = 0.024 * delay + 0.11 * max(0.0, delay - 177.3)
        return 93.2 - impairment - 95.0 * self.concealed / (self.concealed + 18.0)


def cost_of(rows, delay_ms):
    """The accounts of one run over a trace: packets that the network lost are nobody's fault."""
    least, total = np.nanmin(delay_ms), len(delay_ms) * PACKET_MS
    first = np.flatnonzero(rows.sound)[0]
    inside = (rows.at_ms >= rows.at_ms[first]) & (rows.at_ms < total + least)
    lost = np.isnan(delay_ms).sum() * PACKET_MS
    concealed = max(0.0, rows.concealed[inside].sum() / 48 - lost)
    return Cost(
        delay_ms=float(np.mean(delay_of(rows, least)[inside & rows.sound])),
        concealed=float(concealed / total * 100),
        stretched=float(rows.stretched.sum() / 48 / total * 100),
    )
