"""Shows the model more examples, out of a pool that was written for this, and never a user's.

Tries sets that lean towards the labels that are missed most, and keeps what helps.
"""

from __future__ import annotations

from collections import Counter
from importlib.resources import files
from random import Random

from ....routing.question import Example, Question
from ..parts import Parts
from .problem import Attempt, Problem

# So many examples at a time: fewer hardly move a small model, more make every turn slower.
AT_ONCE = 4
# Sets to try; each costs a pass over the validation cases.
SETS = 4


class Demonstrations:
    """Adds to the best set so far, as long as calls are left."""

    name = "demonstrations"

    def propose(self, problem: Problem) -> None:
        problem.begin()
        random, best = Random(problem.seed), problem.current  # noqa: S311 - no secret
        missed = _missed_labels(problem)
        for _ in range(SETS):
            pool = _unused(problem, best)
            if not pool or not problem.can_choose:
                return
            parts = Parts.of(problem.prompt(best.text))
            drawn = _drawn(pool, missed, _unshown(parts), random)
            for example in drawn:
                parts = parts.with_example(example)
            labels = Counter(example.label for example in drawn)
            note = "shows " + ", ".join(f"{n} more {label}" for label, n in labels.items())
            tried = problem.try_out(self.name, parts.text, best.version, note)
            if (tried.score or 0.0) > (best.score or 0.0):
                best = tried


def _missed_labels(problem: Problem) -> Counter[str]:
    """How often each label was not said although it should have been."""
    words = {
        meaning: label for label, meaning in Question.from_prompt(problem.parent).labels.items()
    }
    missed: Counter[str] = Counter()
    for failure in problem.failures:
        wanted = "YES" if failure.expected == "ENRICH" else "NO"
        label = words.get(failure.expected) or words.get(wanted)
        if label:
            missed[label] += failure.count
    return missed


def _unused(problem: Problem, best: Attempt) -> list[Example]:
    shown = {
        example.question for example in Question.from_prompt(problem.prompt(best.text)).examples
    }
    return [example for example in _pool(problem) if example.question not in shown]


def _pool(problem: Problem) -> list[Example]:
    """The written examples whose labels this prompt has."""
    labels = Question.from_prompt(problem.parent).labels
    path = files("hal.lab.improve") / "pool" / f"{problem.name}.txt"
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    pairs = (line.partition("|")[::2] for line in lines)
    found = [Example(text.strip(), label.strip()) for label, text in pairs]
    return [example for example in found if example.label in labels]


def _unshown(parts: Parts) -> set[str]:
    """The labels that have no example yet: examples of some labels alone speak against the rest."""
    question = Question.from_prompt(parts.prompt)
    return set(question.labels) - {example.label for example in question.examples}


def _drawn(
    pool: list[Example], missed: Counter[str], unshown: set[str], random: Random
) -> list[Example]:
    """Without repetition; a label that is missed twice as often comes twice as often, and one that
    is not shown yet comes at least once."""
    ranked = sorted(
        pool, key=lambda e: random.random() ** (1 / (1 + missed[e.label])), reverse=True
    )
    firsts = [next((e for e in ranked if e.label == label), None) for label in sorted(unshown)]
    wanted = [example for example in firsts if example is not None]
    return [*wanted, *(example for example in ranked if example not in wanted)][:AT_ONCE]
