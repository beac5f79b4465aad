"""Shows the model more examples, out of a pool that was written for this, and never a user's.

Tries sets that lean towards the labels that are missed most, the largest first, each with the
thresholds that suit it: examples move what a model says to everything, and what they are worth
shows only when the thresholds have followed. Both are chosen by the cases that are learned from,
which no example was written for, and the validation cases confirm.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from hashlib import blake2b
from importlib.resources import files
from random import Random

from ....routing.question import Example, Question
from ..gate import allowed_chars, allowed_tokens
from ..parts import Parts
from .problem import Problem
from .thresholds import tuned

# Sets to try, as shares of the examples that there is room for. A small model needs many before it
# follows them; where fewer do as well, every turn is faster.
SHARES = (1.0, 0.5, 0.25, 0.5)


class Demonstrations:
    """Hands on the best set, if it is better than none."""

    name = "demonstrations"

    def propose(self, problem: Problem) -> None:
        problem.begin()
        cases = problem.sample
        if not problem.can_learn(cases):
            return
        random = Random(problem.seed)  # noqa: S311 - no secret
        ranked = _ranked(problem, random)
        room, fewest = _room(problem, ranked), len(Question.from_prompt(problem.parent).labels)
        found = [(0, tuned(problem, problem.current.text, cases))]
        for share in SHARES:
            size = max(fewest, round(share * room))
            if size > room or not problem.can_learn(cases):
                break
            drawn = (ranked if share == SHARES[0] else _ranked(problem, random))[:size]
            text = _with(problem, drawn)
            if not problem.refusal(text):  # before a model reads it
                found.append((size, tuned(problem, text, cases)))
        # Of sets that are as good, the one that is read fastest.
        shown, best = max(found, key=lambda one: (one[1].score, -one[0]))
        if shown:
            note = f"shows {shown} more examples, {best.rates}"
            problem.try_out(self.name, best.text, problem.current.version, note)


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


def _ranked(problem: Problem, random: Random) -> list[Example]:
    """What the prompt does not show yet, in the order in which to take from it.

    A label that is missed twice as often comes twice as often, and one that is not shown yet comes
    first: examples of some labels alone speak against the rest.
    """
    question, missed = Question.from_prompt(problem.parent), _missed_labels(problem)
    shown = {example.question for example in question.examples}
    pool = [example for example in _pool(problem) if example.question not in shown]
    pool.sort(key=lambda e: random.random() ** (1 / (1 + missed[e.label])), reverse=True)
    new = sorted(set(question.labels) - {example.label for example in question.examples})
    firsts = [next((e for e in pool if e.label == label), None) for label in new]
    wanted = [example for example in firsts if example is not None]
    return [*wanted, *(example for example in pool if example not in wanted)]


def _room(problem: Problem, ranked: Sequence[Example]) -> int:
    """How many of them the gate lets a prompt show."""
    seen = (*problem.train, *problem.validation)
    chars = allowed_chars(len(problem.parent.text))
    tokens = allowed_tokens(problem.replay.tokens(problem.parent, seen))
    for size in range(len(ranked), 0, -1):
        text = _with(problem, ranked[:size])
        fits = len(text) <= chars
        if fits and problem.replay.tokens(problem.prompt(text), seen) <= tokens:
            return size
    return 0


def _with(problem: Problem, examples: Sequence[Example]) -> str:
    """Mixed, and always in the same order: the same set again is known, and costs nothing."""
    parts = Parts.of(problem.parent)
    for example in sorted(examples, key=lambda e: blake2b(e.question.encode()).digest()):
        parts = parts.with_example(example)
    return parts.text


def _pool(problem: Problem) -> list[Example]:
    """The written examples whose labels this prompt has."""
    labels = Question.from_prompt(problem.parent).labels
    path = files("hal.lab.improve") / "pool" / f"{problem.name}.txt"
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    pairs = (line.partition("|")[::2] for line in lines)
    found = [Example(text.strip(), label.strip()) for label, text in pairs]
    return [example for example in found if example.label in labels]
