"""The served prediction for many prompts at once, from matrices: for benchmarks and evaluations.

The same numbers as `predict.py` (a test holds them together), two hundred times as fast once the
features are read. Knows no classifier: only what a prompt and its embedding show.
"""

from __future__ import annotations

import numpy as np

from ...routing.learned.weights import EMBEDDING, PROMPT, Head, Link, Weights
from .curve import Floats
from .features import Prompts, standardise


def values(weights: Weights, head: Head, prompts: Prompts) -> Floats:
    """A head's answers, shape (n,): probabilities or amounts."""
    inputs = {PROMPT: _prompt_scores(weights, head, prompts)}
    if head.embedding and prompts.embedding.shape[1] == len(head.embedding):
        inputs[EMBEDDING] = prompts.embedding @ np.array(head.embedding)
    known = [stack for stack in head.stacks if inputs.keys() >= set(stack.inputs)]
    stack = max(known, key=lambda one: len(one.inputs))
    total = stack.bias + sum(
        weight * inputs[name] for name, weight in zip(stack.inputs, stack.weights, strict=True)
    )
    if head.link is Link.LOGISTIC:
        total = 1 / (1 + np.exp(-np.clip(total, -700, 700)))
    return np.asarray(total, dtype=np.float64)


def _prompt_scores(weights: Weights, head: Head, prompts: Prompts) -> Floats:
    total = np.zeros(len(prompts))
    if head.surface:
        mean, scale = np.array(weights.surface_mean), np.array(weights.surface_scale)
        total += standardise(prompts.surface, mean, scale) @ np.array(head.surface)
    families = (
        (head.words, prompts.words),
        (head.pairs, prompts.pairs),
        (head.parts, prompts.parts),
        (head.pieces, prompts.pieces),
    )
    for family, matrix in families:
        if len(family):
            total += matrix @ np.frombuffer(family, dtype=np.float32).astype(np.float64)
    return total
