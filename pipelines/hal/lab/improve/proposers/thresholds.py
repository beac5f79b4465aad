"""Moves the thresholds between the labels: other base rates, and not a word of the prompt.

The model has read the same, so what it said to each case is known and nothing is asked again: a
replay is arithmetic.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from ....routing.question import Question
from ..cases import Case
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
        best = tuned(problem, problem.parent.text, problem.train)
        if best.text != problem.parent.text:
            problem.try_out(self.name, best.text, problem.current.version, best.rates)


@dataclass(frozen=True, slots=True)
class Tuned:
    """A text with the base rates that decide most of some cases right, `score` of them, 0..1."""

    text: str
    rates: str
    score: float


def tuned(problem: Problem, text: str, cases: Sequence[Case]) -> Tuned:
    """Ask about these cases in the words of `text`, where that is not known yet, and choose.

    The rates that it has stay where no others are better. Raises BudgetSpent, ProviderError.
    """
    prompt = problem.prompt(text)
    parts, now = Parts.of(prompt), Question.from_prompt(prompt).base_rates

    def scored(text: str, steps: Mapping[str, float]) -> Tuned:
        words = " ".join(f"{label}={rate:.2f}" for label, rate in steps.items())
        return Tuned(text, words, score(cases, problem.routes(text, cases)))

    found = [scored(text, now)]
    found += [scored(parts.with_base_rates(step).text, step) for step in _grid(now)]
    return max(found, key=lambda one: one.score)


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
