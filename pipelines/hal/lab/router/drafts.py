"""Fits what a cascade needs: how good a local draft is, from the draft and from its question.

The prompt's own predictions are inputs as well; they must be out-of-fold for the turns that are
fitted on (`cross_predict`), or they would be believed too much.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression, Ridge

from ...routing.learned.draft import draft_features
from ...routing.learned.predict import log_odds
from ...routing.learned.weights import DraftHead, DraftHeads, Link, Weights
from .batch import values
from .curve import Floats
from .examples import Examples, PieceTable
from .features import Prompts, standardise
from .fit import FOLDS, fit_router, folds_of, predict_many
from .ridge import SMALLEST_SCALE, Recipe

# Both heads see some two dozen standardised numbers and a thousand labels; between these and ten
# times weaker penalties nothing changes by more than .01 of APGR (docs/decisions.md).
LOGISTIC_C = 0.1
RIDGE_PENALTY = 100.0


def fit_drafts(
    weights: Weights,
    examples: Examples,
    drafts: Sequence[str],
    predictions: Floats,
    logprobs: Sequence[float | None] | None = None,
) -> Weights:
    """The same weights with draft heads. `predictions` (n, 2) are out-of-fold P(local ok) and gain
    of the examples' prompts; both outcomes must be known for every row.
    """
    matrix = draft_matrix(examples.texts, drafts, logprobs)
    return replace(weights, draft=fit_draft_heads(examples, matrix, predictions))


def fit_draft_heads(examples: Examples, matrix: Floats, predictions: Floats) -> DraftHeads:
    """From the features of the drafts, shape (n, len(DRAFT))."""
    mean = matrix.mean(axis=0)
    scale = np.maximum(matrix.std(axis=0), SMALLEST_SCALE)
    inputs = _inputs(standardise(matrix, mean, scale), predictions)
    gain = Ridge(alpha=RIDGE_PENALTY).fit(inputs, examples.cloud_ok - examples.local_ok)
    ok = LogisticRegression(C=LOGISTIC_C, max_iter=1000).fit(inputs, examples.local_ok > 0.5)
    return DraftHeads(
        mean=tuple(map(float, mean)),
        scale=tuple(map(float, scale)),
        ok=_head(Link.LOGISTIC, float(ok.intercept_[0]), ok.coef_[0]),
        gain=_head(Link.IDENTITY, float(gain.intercept_), gain.coef_),
    )


def draft_matrix(
    questions: Sequence[str],
    drafts: Sequence[str],
    logprobs: Sequence[float | None] | None = None,
) -> Floats:
    """Shape (n, len(DRAFT))."""
    given = [None] * len(drafts) if logprobs is None else logprobs
    rows = zip(questions, drafts, given, strict=True)
    return np.array([draft_features(*row) for row in rows], dtype=np.float64)


def draft_scores(heads: DraftHeads, matrix: Floats, predictions: Floats) -> Floats:
    """Expected gain of the cloud over each draft, as `judge_draft` computes it."""
    mean, scale = np.array(heads.mean), np.array(heads.scale)
    inputs = _inputs(standardise(matrix, mean, scale), predictions)
    slopes = np.array([*heads.gain.features, heads.gain.local_ok, heads.gain.gain])
    return np.asarray(heads.gain.bias + inputs @ slopes)


def cross_predict(
    examples: Examples,
    table: PieceTable | None = None,
    recipe: Recipe | None = None,
    seed: int = 0,
    *,
    prompts: Prompts | None = None,
) -> Floats:
    """P(local ok) and gain of each example by a router that has not seen it; shape (n, 2).

    `prompts` are the examples' features, for who has read them already.
    """
    folds = folds_of(examples.groups, seed)
    found = np.zeros((len(examples), 2))
    for fold in range(FOLDS):
        rest, held_out = _split(folds, fold)
        read = None if prompts is None else prompts.rows(rest)
        weights = fit_router(examples.rows(rest), table, recipe, prompts=read)
        if prompts is None:
            found[held_out] = predict_many(weights, examples.rows(held_out))[:, :2]
        else:
            found[held_out] = prompt_predictions(weights, prompts.rows(held_out))
    return found


def prompt_predictions(weights: Weights, prompts: Prompts) -> Floats:
    """P(local ok) and gain of each prompt, without a classifier; shape (n, 2)."""
    heads = (weights.local_ok, weights.gain)
    return np.column_stack([values(weights, head, prompts) for head in heads])


def _split(folds: NDArray[np.int64], fold: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    return np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)


def _inputs(standard: Floats, predictions: Floats) -> Floats:
    odds = np.array([log_odds(float(p)) for p in predictions[:, 0]])
    return np.column_stack([standard, odds, predictions[:, 1]])


def _head(link: Link, bias: float, slopes: Floats) -> DraftHead:
    *features, local_ok, gain = map(float, slopes)
    return DraftHead(link, bias, tuple(features), local_ok, gain)
