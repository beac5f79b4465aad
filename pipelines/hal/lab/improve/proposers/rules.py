"""Adds single rules that a model writes for what goes wrong most; each stays only if it helps.

Knows what goes wrong and how to ask; what may stand in a rule is the guards' business.
"""

from __future__ import annotations

from ....prompts import load_prompt
from ..parts import Parts
from .problem import Problem
from .reflector import ReflectionsSpent, bullets

# Kinds of failures to ask about: the dearest ones, a reflection for each.
KINDS = 3


class Rules:
    """Greedy: a rule that helps is kept, and the next one comes on top."""

    name = "rules"

    def __init__(self) -> None:
        self._instructions = load_prompt("reflect_bullets")

    def propose(self, problem: Problem) -> None:
        problem.begin()
        if problem.reflect is None:
            return
        best = problem.current
        for failure in problem.failures[:KINDS]:
            rules = Parts.of(problem.prompt(best.text)).system
            chosen = {case.id: failure.chosen for case in failure.examples}
            try:
                found = bullets(
                    problem.reflect, self._instructions, rules, failure.examples, chosen
                )
            except ReflectionsSpent:
                return
            for rule in found:
                if not problem.can_choose:
                    return
                text = Parts.of(problem.prompt(best.text)).with_rule(rule).text
                tried = problem.try_out(self.name, text, best.version, f"for {failure.words}")
                if (tried.score or 0.0) > (best.score or 0.0):
                    best = tried
