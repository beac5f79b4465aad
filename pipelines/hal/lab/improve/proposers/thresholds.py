"""Moves the thresholds between the labels: other base rates, and not a word of the prompt.

The model has read the same, so what it said to each case is known and nothing is asked again: a
replay is arithmetic.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product

from ....routing.question import Question
from ..guards import LEAST_RATE, MOST_RATE
from ..parts import Parts
from ..replay import score
from .problem import Problem

# Factors on the odds of each label: finer steps are not what some hundred cases can tell apart, and
# beyond eight a label is as good as switched off. All are looked at: to go uphill step by step ends
# at once where a small step makes it worse and a large one better, as a real model showed.
FACTORS = (1 / 8, 1 / 3, 1.0, 3.0, 8.0)


class Thresholds:
    """Chooses by the cases that are learned from, so that the validation cases only confirm."""

    name = "thresholds"

    def propose(self, problem: Problem) -> None:
        problem.begin()
        rates, parts = Question.from_prompt(problem.parent).base_rates, Parts.of(problem.parent)
        steps = {parts.with_base_rates(step).text: step for step in _grid(rates)}
        scores = {text: _score(problem, text) for text in steps}
        best = max(scores, key=scores.__getitem__, default="")
        if best and scores[best] > _score(problem, problem.parent.text):
            note = " ".join(f"{label}={rate:.2f}" for label, rate in steps[best].items())
            problem.try_out(self.name, best, problem.current.version, note)


def _score(problem: Problem, text: str) -> float:
    return score(problem.train, problem.routes(text, problem.train))


def _grid(rates: Mapping[str, float]) -> Iterator[dict[str, float]]:
    """Other shares of use; the first label keeps its weight, as only the ratios count."""
    first, *others = rates
    for factors in product(FACTORS, repeat=len(others)):
        if set(factors) == {1.0}:
            continue
        weights = {first: rates[first]}
        weights |= {o: rates[o] * f for o, f in zip(others, factors, strict=True)}
        total = sum(weights.values())
        shares = {label: weight / total for label, weight in weights.items()}
        if all(LEAST_RATE < share < MOST_RATE for share in shares.values()):
            yield shares
