"""Labelled turns to learn from, and the vectors of word pieces.

Values only. An outcome that nobody knows is NaN: a turn with a rating alone teaches whether the
local answer was good enough, a shadow pair also what the cloud would have gained.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ...routing.learned.weights import LABELS
from .curve import Floats


@dataclass(frozen=True, slots=True)
class PieceTable:
    """A vector per word piece: `vectors` (len(vocabulary), d). Empty where there is none."""

    vocabulary: Mapping[str, int] = field(default_factory=dict)
    vectors: Floats = field(default_factory=lambda: np.zeros((0, 0)))


@dataclass(frozen=True, slots=True)
class Examples:
    """One row per turn. `local_ok`, `cloud_ok` and `needs_search` are 0..1 or NaN.

    `labels` (n, 3) are the classifier's P(SIMPLE), P(COMPLEX), P(ENRICH), NaN where it was not
    asked; `embedding` (n, d) vectors of length 1, or None; `groups` number conversations, whose
    turns are never split between learning and judging.
    """

    texts: tuple[str, ...]
    local_ok: Floats
    cloud_ok: Floats
    needs_search: Floats
    labels: Floats
    groups: NDArray[np.int64]
    embedding: Floats | None = None

    def __len__(self) -> int:
        return len(self.texts)

    def rows(self, at: NDArray[np.int64]) -> Examples:
        """Some of them, in the order of `at`."""
        return Examples(
            texts=tuple(self.texts[row] for row in at),
            local_ok=self.local_ok[at],
            cloud_ok=self.cloud_ok[at],
            needs_search=self.needs_search[at],
            labels=self.labels[at],
            groups=self.groups[at],
            embedding=None if self.embedding is None else self.embedding[at],
        )


def pairs(
    texts: list[str],
    local_ok: Floats,
    cloud_ok: Floats,
    *,
    groups: NDArray[np.int64] | None = None,
    embedding: Floats | None = None,
) -> Examples:
    """Examples with both outcomes and nothing else; each its own conversation by default."""
    unknown = np.full(len(texts), np.nan)
    return Examples(
        texts=tuple(texts),
        local_ok=local_ok,
        cloud_ok=cloud_ok,
        needs_search=unknown,
        labels=np.full((len(texts), len(LABELS)), np.nan),
        groups=np.arange(len(texts)) if groups is None else groups,
        embedding=embedding,
    )
