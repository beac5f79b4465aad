"""What another policy would have come to, on turns that were explored.

From logged turns to the arithmetic of `off_policy.py`. Knows no file; says plainly where the log
cannot tell.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

import numpy as np

from .curve import Floats
from .logged import LoggedTurn
from .off_policy import Estimate, Logged, TooFewEffectiveTurns, estimate

LOCAL, CLOUD = 0, 1
NO_EXPLORATION = (
    "EXPLORATION was off: every turn went where it was bound to go, so there is nothing to weigh. "
    "Shadow pairs tell more for less (SHADOW_SHARE)."
)


@dataclass(frozen=True, slots=True)
class Replayed:
    """`estimate` is None where `why_not` says why."""

    explored: int
    estimate: Estimate | None = None
    why_not: str = ""


def replay(
    turns: Sequence[LoggedTurn], gain: Floats, p_local_ok: Floats, threshold: float
) -> Replayed:
    """The policy that sends gains from `threshold` on to the cloud; arrays have one entry per turn.

    Only turns that chance had a say in count: of the others nobody knows what else could have been.
    """
    rows = [row for row, turn in enumerate(turns) if _is_usable(turn)]
    if not any(turn.propensity < 1 for turn in turns):
        return Replayed(0, why_not=NO_EXPLORATION)
    if len(rows) < 2:
        return Replayed(len(rows), why_not="No explored turn has a rating or another outcome.")
    chosen = [turns[row] for row in rows]
    logged = Logged(
        actions=np.array([CLOUD if turn.is_cloud else LOCAL for turn in chosen], dtype=np.int64),
        propensities=np.array([turn.propensity for turn in chosen], dtype=np.float64),
        rewards=np.array([_reward(turn) for turn in chosen], dtype=np.float64),
    )
    leaves = np.asarray(gain[rows] >= threshold, dtype=np.float64)
    local = p_local_ok[rows]
    expected = np.column_stack([local, np.clip(local + gain[rows], 0, 1)])
    try:
        found = estimate(logged, np.column_stack([1 - leaves, leaves]), expected)
    except TooFewEffectiveTurns as error:
        return Replayed(len(rows), why_not=str(error))
    return Replayed(len(rows), found)


def _is_usable(turn: LoggedTurn) -> bool:
    return 0 < turn.propensity < 1 and isfinite(_reward(turn))


def _reward(turn: LoggedTurn) -> float:
    return turn.label.cloud_ok if turn.is_cloud else turn.label.local_ok
