"""What the router would have said of logged turns, as it is served: arrays for the arithmetic.

Knows turns and weights; neither thresholds nor files. The numbers are those of the served code.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ...routing.learned.weights import LABELS, Weights
from .curve import Floats, Outcomes
from .drafts import draft_matrix, draft_scores
from .examples import Examples
from .fit import predict_many
from .logged import LoggedTurn


@dataclass(frozen=True, slots=True)
class Said:
    """One entry per turn. `alone` is the gain expected from the question, `joined` with what the
    classifier said and what the question means (the same where neither was asked); `p_local_ok`
    belongs to `joined`. `search` is P(needs a search) from the question alone, NaN without such a
    head. `draft` is the gain over the local answer once that is there, NaN where there is none, or
    nothing to judge it with.
    """

    alone: Floats
    joined: Floats
    p_local_ok: Floats
    search: Floats
    draft: Floats

    def __len__(self) -> int:
        return len(self.alone)


def examples_of(turns: Sequence[LoggedTurn]) -> Examples:
    """The turns as `fit_router` takes them; conversations are numbered."""
    numbers = {chat: at for at, chat in enumerate(dict.fromkeys(turn.chat for turn in turns))}
    unknown = (float("nan"),) * len(LABELS)
    return Examples(
        texts=tuple(turn.question for turn in turns),
        local_ok=_floats([turn.label.local_ok for turn in turns]),
        cloud_ok=_floats([turn.label.cloud_ok for turn in turns]),
        needs_search=_floats([turn.label.needs_search for turn in turns]),
        labels=_floats([turn.labels or unknown for turn in turns]).reshape(-1, len(LABELS)),
        groups=np.array([numbers[turn.chat] for turn in turns], dtype=np.int64),
        embedding=_embedding(turns),
    )


def from_question_alone(examples: Examples) -> Examples:
    """The same turns, as if neither the classifier nor the embedding model had been asked."""
    unknown = np.full_like(examples.labels, np.nan)
    return replace(examples, labels=unknown, embedding=None)


def said_of(weights: Weights, turns: Sequence[LoggedTurn]) -> Said:
    """About two milliseconds per turn."""
    examples = examples_of(turns)
    joined = predict_many(weights, examples)
    alone = predict_many(weights, from_question_alone(examples))
    return Said(
        alone=alone[:, 1],
        joined=joined[:, 1],
        p_local_ok=joined[:, 0],
        search=alone[:, 2],
        draft=_drafts(weights, turns, alone),
    )


def outcomes_of(turns: Sequence[LoggedTurn]) -> Outcomes:
    """Qualities of both models; every turn has to be a pair."""
    examples = examples_of(turns)
    return Outcomes(examples.local_ok, examples.cloud_ok, examples.groups)


def counts_of(turns: Sequence[LoggedTurn]) -> Floats:
    """How much each pair counts: what its verdict is worth, over how likely it was to be drawn."""
    return _floats([turn.label.weight / turn.drawn for turn in turns])


def _drafts(weights: Weights, turns: Sequence[LoggedTurn], alone: Floats) -> Floats:
    found = np.full(len(turns), np.nan)
    rows = [row for row, turn in enumerate(turns) if turn.local_answer]
    if weights.draft is not None and rows:
        matrix = draft_matrix(
            [turns[row].question for row in rows], [turns[row].local_answer for row in rows]
        )
        found[rows] = draft_scores(weights.draft, matrix, alone[rows, :2])
    return found


def _embedding(turns: Sequence[LoggedTurn]) -> Floats | None:
    """None where not every turn has one: a matrix has no holes."""
    sizes = {len(turn.embedding) for turn in turns}
    return _floats([turn.embedding for turn in turns]) if len(sizes) == 1 and sizes != {0} else None


def _floats(values: Sequence[object]) -> Floats:
    return np.array(values, dtype=np.float64)
