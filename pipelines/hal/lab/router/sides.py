"""Which turns are learned from and which stay unseen: by conversation and by time.

The newest conversations are held out, as the turns to come will be newer still; a conversation is
never on both sides. A turn that was looked at too often is learned from, with all that is older.
Pure; knows no router.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from math import ceil, inf

from ..improve.cases import Case
from ..improve.likeness import distinct
from .logged import LoggedTurn
from .takeover import LEAST_TURNS

# Of the pairs; at least as many as a takeover needs.
HELD_OUT_SHARE = 0.3
# With fewer pairs to learn from, nothing was ever learned that prompt length does not know (fact
# sheet on routing, section 4: 300 labels are about as good as it).
LEAST_LEARNED = 150


@dataclass(frozen=True, slots=True)
class Sides:
    """`boundary`: conversations that began before it (unix seconds) are learned from."""

    learned: tuple[LoggedTurn, ...]
    held_out: tuple[LoggedTurn, ...]
    boundary: float

    @property
    def missing(self) -> int:
        """How many pairs are missing before anything can be learned and tested; 0: none are."""
        learned, held_out = (sum(turn.label.is_pair for turn in side) for side in self._both)
        return max(0, LEAST_LEARNED - learned) + max(0, LEAST_TURNS - held_out)

    @property
    def _both(self) -> tuple[tuple[LoggedTurn, ...], tuple[LoggedTurn, ...]]:
        return self.learned, self.held_out


def divide(
    turns: Sequence[LoggedTurn], not_before: float = 0.0, retired: Collection[str] = ()
) -> Sides:
    """`not_before`: nothing older may be held out, as something was learned from it already.
    `retired`: ids of turns that were looked at too often.
    """
    worn = (turn.began for turn in turns if turn.id in retired)
    # Strictly after the conversation of a retired turn.
    earliest = max(not_before, max(worn, default=-inf) + 1e-6)
    boundary = _boundary(turns, earliest)
    return Sides(
        learned=tuple(turn for turn in turns if turn.began < boundary),
        held_out=tuple(turn for turn in turns if turn.began >= boundary),
        boundary=boundary,
    )


def unseen(turns: Sequence[LoggedTurn], boundary: float) -> tuple[LoggedTurn, ...]:
    """Turns of conversations that began at the boundary or later."""
    return tuple(turn for turn in turns if turn.began >= boundary)


def without_duplicates(turns: Sequence[LoggedTurn]) -> tuple[LoggedTurn, ...]:
    """Of turns that ask nearly the same, the one that most is known of; order is kept."""
    ranked = sorted(turns, key=lambda turn: (-_known(turn), turn.at, turn.id))
    kept = {case.id for case in distinct([_case(turn) for turn in ranked])}
    return tuple(turn for turn in turns if turn.id in kept)


def as_cases(turns: Sequence[LoggedTurn]) -> list[Case]:
    """What the ledger of openings counts."""
    return [_case(turn) for turn in turns]


def _known(turn: LoggedTurn) -> int:
    return 2 * turn.label.is_pair + turn.label.has_outcome


def _case(turn: LoggedTurn) -> Case:
    return Case(turn.id, turn.chat, turn.at, turn.question, expected="")


def _boundary(turns: Sequence[LoggedTurn], earliest: float) -> float:
    """When the first of the newest conversations began that together have enough pairs."""
    pairs = sorted((turn.began for turn in turns if turn.label.is_pair), reverse=True)
    wanted = max(LEAST_TURNS, ceil(HELD_OUT_SHARE * len(pairs)))
    newest = pairs[wanted - 1] if len(pairs) >= wanted else earliest
    return max(earliest, newest)
