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

# Factors on the odds of each label: finer steps are not what some hundred cases can tell apart.
FACTORS = (0.5, 1.0, 2.0)
# Steps in a row: three of them change odds by a factor of eight.
ROUNDS = 3


class Thresholds:
    """Climbs by the cases that are learned from, so that the validation cases only confirm."""

    name = "thresholds"

    def propose(self, problem: Problem) -> None:
        problem.begin()
        best, rates = problem.parent.text, Question.from_prompt(problem.parent).base_rates
        value = _score(problem, best)
        for _ in range(ROUNDS):
            parts = Parts.of(problem.parent)
            steps = {parts.with_base_rates(step).text: step for step in _grid(rates)}
            scores = {text: _score(problem, text) for text in steps}
            found = max(scores, key=lambda text: scores[text], default="")
            if not found or scores[found] <= value:
                break
            best, rates, value = found, steps[found], scores[found]
        if best != problem.parent.text:
            note = " ".join(f"{label}={rate:.2f}" for label, rate in rates.items())
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
