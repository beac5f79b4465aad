"""Lets a model write the rules anew, again and again, from a handful of decisions at a time.

The optimiser without a dependency: hill climbing on small batches, with a pass over all validation
cases only for what did better on its batch. After GEPA's reflective mutation (arXiv 2507.19457),
without its pool of candidates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from random import Random

from ....prompts import Prompt, load_prompt
from ..cases import Case
from ..parts import Parts
from ..replay import score
from .problem import Attempt, Problem
from .reflector import ReflectionsSpent, rewrite

# Of these, two thirds are failures: what is right has to be seen to stay right.
BATCH, FAILURES = 9, 6


class Rewriting:
    """Climbs from the best text so far, whoever has found it."""

    name = "rewriting"

    def __init__(self) -> None:
        self._instructions: Prompt = load_prompt("reflect_rules")

    def propose(self, problem: Problem) -> None:
        problem.begin()
        if problem.reflect is None:
            return
        random, best = Random(problem.seed), problem.tree.leader  # noqa: S311 - no secret
        while problem.can_choose:
            batch, chosen = _batch(problem, best, random)
            parts = Parts.of(problem.prompt(best.text))
            try:
                rules = rewrite(problem.reflect, self._instructions, parts.system, batch, chosen)
            except ReflectionsSpent:
                return
            text = replace(parts, system=rules).text
            if not problem.refusal(text) and score(batch, problem.routes(text, batch)) <= score(
                batch, chosen
            ):
                continue  # no better on what it was made for
            tried = problem.try_out(self.name, text, best.version, "rules written anew")
            if (tried.score or 0.0) > (best.score or 0.0):
                best = tried


def _batch(
    problem: Problem, best: Attempt, random: Random
) -> tuple[Sequence[Case], Mapping[str, str]]:
    """Some failures of a random part of the training cases, and some that are right."""
    drawn = random.sample(problem.train, min(len(problem.train), 3 * BATCH))
    chosen = problem.routes(best.text, drawn)
    wrong = [case for case in drawn if chosen[case.id] != case.expected][:FAILURES]
    right = [case for case in drawn if chosen[case.id] == case.expected]
    batch = [*wrong, *right[: BATCH - len(wrong)]]
    return batch, {case.id: chosen[case.id] for case in batch}
