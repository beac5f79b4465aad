"""Fits the weights of a learned router from labelled turns.

Each head is one linear score over what the prompt shows and its embedding, where vectors are given,
and a small stack that joins it with the classifier's probabilities. The stacks are fitted
on out-of-fold scores: a score that has seen its own outcome would be believed too much. Knows no
log; `Examples` come from whoever has them. Needs scikit-learn (the `lab` extra).
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold

from ...routing.learned.predict import LearnedRouter, log_odds
from ...routing.learned.weights import EMBEDDING, LABELS, PROMPT, Head, Link, Stack, Weights
from .curve import Floats
from .examples import Examples, PieceTable
from .features import Prompts, read_prompts
from .ridge import (
    SMALLEST_SCALE,
    Linear,
    Recipe,
    Scaled,
    Scaling,
    duals,
    duals_without,
    inverse,
    kernel,
    scaled,
    scaling,
    weights,
)

# Five, as everywhere: four fifths of the labels learn nearly what all of them would.
FOLDS = 5
# Below, a fold has a handful of each outcome.
LEAST_EXAMPLES = 50
# Ridge of a stack: its scores are standardised, so that one serves all; weak, as a stack has at
# most five weights for hundreds of labels.
STACK_C = 10.0
STACK_PENALTY = 1.0


class TooFewExamples(Exception):
    """A head cannot be fitted; the message says how many labels are missing."""


@dataclass(frozen=True, slots=True)
class _Problem:
    """What all heads share: the training prompts, scaled, and their similarities."""

    prompts: Prompts
    how: Scaling
    train: Scaled
    grams: tuple[Floats, ...]
    labels: Floats
    folds: NDArray[np.int64]
    table: Floats
    recipe: Recipe
    inverses: dict[bytes, Floats] = field(default_factory=dict)

    def inverse(self, known: NDArray[np.int64]) -> Floats:
        """Over the turns whose outcome is known, which for most heads are the same ones."""
        key = known.tobytes()
        if key not in self.inverses:
            gram = np.sum([gram[np.ix_(known, known)] for gram in self.grams], axis=0)
            self.inverses[key] = inverse(gram, self.recipe.penalty)
        return self.inverses[key]


def fit_router(  # noqa: PLR0913 - what was read, and what goes into the file
    examples: Examples,
    table: PieceTable | None = None,
    recipe: Recipe | None = None,
    *,
    embedding_model: str = "",
    made: Mapping[str, str] | None = None,
    prompts: Prompts | None = None,
) -> Weights:
    """All heads that there are labels for. `made` goes into the file: from what, when, by whom.
    `prompts` are the examples' features, for who has read them already.

    Raises TooFewExamples when the outcomes of the local model, or of both, are too few.
    """
    pieces, recipe = table or PieceTable(), recipe or Recipe()
    problem = _problem(examples, pieces, recipe, prompts)
    gain = examples.cloud_ok - examples.local_ok
    known = examples.needs_search[np.isfinite(examples.needs_search)]
    has_search = len(known) >= LEAST_EXAMPLES and np.ptp(known) > 0
    return Weights(
        vocabulary=dict(pieces.vocabulary),
        surface_mean=tuple(map(float, problem.how.surface_mean)),
        surface_scale=tuple(map(float, problem.how.surface_scale)),
        embedding_model=embedding_model if examples.embedding is not None else "",
        local_ok=_head(problem, examples.local_ok, Link.LOGISTIC, "the local model's outcome"),
        gain=_head(problem, gain, Link.IDENTITY, "both outcomes"),
        needs_search=_head(problem, examples.needs_search, Link.LOGISTIC, "the need for a search")
        if has_search
        else None,
        draft=None,
        made=dict(made or {}),
    )


def folds_of(groups: NDArray[np.int64], seed: int = 0) -> NDArray[np.int64]:
    """The fold of each row, 0..FOLDS-1; a group is in one fold."""
    folds = np.zeros(len(groups), dtype=np.int64)
    splitter = GroupKFold(n_splits=FOLDS, shuffle=True, random_state=seed)
    for number, (_, held_out) in enumerate(splitter.split(groups, groups=groups)):
        folds[held_out] = number
    return folds


def out_of_fold(
    grams: Sequence[Floats], outcomes: Floats, folds: NDArray[np.int64], inverted: Floats
) -> list[Floats]:
    """For each row and each part of the kernel: the part's score by a fit of all parts that has
    not seen the row's fold, less the mean of what it saw. `inverted` is `ridge.inverse` of all.
    """
    found = [np.zeros(len(outcomes)) for _ in grams]
    for fold in np.unique(folds):
        held_out = folds == fold
        dual = duals_without(inverted, outcomes, held_out)
        for part, gram in zip(found, grams, strict=True):
            part[held_out] = gram[held_out] @ dual
    return found


def _problem(
    examples: Examples, table: PieceTable, recipe: Recipe, prompts: Prompts | None
) -> _Problem:
    if prompts is None:
        prompts = read_prompts(examples.texts, table.vocabulary, examples.embedding)
    how = scaling(prompts, table.vectors, recipe)
    train = scaled(prompts, how, table.vectors)
    embedded = train.embedding
    everything, similar = kernel(train, train), embedded @ embedded.T
    return _Problem(
        prompts=prompts,
        how=how,
        train=train,
        grams=(everything - similar, similar) if embedded.shape[1] else (everything,),
        labels=np.vectorize(_log_odds, otypes=[np.float64])(examples.labels),
        folds=folds_of(examples.groups),
        table=table.vectors,
        recipe=recipe,
    )


def _head(problem: _Problem, outcomes: Floats, link: Link, what: str) -> Head:
    known = np.flatnonzero(np.isfinite(outcomes))
    if len(known) < LEAST_EXAMPLES or np.ptp(outcomes[known]) == 0:
        raise TooFewExamples(
            f"{len(known)} turns know {what}; at least {LEAST_EXAMPLES} are needed, and not all of "
            f"them the same: {max(0, LEAST_EXAMPLES - len(known))} are missing."
        )
    linear = _linear(problem, outcomes, known)
    grams = [gram[np.ix_(known, known)] for gram in problem.grams]
    folds = problem.folds[known]
    parts = out_of_fold(grams, outcomes[known], folds, problem.inverse(known))
    inputs = dict(zip((PROMPT, EMBEDDING), parts, strict=False))
    inputs |= {name: problem.labels[known, at] for at, name in enumerate(LABELS)}
    return Head(
        link=link,
        surface=tuple(map(float, linear.surface)),
        words=array("f", linear.words),
        pairs=array("f", linear.pairs),
        parts=array("f", linear.parts),
        pieces=array("f", linear.pieces),
        embedding=tuple(map(float, linear.embedding)),
        stacks=_stacks(inputs, outcomes[known], link),
    )


def _linear(problem: _Problem, outcomes: Floats, known: NDArray[np.int64]) -> Linear:
    dual = np.zeros(len(outcomes))
    dual[known] = duals(problem.inverse(known), outcomes[known])
    return weights(problem.train, problem.how, problem.table, dual, 0.0)


def _stacks(inputs: Mapping[str, Floats], outcomes: Floats, link: Link) -> tuple[Stack, ...]:
    """One per set of inputs that enough turns have."""
    optional = [(), (EMBEDDING,)] if EMBEDDING in inputs else [()]
    wanted = [(PROMPT, *some, *labels) for some in optional for labels in ((), LABELS)]
    found = (_stack(names, inputs, outcomes, link) for names in wanted)
    return tuple(stack for stack in found if stack is not None)


def _stack(
    names: Sequence[str], inputs: Mapping[str, Floats], outcomes: Floats, link: Link
) -> Stack | None:
    """Prompt and embedding were fitted together and keep one slope: two would fit the noise."""
    scores = [inputs[name] for name in names if name not in LABELS]
    labels = [inputs[name] for name in names if name in LABELS]
    columns = np.column_stack([np.sum(scores, axis=0), *labels])
    is_known = np.isfinite(columns).all(axis=1)
    if is_known.sum() < LEAST_EXAMPLES or np.ptp(outcomes[is_known]) == 0:
        return None
    columns, outcomes = columns[is_known], outcomes[is_known]
    mean, scale = columns.mean(axis=0), np.maximum(columns.std(axis=0), SMALLEST_SCALE**2)
    fit = _logistic if link is Link.LOGISTIC else _least_squares
    bias, slopes = fit((columns - mean) / scale, outcomes)
    slopes = slopes / scale
    # A score that goes the wrong way has learned nothing: it must not turn the order round.
    slopes[0] = max(0.0, slopes[0])
    repeated = [slopes[0]] * len(scores) + list(slopes[1:])
    return Stack(tuple(names), float(bias - mean @ slopes), tuple(map(float, repeated)))


def _logistic(columns: Floats, outcomes: Floats) -> tuple[float, Floats]:
    """Outcomes between 0 and 1 count as that much of a success, and the rest of a failure."""
    doubled = np.concatenate([columns, columns])
    happened = np.repeat([1, 0], len(outcomes))
    counts = np.concatenate([outcomes, 1 - outcomes])
    model = LogisticRegression(C=STACK_C)
    model.fit(doubled[counts > 0], happened[counts > 0], sample_weight=counts[counts > 0])
    return float(model.intercept_[0]), np.asarray(model.coef_[0], dtype=np.float64)


def _least_squares(columns: Floats, outcomes: Floats) -> tuple[float, Floats]:
    middle = float(outcomes.mean())
    matrix = columns.T @ columns + STACK_PENALTY * np.eye(columns.shape[1])
    return middle, np.asarray(np.linalg.solve(matrix, columns.T @ (outcomes - middle)))


def _log_odds(p: float) -> float:
    return log_odds(p) if np.isfinite(p) else float("nan")


def predict_many(weights: Weights, examples: Examples) -> Floats:
    """P(local ok), gain and P(needs search) (NaN without that head) of each example; shape (n, 3).

    By the served router itself: what is measured is what will decide.
    """
    router = LearnedRouter(weights)
    found = np.full((len(examples), 3), np.nan)
    for row, text in enumerate(examples.texts):
        labels = examples.labels[row]
        known = dict(zip(LABELS, labels, strict=True)) if np.isfinite(labels).all() else None
        embedding = None if examples.embedding is None else examples.embedding[row].tolist()
        said = router.predict(text, known, embedding)
        found[row, :2] = said.p_local_ok, said.gain
        if said.p_needs_search is not None:
            found[row, 2] = said.p_needs_search
    return found
