"""What bench/routing.py measures, one function per table. All are pure but for the progress.

Every router is fitted by `hal.lab.router.fit` and judged by the numbers that the served one gives.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

import numpy as np
from _routing_data import Benchmark
from _routing_report import Row, row
from numpy.typing import NDArray

from hal.lab.router.batch import values
from hal.lab.router.curve import (
    Floats,
    length_scores,
    oracle_scores,
    random_scores,
)
from hal.lab.router.drafts import (
    cross_predict,
    draft_matrix,
    draft_scores,
    fit_draft_heads,
    prompt_predictions,
)
from hal.lab.router.examples import Examples, PieceTable, pairs
from hal.lab.router.features import Prompts, read_prompts
from hal.lab.router.fit import FOLDS, fit_router, folds_of
from hal.lab.router.prior import fit_prior
from hal.lab.router.ridge import Recipe
from hal.routing.learned.draft import DRAFT
from hal.routing.learned.weights import Weights

LABELS = 1500
# What a log has after some weeks.
FEW_LABELS = 300
SPLITS = 5
# As in RouteLLM.
RANDOM_RUNS = 10
# A tenth of the drafts lack the mark that the grader looks for, which is a failure of its own.
FORMAT_FEATURES = (
    "has_final_number",
    "final_number_is_whole",
    "log_final_number",
    "final_number_is_negative",
    "has_answer_mark",
    "log_after_answer",
)
FROZEN = "MMLU, labels from the development half, judged on the frozen half"
ANYWHERE = "MMLU, labels from anywhere, judged on all others (half of them seen in development)"
FIVE_FOLDS = "{}, five folds"
CASCADE = "cascade: prompt and draft"
Rows = NDArray[np.int64]


class Kind(StrEnum):
    """What a learned router sees beside the prompt's own marks, words and parts of words."""

    PLAIN = "learned"
    VECTORS = "learned + word vectors"
    SENTENCES = "learned + sentence embedding"


@dataclass(frozen=True, slots=True)
class Setup:
    """What all tables share. `table` and `sentences` (by benchmark) are empty when not given."""

    table: PieceTable
    recipe: Recipe
    sentences: dict[str, Floats]
    _read: dict[tuple[str, Kind], Prompts] = field(default_factory=dict)

    def kinds(self, data: Benchmark) -> list[Kind]:
        """The routers that can be fitted with what was given."""
        with_table = [Kind.VECTORS] if self.table.vocabulary else []
        return [Kind.PLAIN, *with_table, *([Kind.SENTENCES] if data.name in self.sentences else [])]

    def examples(self, data: Benchmark, at: Rows, kind: Kind = Kind.PLAIN) -> Examples:
        vectors = self.sentences[data.name][at] if kind is Kind.SENTENCES else None
        part = data.rows(at)
        return pairs(list(part.prompts), part.weak, part.strong, embedding=vectors)

    def gains(self, weights: Weights, data: Benchmark, at: Rows, kind: Kind = Kind.PLAIN) -> Floats:
        """Expected gains of the cloud on those rows, as the served router says them."""
        return values(weights, weights.gain, self.read(data, kind).rows(at))

    def read(self, data: Benchmark, kind: Kind = Kind.PLAIN) -> Prompts:
        """The features of a whole benchmark, read once."""
        key = (data.name, kind)
        if key not in self._read:
            vocabulary = self.table.vocabulary if kind is Kind.VECTORS else {}
            vectors = self.sentences[data.name] if kind is Kind.SENTENCES else None
            self._read[key] = read_prompts(data.prompts, vocabulary, vectors)
        return self._read[key]

    def fit(self, data: Benchmark, at: Rows, kind: Kind = Kind.PLAIN) -> Weights:
        table = self.table if kind is Kind.VECTORS else PieceTable()
        return fit_router(
            self.examples(data, at, kind),
            table,
            self.recipe,
            embedding_model="all-minilm",
            prompts=self.read(data, kind).rows(at),
        )


@dataclass(frozen=True, slots=True)
class Draw:
    """Which rows labels are drawn from, and which are judged (less those that were drawn)."""

    learn_from: Rows
    judged_on: Rows
    labels: int = LABELS
    kind: Kind = Kind.PLAIN


def baselines(table: str, data: Benchmark, at: Rows) -> list[Row]:
    """Random, prompt length and the oracle."""
    part = data.rows(at)
    runs = [random_scores(len(part), seed) for seed in range(RANDOM_RUNS)]
    random = row(table, "random", 0, runs, [part.outcomes] * RANDOM_RUNS)
    known = {
        "prompt length": length_scores(list(part.prompts)),
        "oracle": oracle_scores(part.weak, part.strong),
    }
    rows = [row(table, name, 0, [scores], [part.outcomes]) for name, scores in known.items()]
    return [random, *rows]


def mmlu_rows(setup: Setup, data: Benchmark) -> Iterator[Row]:
    """1,500 labels from the development half, judged on the frozen half; then the published way."""
    frozen, development = np.flatnonzero(data.is_frozen), np.flatnonzero(~data.is_frozen)
    yield from baselines(FROZEN, data, frozen)
    yield _split_row(setup, data, FROZEN, Draw(development, frozen, FEW_LABELS))
    for kind in setup.kinds(data):
        yield _split_row(setup, data, FROZEN, Draw(development, frozen, LABELS, kind))
    everything = np.arange(len(data))
    yield from baselines(ANYWHERE, data, everything)
    for kind in setup.kinds(data):
        yield _split_row(setup, data, ANYWHERE, Draw(everything, everything, LABELS, kind))


def _split_row(
    setup: Setup,
    data: Benchmark,
    table: str,
    draw: Draw,
) -> Row:
    scores, outcomes = [], []
    for seed in range(SPLITS):
        train = np.random.default_rng(seed).permutation(draw.learn_from)[: draw.labels]
        test = np.setdiff1d(draw.judged_on, train)
        weights = setup.fit(data, train, draw.kind)
        scores.append(setup.gains(weights, data, test, draw.kind))
        outcomes.append(data.rows(test).outcomes)
    return row(table, draw.kind, draw.labels, scores, outcomes)


def cross_rows(setup: Setup, data: Benchmark, kinds: Sequence[Kind] | None = None) -> Iterator[Row]:
    """Five folds of one benchmark: labels of the same kind as what is judged."""
    everything = np.arange(len(data))
    table = FIVE_FOLDS.format(data.name)
    yield from baselines(table, data, everything)
    for kind in setup.kinds(data) if kinds is None else kinds:
        scores = np.zeros(len(data))
        for rest, held_out in folds(len(data)):
            weights = setup.fit(data, rest, kind)
            scores[held_out] = ranks(setup.gains(weights, data, held_out, kind))
        labels = len(data) * (FOLDS - 1) // FOLDS
        yield row(table, kind, labels, [scores], [data.outcomes])


def cascade_rows(setup: Setup, data: Benchmark) -> Iterator[Row]:
    """Looks at the weak model's answer before it decides; prompt scores are nested in the folds.

    The second row does without what depends on the format that GSM8K asks for.
    """
    matrix = draft_matrix(data.prompts, data.answers)
    plain = matrix.copy()
    plain[:, [DRAFT.index(name) for name in FORMAT_FEATURES]] = 0.0
    names = (CASCADE, "cascade without format and final number")
    scores = {name: np.zeros(len(data)) for name in names}
    for rest, held_out in folds(len(data)):
        examples = setup.examples(data, rest)
        prompts = setup.read(data)
        within = cross_predict(examples, None, setup.recipe, prompts=prompts.rows(rest))
        known = prompt_predictions(setup.fit(data, rest), prompts.rows(held_out))
        for name, features in zip(names, (matrix, plain), strict=True):
            heads = fit_draft_heads(examples, features[rest], within)
            scores[name][held_out] = ranks(draft_scores(heads, features[held_out], known))
    labels = len(data) * (FOLDS - 1) // FOLDS
    for name in names:
        table = FIVE_FOLDS.format(data.name)
        yield row(table, name, labels, [scores[name]], [data.outcomes])


def transfer_rows(setup: Setup, learned: Benchmark, others: Sequence[Benchmark]) -> Iterator[Row]:
    """A router and a prior that learned on one benchmark alone, on others that it never saw."""
    development = np.flatnonzero(~learned.is_frozen)
    train = np.random.default_rng(0).permutation(development)[:LABELS]
    examples = setup.examples(learned, train)
    routers = {
        f"learned on {learned.name}": setup.fit(learned, train),
        f"surface alone, learned on {learned.name}": fit_router(
            examples, None, replace(setup.recipe, words=0.0, pairs=0.0, parts=0.0, pieces=0.0)
        ),
        f"prior, learned on {learned.name}": fit_prior([examples], {}),
    }
    for other in others:
        table = f"{other.name}, never learned from"
        everything = np.arange(len(other))
        yield from baselines(table, other, everything)
        for name, weights in routers.items():
            yield row(
                table, name, LABELS, [setup.gains(weights, other, everything)], [other.outcomes]
            )


def folds(count: int) -> Iterator[tuple[Rows, Rows]]:
    """Rows to learn from and rows to judge, five times."""
    numbers = folds_of(np.arange(count))
    for fold in range(FOLDS):
        yield np.flatnonzero(numbers != fold), np.flatnonzero(numbers == fold)


def ranks(scores: Floats) -> Floats:
    """Places within a fold, 0..1: each fold's router has its own scale, and a share of turns for
    the cloud means the same in all of them.
    """
    return np.argsort(np.argsort(scores)) / len(scores)


def prior(mmlu: Benchmark, gsm8k: Benchmark) -> Weights:
    """The prior that is shipped: all outcomes of RouteLLM's MMLU and GSM8K."""
    made = {
        "labels": "outcomes of mixtral-8x7b (local) and gpt-4-1106 (cloud) on MMLU and GSM8K",
        "source": "lm-sys/RouteLLM 0b64fdafe049e596a3f5657c219329f24af24198",
        "licence": "outcomes Apache-2.0, questions MIT (MMLU, GSM8K)",
        "turns": str(len(mmlu) + len(gsm8k)),
    }
    sets = (mmlu, gsm8k)
    return fit_prior([pairs(list(one.prompts), one.weak, one.strong) for one in sets], made)
