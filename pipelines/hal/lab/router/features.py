"""Matrices of what the served router sees in a prompt, one row per prompt.

Made by the functions that serve, so that training and serving cannot differ. Knows no labels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from ...routing.excerpt import shorten
from ...routing.learned.ngrams import BUCKETS, pair_buckets, part_buckets, word_buckets, words_of
from ...routing.learned.pieces import piece_positions
from ...routing.learned.predict import LARGEST_DEVIATION, READS_BYTES
from ...routing.learned.surface import surface
from .curve import Floats


@dataclass(frozen=True, slots=True)
class Prompts:
    """`surface` (n, 23) as measured; `words`, `pairs`, `parts` (n, 32768) and `pieces` (n,
    vocabulary) with rows as `predict.py` sums them; `embedding` (n, d), or (n, 0) for none.
    """

    surface: Floats
    words: csr_matrix
    pairs: csr_matrix
    parts: csr_matrix
    pieces: csr_matrix
    embedding: Floats

    def __len__(self) -> int:
        return len(self.surface)

    def rows(self, at: NDArray[np.int64]) -> Prompts:
        """Some of them, in the order of `at`."""
        return Prompts(
            self.surface[at],
            self.words[at],
            self.pairs[at],
            self.parts[at],
            self.pieces[at],
            self.embedding[at],
        )


def read_prompts(
    texts: Sequence[str], vocabulary: Mapping[str, int], embedding: Floats | None = None
) -> Prompts:
    """All features of all texts. `embedding` has one row of length 1 per text."""
    read = [shorten(text, READS_BYTES) for text in texts]
    words = [words_of(text) for text in read]
    return Prompts(
        surface=np.array([surface(text) for text in read], dtype=np.float64),
        words=bags([word_buckets(one) for one in words], BUCKETS),
        pairs=bags([pair_buckets(one) for one in words], BUCKETS),
        parts=bags([part_buckets(one) for one in words], BUCKETS),
        pieces=bags([piece_positions(one, vocabulary) for one in words], len(vocabulary)),
        embedding=np.zeros((len(texts), 0)) if embedding is None else embedding,
    )


def bags(positions: Sequence[Sequence[int]], size: int) -> csr_matrix:
    """Rows in which each position counts one over the root of their number."""
    starts = np.concatenate([[0], np.cumsum([len(row) for row in positions])])
    columns = np.array([at for row in positions for at in row], dtype=np.int64)
    each = np.array([1 / np.sqrt(len(row)) for row in positions for _ in row])
    found = csr_matrix((each, columns, starts), shape=(len(positions), size))
    found.sum_duplicates()
    return found


def standardise(numbers: Floats, mean: Floats, scale: Floats) -> Floats:
    """As `predict.standardised`, for many rows."""
    return np.clip((numbers - mean) / scale, -LARGEST_DEVIATION, LARGEST_DEVIATION)
