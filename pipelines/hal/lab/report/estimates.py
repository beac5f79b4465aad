"""Shares with how sure they are, and percentiles of times that were counted in steps.

Pure arithmetic; knows neither turns nor a database.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt

# Below this, the interval of a share is wider than 40 points in the middle, and says nothing.
ENOUGH = 20
# Of the normal distribution, for 95 %.
_Z = 1.959964
# As `sessions.summary` counts them: in steps of 1 ms below the first limit, of 10 ms below the
# second, and of 100 ms beyond.
_FINE_MS, _MIDDLE_MS = 1_000, 10_000
_STEPS_MS = (1, 10, 100)


@dataclass(frozen=True, slots=True)
class Share:
    """`hits` of `n`, as a share in 0..1 with Wilson's 95 % interval; None without any."""

    hits: int
    n: int

    @property
    def value(self) -> float | None:
        return self.hits / self.n if self.n else None

    @property
    def is_enough(self) -> bool:
        return self.n >= ENOUGH

    @property
    def interval(self) -> tuple[float, float] | None:
        """Wilson, "Probable inference", JASA 22 (1927): holds its promise also near 0 and 1."""
        if not self.n:
            return None
        p, z2 = self.hits / self.n, _Z * _Z / self.n
        middle = (p + z2 / 2) / (1 + z2)
        half = _Z * sqrt(p * (1 - p) / self.n + z2 / (4 * self.n)) / (1 + z2)
        # Arithmetic in binary is off by some 1e-18, and a share lies within its interval.
        return max(0.0, min(p, middle - half)), min(1.0, max(p, middle + half))


@dataclass(frozen=True, slots=True)
class Spread:
    """How many times were measured, and the median and 95th percentile in ms; None without any."""

    n: int = 0
    p50_ms: float | None = None
    p95_ms: float | None = None

    @classmethod
    def of(cls, counts: Mapping[int, int]) -> Spread:
        """`counts`: how many times are in the step that begins at so many ms (see `step_ms`)."""
        n = sum(counts.values())
        if not n:
            return cls()
        return cls(n, _percentile(counts, n, 0.50), _percentile(counts, n, 0.95))


def step_ms(ms: float) -> int:
    """Where the step of a time begins; times below zero (a clock went back) count as zero."""
    whole = max(0, int(ms))
    size = _size(whole)
    return whole // size * size


def _size(ms: int) -> int:
    if ms < _FINE_MS:
        return _STEPS_MS[0]
    return _STEPS_MS[1] if ms < _MIDDLE_MS else _STEPS_MS[2]


def _percentile(counts: Mapping[int, int], n: int, share: float) -> float:
    """The middle of the step in which the share is reached (nearest rank)."""
    wanted, seen = share * n, 0
    for begin in sorted(counts):
        seen += counts[begin]
        if seen >= wanted:
            break
    return begin + _size(begin) / 2
