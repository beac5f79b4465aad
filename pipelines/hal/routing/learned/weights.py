"""The weights of a learned router, as frozen values.

Knows neither the file that they stand in (`weights_file.py`) nor how they are used (`predict.py`).
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

# What a stack may read beside the embedding: the classifier's probabilities, by route.
LABELS = ("SIMPLE", "COMPLEX", "ENRICH")
PROMPT, EMBEDDING = "prompt", "embedding"
INPUTS = (PROMPT, EMBEDDING, *LABELS)


class Link(StrEnum):
    """What a head's number is: a probability, or an amount as it is."""

    LOGISTIC = "logistic"
    IDENTITY = "identity"


@dataclass(frozen=True, slots=True)
class Stack:
    """Weights of the inputs that were known when it was fitted; calibrated for exactly those."""

    inputs: tuple[str, ...]
    bias: float
    weights: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Head:
    """One question. An empty array is a family that this head does not look at.

    `surface` has one weight per SURFACE, for the standardised number; `words`, `pairs` and `parts`
    one per bucket; `pieces` one per word of the vocabulary; `embedding` one per dimension.
    """

    link: Link
    surface: tuple[float, ...]
    words: array[float]
    pairs: array[float]
    parts: array[float]
    pieces: array[float]
    embedding: tuple[float, ...]
    stacks: tuple[Stack, ...]


@dataclass(frozen=True, slots=True)
class DraftHead:
    """One question about a draft: weights of the standardised DRAFT features, and of what was
    predicted from the prompt alone (log-odds of `p_local_ok`, and `gain`).
    """

    link: Link
    bias: float
    features: tuple[float, ...]
    local_ok: float
    gain: float


@dataclass(frozen=True, slots=True)
class DraftHeads:
    """What a cascade needs; `mean` and `scale` standardise the DRAFT features."""

    mean: tuple[float, ...]
    scale: tuple[float, ...]
    ok: DraftHead
    gain: DraftHead


@dataclass(frozen=True, slots=True)
class Weights:
    """A whole file. `surface_mean` and `surface_scale` standardise; `made` says from what.

    `embedding_model` is the model whose vectors the `embedding` weights are for, "" for none.
    """

    vocabulary: Mapping[str, int]
    surface_mean: tuple[float, ...]
    surface_scale: tuple[float, ...]
    embedding_model: str
    local_ok: Head
    gain: Head
    needs_search: Head | None
    draft: DraftHeads | None
    made: Mapping[str, str]
