"""How far probabilities can be believed: Brier score, ECE, reliability bins, confusions.

Pure arithmetic over probabilities and outcomes; knows no model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .bootstrap import Interval, wilson
from .curve import Floats

# Guo et al. 2017 use 15 for images; a router's log is small, and ten of equal size stay readable.
BINS = 10


@dataclass(frozen=True, slots=True)
class Bin:
    """Turns with about the same probability: what was said and what came."""

    count: int
    said: float
    came: Interval


def brier(p: Floats, happened: Floats) -> float:
    """Mean squared error of probabilities; 0 is perfect, .25 is always saying one half."""
    return float(np.mean((p - happened) ** 2))


def reliability(p: Floats, happened: Floats, bins: int = BINS) -> tuple[Bin, ...]:
    """Bins with equal numbers of turns, lowest probability first; equal p stay together.

    Equal numbers, because a router's probabilities crowd in one place and equal widths would leave
    most bins empty.
    """
    if len(p) == 0:
        return ()
    edges = np.unique(np.quantile(p, np.linspace(0, 1, bins + 1)[1:-1]))
    which = np.searchsorted(edges, p, side="right")
    return tuple(_bin(p[which == at], happened[which == at]) for at in np.unique(which))


def expected_calibration_error(p: Floats, happened: Floats, bins: int = BINS) -> float:
    """Mean distance between what was said and what came, weighted by the size of the bins."""
    found = reliability(p, happened, bins)
    return sum(abs(one.said - one.came.value) * one.count for one in found) / max(1, len(p))


def confusion(
    wanted: Sequence[str], got: Sequence[str], labels: Sequence[str]
) -> dict[str, dict[str, int]]:
    """counts[wanted][got] for all labels, zeros included. Raises KeyError for an unknown label."""
    counts = {label: dict.fromkeys(labels, 0) for label in labels}
    for one, other in zip(wanted, got, strict=True):
        counts[one][other] += 1
    return counts


def recalls(counts: dict[str, dict[str, int]]) -> dict[str, Interval]:
    """For each label that occurs: how much of it was found, with Wilson's interval."""
    return {
        label: wilson(row[label], total)
        for label, row in counts.items()
        if (total := sum(row.values()))
    }


def _bin(p: Floats, happened: Floats) -> Bin:
    return Bin(len(p), float(p.mean()), wilson(float(happened.sum()), len(p)))
