"""Learns a router from the log and judges it on turns that it has not seen.

Knows turns, weights and statistics; neither files nor the command line.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped,unused-ignore]

from ...routing.learned.weights import Weights
from .drafts import cross_predict, fit_drafts
from .fit import LEAST_EXAMPLES, fit_router
from .logged import LoggedTurn, origins
from .served import examples_of, from_question_alone, outcomes_of, said_of
from .sides import Sides
from .takeover import Verdict, takes_over

# In `Weights.made`: unix seconds; conversations that began earlier were learned from.
BOUNDARY = "boundary"
# The similarities of so many prompts take 128 MB, and a fit a few times that.
MOST_EXAMPLES = 4000


class TooFewPairs(Exception):
    """Not enough turns with both outcomes; `missing` says how many."""

    def __init__(self, has: int, missing: int) -> None:
        self.has, self.missing = has, missing
        super().__init__(
            f"{has} turns have an outcome of both models; {missing} more are needed to learn from "
            "and to test on."
        )


@dataclass(frozen=True, slots=True)
class Learned:
    """New weights, and how they did on the unseen turns against those in force."""

    weights: Weights
    verdict: Verdict
    learned: int
    learned_pairs: int
    held_out_pairs: int
    has_search: bool
    has_drafts: bool


def learn(
    sides: Sides, current: Weights, made: Mapping[str, str], embedding_model: str = ""
) -> Learned:
    """`embedding_model` made the vectors of the turns, "" where they have none. Raises TooFewPairs,
    and TooFewExamples where all outcomes are the same.
    """
    if sides.missing:
        pairs = [turn for turn in (*sides.learned, *sides.held_out) if turn.label.is_pair]
        raise TooFewPairs(len(pairs), sides.missing)
    turns = newest(sides.learned)
    pairs = [turn for turn in turns if turn.label.is_pair]
    about = {
        **made,
        BOUNDARY: repr(sides.boundary),
        "turns": str(len(turns)),
        "pairs": str(len(pairs)),
        "since": day(turns[0].at),
        "until": day(turns[-1].at),
        "labels": ", ".join(f"{count} {name}" for name, count in origins(turns).items()),
    }
    # Systems of a few hundred rows: several threads wait for each other longer than they work.
    with threadpool_limits(limits=1):
        fitted = fit_router(examples_of(turns), embedding_model=embedding_model, made=about)
        weights = _with_drafts(fitted, pairs)
    unseen = [turn for turn in sides.held_out if turn.label.is_pair]
    before, after = (said_of(one, unseen).joined for one in (current, weights))
    return Learned(
        weights=weights,
        verdict=takes_over(before, after, outcomes_of(unseen)),
        learned=len(turns),
        learned_pairs=len(pairs),
        held_out_pairs=len(unseen),
        has_search=weights.needs_search is not None,
        has_drafts=weights.draft is not None,
    )


def newest(turns: Sequence[LoggedTurn], most: int = MOST_EXAMPLES) -> list[LoggedTurn]:
    """At most so many of the turns that something is known of: outcomes before the classifier's
    word, new before old; in the order of time.
    """
    known = [turn for turn in turns if turn.label.is_known]
    ranked = sorted(known, key=lambda turn: (turn.label.has_outcome, turn.at), reverse=True)
    return sorted(ranked[:most], key=lambda turn: (turn.at, turn.id))


def boundary_of(weights: Weights) -> float:
    """From when on conversations were not learned from; 0 for what never saw this log."""
    try:
        return float(weights.made.get(BOUNDARY, "0"))
    except ValueError:
        return 0.0


def look_of(turns: Sequence[LoggedTurn]) -> str:
    """A name for these turns and what is known of them: who looks at the same again has not looked
    twice.
    """
    known = (f"{t.id} {t.label.local_ok} {t.label.cloud_ok}" for t in turns if t.label.is_pair)
    return f"router-{sha256(chr(10).join(sorted(known)).encode()).hexdigest()[:12]}"


def day(at: float) -> str:
    """A moment in unix seconds as an ISO date in UTC."""
    return datetime.fromtimestamp(at, UTC).date().isoformat()


def _with_drafts(weights: Weights, pairs: Sequence[LoggedTurn]) -> Weights:
    """With heads for local answers, where enough of them are kept and they differ."""
    drafted = [turn for turn in pairs if turn.local_answer]
    examples = examples_of(drafted)
    if len(drafted) < 2 * LEAST_EXAMPLES or len(np.unique(examples.local_ok > 0.5)) < 2:
        return weights
    plain = from_question_alone(examples)
    answers = [turn.local_answer for turn in drafted]
    return fit_drafts(weights, plain, answers, cross_predict(plain))
