"""A linear head over all families of features at once: ridge regression, solved by its kernel.

A few thousand labels are far fewer than a hundred thousand weights, so the system is solved over
prompts: the kernels of the families are added, each with a share of its own (what a stack of one
ridge per family comes to, with fewer numbers to get wrong), and the weights are read off in the
end. Knows no thresholds and no calibration.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, lapack
from scipy.sparse import csr_matrix, diags

from .curve import Floats
from .features import Prompts, standardise

# A feature that never changes would be divided by zero.
SMALLEST_SCALE = 1e-6


@dataclass(frozen=True, slots=True)
class Recipe:
    """How much each family counts (shares of the kernel) and how much noise the labels have.

    Chosen on the development half of MMLU (docs/decisions.md): outcomes are noisy, so the penalty
    is a hundred times what text classification uses.
    """

    words: float = 4.0
    pairs: float = 6.0
    parts: float = 2.0
    pieces: float = 0.5
    surface: float = 0.5
    embedding: float = 1.0
    penalty: float = 100.0


@dataclass(frozen=True, slots=True)
class Scaling:
    """What the training prompts say about how features are spread: no labels in it.

    `surface_mean` and `surface_scale` standardise; the rest multiply a family's columns, so that
    rare things count more and each family has rows of length one on average, times its share.
    """

    surface_mean: Floats
    surface_scale: Floats
    surface: float
    words: Floats
    pairs: Floats
    parts: Floats
    pieces: Floats
    embedding: float


@dataclass(frozen=True, slots=True)
class Linear:
    """The weights of a head, in the terms of `Prompts`; `bias` is the mean outcome."""

    bias: float
    surface: Floats
    words: Floats
    pairs: Floats
    parts: Floats
    pieces: Floats
    embedding: Floats


@dataclass(frozen=True, slots=True)
class Scaled:
    """Prompts as the kernel sees them; `pieces` are vectors here, no longer positions."""

    surface: Floats
    words: csr_matrix
    pairs: csr_matrix
    parts: csr_matrix
    pieces: Floats
    embedding: Floats


def scaling(prompts: Prompts, table: Floats, recipe: Recipe) -> Scaling:
    """From the training prompts. `table` (vocabulary, d) has a vector per word piece."""
    mean = prompts.surface.mean(axis=0)
    scale = np.maximum(prompts.surface.std(axis=0), SMALLEST_SCALE)
    length = float(np.sqrt((standardise(prompts.surface, mean, scale) ** 2).sum(axis=1).mean()))
    vectors = prompts.pieces @ table
    return Scaling(
        surface_mean=mean,
        surface_scale=scale,
        surface=np.sqrt(recipe.surface) / max(length, SMALLEST_SCALE),
        words=np.sqrt(recipe.words) * _rarity(prompts.words),
        pairs=np.sqrt(recipe.pairs) * _rarity(prompts.pairs),
        parts=np.sqrt(recipe.parts) * _rarity(prompts.parts),
        pieces=np.full(len(table), np.sqrt(recipe.pieces) / _length(vectors)),
        embedding=float(np.sqrt(recipe.embedding) / _length(prompts.embedding)),
    )


def scaled(prompts: Prompts, how: Scaling, table: Floats) -> Scaled:
    """Prompts by a training set's scaling."""
    standard = standardise(prompts.surface, how.surface_mean, how.surface_scale)
    return Scaled(
        surface=standard * how.surface,
        words=(prompts.words @ diags(how.words)).tocsr(),
        pairs=(prompts.pairs @ diags(how.pairs)).tocsr(),
        parts=(prompts.parts @ diags(how.parts)).tocsr(),
        pieces=(prompts.pieces @ diags(how.pieces)) @ table,
        embedding=prompts.embedding * how.embedding,
    )


def kernel(first: Scaled, second: Scaled) -> Floats:
    """Similarities, shape (len(first), len(second)): the families added up."""
    dense = (
        first.surface @ second.surface.T
        + first.pieces @ second.pieces.T
        + first.embedding @ second.embedding.T
    )
    sparse = sum(
        (one @ other.T for one, other in zip(_sparse(first), _sparse(second), strict=True)),
        start=csr_matrix((len(first.surface), len(second.surface))),
    )
    return np.asarray(dense + sparse.toarray(), dtype=np.float64)


def inverse(gram: Floats, penalty: float) -> Floats:
    """Of the kernel with its penalty: one for all heads and all folds, by Cholesky's method.

    Raises LinAlgError for a penalty of zero and prompts that are the same.
    """
    system = gram + penalty * np.eye(len(gram))
    factor, failed = lapack.dpotrf(system, lower=True, overwrite_a=True)
    if failed:
        raise LinAlgError("The kernel with its penalty is not positive definite.")
    half, _ = lapack.dpotri(factor, lower=True, overwrite_c=True)
    return np.asarray(np.tril(half) + np.tril(half, -1).T)


def duals(inverted: Floats, outcomes: Floats) -> Floats:
    """One weight per training prompt, for outcomes less their mean."""
    return np.asarray(inverted @ (outcomes - outcomes.mean()))


def duals_without(inverted: Floats, outcomes: Floats, held_out: NDArray[np.bool_]) -> Floats:
    """`duals` of a fit that has not seen some prompts, from the inverse over all of them.

    Zero for those. They are given the outcomes that a fit without them would predict, which pull
    at nothing; so a small system is solved in place of a large one.
    """
    seen = np.where(held_out, 0.0, outcomes - outcomes[~held_out].mean())
    pull = inverted[held_out] @ seen
    seen[held_out] = -np.linalg.solve(inverted[np.ix_(held_out, held_out)], pull)
    return np.where(held_out, 0.0, inverted @ seen)


def weights(train: Scaled, how: Scaling, table: Floats, dual: Floats, bias: float) -> Linear:
    """What the duals come to, per feature."""
    return Linear(
        bias=bias,
        surface=how.surface * (train.surface.T @ dual),
        words=how.words * (train.words.T @ dual),
        pairs=how.pairs * (train.pairs.T @ dual),
        parts=how.parts * (train.parts.T @ dual),
        pieces=how.pieces * (table @ (train.pieces.T @ dual)),
        embedding=how.embedding * (train.embedding.T @ dual),
    )


def scores(prompts: Prompts, linear: Linear, how: Scaling) -> Floats:
    """The head's sum for each prompt, bias included: what the served router computes."""
    standard = standardise(prompts.surface, how.surface_mean, how.surface_scale)
    return np.asarray(
        linear.bias
        + standard @ linear.surface
        + prompts.words @ linear.words
        + prompts.pairs @ linear.pairs
        + prompts.parts @ linear.parts
        + prompts.pieces @ linear.pieces
        + prompts.embedding @ linear.embedding
    )


def _sparse(prompts: Scaled) -> tuple[csr_matrix, csr_matrix, csr_matrix]:
    return prompts.words, prompts.pairs, prompts.parts


def _rarity(columns: csr_matrix) -> Floats:
    """Inverse document frequency, scaled so that rows have length one on average."""
    count = columns.shape[0]
    seen = np.asarray((columns > 0).sum(axis=0)).ravel()
    rarity = np.log((1 + count) / (1 + seen)) + 1
    weighted = columns @ diags(rarity)
    length = np.sqrt(weighted.multiply(weighted).sum() / count)
    return np.asarray(rarity / max(float(length), SMALLEST_SCALE))


def _length(vectors: Floats) -> float:
    if vectors.size == 0:
        return 1.0
    return max(float(np.sqrt((vectors**2).sum(axis=1).mean())), SMALLEST_SCALE)
