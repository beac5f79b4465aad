"""Whether a better prompt may recognise one route less often than the old one did.

Pure. As a rule it may not. But a prompt that says one label by default has a recall of that label
that it did not earn: whoever learns to tell the routes apart must lose some of it. Such a loss is
paid for when routes that were recognised below chance win at least as much, and no route falls
below chance for it. A prompt that always says another label does not pass: all routes but one fall.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .trial import Pair

# What one route may lose, in percentage points. The observed loss counts: to prove it smaller would
# take some 900 cases of each route.
RECALL_LOSS_POINTS = 3.0
# With 20 cases, a route that is recognised half of the time is right in fewer than 5 of them once
# in 170 tests: fewer cases are no evidence that it was recognised below chance.
LEAST_CASES = 20


@dataclass(frozen=True, slots=True)
class Recall:
    """How many of a route's cases were recognised by the old and by the new prompt."""

    route: str
    n: int
    before: int
    after: int

    @property
    def points(self) -> float:
        """How much it went up, or down, below 0."""
        return 100.0 * (self.after - self.before) / self.n

    @property
    def loses(self) -> bool:
        return self.points < -RECALL_LOSS_POINTS


def recalls(pairs: Iterable[Pair]) -> list[Recall]:
    """One for each route that was wanted, in the order of their names."""
    counts: dict[str, tuple[int, int, int]] = {}
    for pair in pairs:
        n, before, after = counts.get(pair.expected, (0, 0, 0))
        is_right = (pair.before == pair.expected, pair.after == pair.expected)
        counts[pair.expected] = n + 1, before + is_right[0], after + is_right[1]
    return [Recall(route, *counts[route]) for route in sorted(counts)]


def objection(pairs: Sequence[Pair]) -> str:
    """Why the losses are not accepted; "" when there are none, or others pay for them."""
    found = recalls(pairs)
    worst = min(found, key=lambda one: one.points, default=None)
    if worst is None or not worst.loses or payers(found):
        return ""
    return f"{worst.route} loses {-worst.points:.1f} points of recall"


def payers(found: Sequence[Recall]) -> list[Recall]:
    """The routes that were recognised below chance and pay for what others lose; none if nothing
    is lost, if they win less, or if a route falls below chance."""
    chance = 1 / len(found) if found else 0.0
    lost = [one for one in found if one.loses]
    poor = [one for one in found if one.n >= LEAST_CASES and one.before < chance * one.n]
    won = [one for one in poor if one.after > one.before]
    stand = all(one.after >= chance * one.n for one in lost)
    pays = sum(one.points for one in won) >= sum(-one.points for one in found if one.points < 0)
    return won if lost and stand and pays else []


def words(pairs: Sequence[Pair]) -> str:
    """What was accepted, for the verdict: "; SIMPLE -9.8 paid for by ENRICH +52.0", or ""."""
    found = recalls(pairs)
    won = payers(found)
    if not won:
        return ""
    lost = ", ".join(f"{one.route} {one.points:+.1f}" for one in found if one.loses)
    gain = ", ".join(f"{one.route} {one.points:+.1f}" for one in won)
    return f"; recall of {lost} is paid for by {gain}, below chance before"
