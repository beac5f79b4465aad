"""What the learned router says about a prompt: plain sums over its weights.

Pure and deterministic; about a millisecond for 200 words. Knows neither thresholds nor targets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, log, sqrt
from operator import mul

from ..excerpt import shorten
from .ngrams import pair_buckets, part_buckets, word_buckets, words_of
from .pieces import piece_positions
from .surface import surface
from .weights import EMBEDDING, LABELS, PROMPT, Head, Link, Stack, Weights

# Of a longer prompt, head and tail: more would cost more than the 2 ms that a decision may take,
# and says little more about how hard it is.
READS_BYTES = 8_000
# Of a standardised surface number: beyond, an outlier would decide alone.
LARGEST_DEVIATION = 4.0
# Of the classifier's log-odds: it is never surer than 99.8 %.
LARGEST_LOG_ODDS = 6.0
# exp() of more does not fit a float.
LARGEST_EXPONENT = 700.0


@dataclass(frozen=True, slots=True)
class Features:
    """One prompt as the heads see it. `surface` is standardised; the rest are positions."""

    surface: tuple[float, ...]
    words: list[int]
    pairs: list[int]
    parts: list[int]
    pieces: list[int]


@dataclass(frozen=True, slots=True)
class Prediction:
    """`p_local_ok`: that the local answer is good enough, 0..1. `gain`: how much better the cloud's
    is expected to be, on the scale of the outcomes. `p_needs_search`: None where nobody learned it.
    `inputs`: what was looked at.
    """

    p_local_ok: float
    gain: float
    p_needs_search: float | None
    inputs: tuple[str, ...]


class LearnedRouter:
    """Predicts with one set of weights; cheap to make, safe to share between threads."""

    def __init__(self, weights: Weights) -> None:
        self.weights = weights

    def predict(
        self,
        text: str,
        labels: Mapping[str, float] | None = None,
        embedding: Sequence[float] | None = None,
    ) -> Prediction:
        """`labels` are the classifier's P(SIMPLE), P(COMPLEX) and P(ENRICH), where it was asked;
        `embedding` is the vector of `weights.embedding_model`, of length 1. A vector of another
        length than the weights have is not looked at.
        """
        weights = self.weights
        features = features_of(text, weights)
        inputs = known_inputs(labels, embedding, weights.local_ok)
        search = weights.needs_search
        return Prediction(
            p_local_ok=value(weights.local_ok, features, labels, embedding),
            gain=value(weights.gain, features, labels, embedding),
            p_needs_search=None if search is None else value(search, features, labels, embedding),
            inputs=_stack(weights.local_ok, inputs).inputs,
        )


def features_of(text: str, weights: Weights) -> Features:
    """Once per prompt, for all heads; what no head weighs is left empty."""
    read = shorten(text, READS_BYTES)
    words = words_of(read)
    heads = [weights.local_ok, weights.gain]
    heads += [weights.needs_search] if weights.needs_search is not None else []
    return Features(
        surface=standardised(surface(read), weights.surface_mean, weights.surface_scale),
        words=word_buckets(words) if any(head.words for head in heads) else [],
        pairs=pair_buckets(words) if any(head.pairs for head in heads) else [],
        parts=part_buckets(words) if any(head.parts for head in heads) else [],
        pieces=piece_positions(words, weights.vocabulary) if weights.vocabulary else [],
    )


def standardised(
    numbers: Sequence[float], mean: Sequence[float], scale: Sequence[float]
) -> tuple[float, ...]:
    """Distances from the mean in scales, cut at LARGEST_DEVIATION."""
    return tuple(
        max(-LARGEST_DEVIATION, min(LARGEST_DEVIATION, (number - middle) / width))
        for number, middle, width in zip(numbers, mean, scale, strict=True)
    )


def value(
    head: Head,
    features: Features,
    labels: Mapping[str, float] | None = None,
    embedding: Sequence[float] | None = None,
) -> float:
    """A head's answer: a probability or an amount."""
    inputs = known_inputs(labels, embedding, head)
    stack = _stack(head, inputs)
    total = stack.bias + sum(
        weight * inputs[name] if name != PROMPT else weight * prompt_score(head, features)
        for name, weight in zip(stack.inputs, stack.weights, strict=True)
    )
    return sigmoid(total) if head.link is Link.LOGISTIC else total


def prompt_score(head: Head, features: Features) -> float:
    """The sum over what a prompt itself shows."""
    return (
        _dot(head.surface, features.surface)
        + _mean(head.words, features.words)
        + _mean(head.pairs, features.pairs)
        + _mean(head.parts, features.parts)
        + _mean(head.pieces, features.pieces)
    )


def known_inputs(
    labels: Mapping[str, float] | None, embedding: Sequence[float] | None, head: Head
) -> dict[str, float]:
    """Values of the inputs of a stack; the prompt's own score is filled in by who needs it."""
    found = {PROMPT: 0.0}
    if embedding is not None and head.embedding and len(embedding) == len(head.embedding):
        found[EMBEDDING] = _dot(head.embedding, embedding)
    if labels is not None and all(label in labels for label in LABELS):
        found |= {label: log_odds(labels[label]) for label in LABELS}
    return found


def log_odds(p: float) -> float:
    """Of a probability, cut so that 0 and 1 have one too."""
    edge = 1 / (1 + exp(LARGEST_LOG_ODDS))
    kept = max(edge, min(1 - edge, p))
    return log(kept / (1 - kept))


def sigmoid(total: float) -> float:
    """1 / (1 + e^-x) for any x."""
    return 1 / (1 + exp(max(-LARGEST_EXPONENT, min(LARGEST_EXPONENT, -total))))


def _stack(head: Head, inputs: Mapping[str, float]) -> Stack:
    """The one that reads most of what is known; weights_file.py makes sure that there is one."""
    known = [stack for stack in head.stacks if inputs.keys() >= set(stack.inputs)]
    return max(known, key=lambda stack: len(stack.inputs))


def _dot(weights: Sequence[float], numbers: Sequence[float]) -> float:
    return sum(map(mul, weights, numbers)) if weights else 0.0


def _mean(weights: Sequence[float], positions: list[int]) -> float:
    """Each position counts one over the root of their number: a bag of length 1."""
    if not weights or not positions:
        return 0.0
    return sum(map(weights.__getitem__, positions)) / sqrt(len(positions))
