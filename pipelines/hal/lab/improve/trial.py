"""What two versions of a prompt decided on the same cases: the evidence that the gate judges.

Values and counts; knows no model and no threshold.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ...types import Route
from .cases import OUTWARD

# What one cloud answer costs, as a share of what a right decision is worth: the price at which the
# facts of this project compare routers (sheet on improvement, section 3.4).
CLOUD_COST = 0.10


@dataclass(frozen=True, slots=True)
class Pair:
    """One case and the routes that the old and the new version chose for it."""

    chat: str
    expected: str
    before: str
    after: str
    weight: float = 1.0
    is_private: bool = False

    @property
    def is_fixed(self) -> bool:
        return self.before != self.expected == self.after

    @property
    def is_broken(self) -> bool:
        return self.before == self.expected != self.after

    @property
    def gain(self) -> float:
        """How much more the new decision is worth, in right decisions."""
        return self.weight * (
            _value(self.expected, self.after) - _value(self.expected, self.before)
        )

    @property
    def newly_leaves(self) -> bool:
        """Out to the cloud or to a search, which it did not before and which nobody wanted."""
        is_new = self.after in OUTWARD and self.before not in OUTWARD
        return is_new and self.after != self.expected


def _value(expected: str, chosen: str) -> float:
    return float(chosen == expected) - CLOUD_COST * (chosen == Route.COMPLEX)


@dataclass(frozen=True, slots=True)
class Trial:
    """One proposal on unseen cases, run twice, and on the pins. `chars` are those of the prompt,
    `tokens` what is read for one decision, on average and without any cache."""

    name: str
    first: tuple[Pair, ...]
    second: tuple[Pair, ...]
    pins: tuple[Pair, ...] = ()
    chars_before: int = 1
    chars_after: int = 1
    tokens_before: float = 0.0
    tokens_after: float = 0.0

    @property
    def fixed(self) -> int:
        return sum(pair.is_fixed for pair in self.first)

    @property
    def broken(self) -> int:
        return sum(pair.is_broken for pair in self.first)

    @property
    def points(self) -> float:
        """Gain of accuracy, in percentage points."""
        return points(self.first)


def points(pairs: Sequence[Pair]) -> float:
    net = sum(pair.is_fixed for pair in pairs) - sum(pair.is_broken for pair in pairs)
    return 100.0 * net / len(pairs) if pairs else 0.0


def accuracy(pairs: Sequence[Pair]) -> tuple[float, float]:
    """Of the old and of the new version, 0..1."""
    n = len(pairs) or 1
    before = sum(pair.before == pair.expected for pair in pairs)
    return before / n, sum(pair.after == pair.expected for pair in pairs) / n


def by_conversation(pairs: Iterable[Pair]) -> list[tuple[float, int]]:
    """For each conversation the sum of its gains and the number of its cases."""
    sums: dict[str, tuple[float, int]] = {}
    for pair in pairs:
        gain, n = sums.get(pair.chat, (0.0, 0))
        sums[pair.chat] = gain + pair.gain, n + 1
    return list(sums.values())
