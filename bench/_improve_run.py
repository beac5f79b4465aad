"""One run of the loop's proposers from weak prompts, for `bench/improve.py`.

Draws cases of a public set, improves one question after the other, and has the gate judge the
result on cases that were not seen. Knows neither which classifier answers nor what is printed.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from hal.lab.improve import mine
from hal.lab.improve.cases import Case
from hal.lab.improve.gate import judge
from hal.lab.improve.guards import Gatekeeper
from hal.lab.improve.parts import Parts
from hal.lab.improve.proposers.choice import chosen, search
from hal.lab.improve.proposers.problem import Problem, Tree
from hal.lab.improve.proposers.reflector import Latch, Reflect
from hal.lab.improve.replay import PromptPair, Replay, pairs
from hal.lab.improve.replies import BudgetSpent, RememberingModel, Replies
from hal.lab.improve.trial import Pair, Trial, accuracy
from hal.privacy.detect import Detector
from hal.prompts import load_prompt
from hal.routing.classify import ClassifierModel, Windows
from hal.settings_reader import read_environment

ROUTES = ("SIMPLE", "MODERATE", "COMPLEX", "ENRICH")
LABELS: Mapping[str, tuple[str, ...]] = {
    "classify": ("easy", "normal", "hard"),
    "search_need": ("yes", "no"),
}
WEAK_RULES = {
    "classify": (
        "Reply with easy, normal or hard.\neasy: little work.\nnormal: some work.\nhard: much work."
    ),
    "search_need": "Reply with yes or no.\nyes: a search.\nno: the rest.",
}
# Up to which share of the calls each question is worked at. The first one also pays for what the
# weak prompts decide: two calls for each case that may be seen.
SHARES = {"search_need": 0.6, "classify": 1.0}
Wait = Callable[[Coroutine[Any, Any, Any]], Any]


@dataclass(frozen=True, slots=True)
class Bench:
    """A classifier, the settings that it is used with, and how many cases of each kind it gets.

    `reflector` makes one for a seed. `runs`: how often the unseen cases are decided; a real model
    is slow, and says the same again.
    """

    model: Callable[[], ClassifierModel]
    windows: Windows
    wait: Wait
    reflector: Callable[[int], Reflect]
    train: int
    validation: int
    runs: int = 2

    @property
    def replay(self) -> Replay:
        """With a memory of its own, so that each run counts all that it asks."""
        model = RememberingModel(self.model(), Replies(None))
        return Replay(model, self.windows, read_environment({"HOME": "/"}).routing, self.wait)


@dataclass(frozen=True, slots=True)
class Effort:
    """What a run may use: proposers by name, classifier calls, reflections, questions by name."""

    proposers: tuple[str, ...]
    calls: int = 1000
    reflections: int = 30
    questions: tuple[str, ...] = tuple(SHARES)

    def share(self, question: str) -> float:
        """Of the calls and reflections, what may be used up when this question is done."""
        return SHARES[question] if len(self.questions) > 1 else 1.0


@dataclass(frozen=True, slots=True)
class Run:
    """`first` are the unseen cases with the weak prompts and with the ones that were found;
    `chosen` is the gain in points where the texts were chosen."""

    first: tuple[Pair, ...]
    passed: bool
    sentence: str
    calls: int
    reflections: int
    chosen: float

    @property
    def points(self) -> float:
        before, after = accuracy(self.first)
        return 100 * (after - before)


def draw(found: Sequence[tuple[str, str]], seed: int, n: int) -> list[Case]:
    """`n` of all routes alike, in an order that stands for time."""
    random = Random(seed)
    by_route = {r: [text for text, label in found if label == r] for r in ROUTES}
    drawn = [
        (text, route)
        for route in ROUTES
        for text in random.sample(by_route[route], n // len(ROUTES))
    ]
    random.shuffle(drawn)
    return [Case(f"c{at}", f"chat{at}", at, text, route) for at, (text, route) in enumerate(drawn)]


def divided(found: Sequence[Case], seed: int) -> list[Case]:
    """The same cases in another order, with the routes in turn: each part has all of them alike."""
    random = Random(seed)
    lanes = [[case for case in found if case.expected == route] for route in ROUTES]
    for lane in lanes:
        random.shuffle(lane)
    return [case for row in zip(*lanes, strict=True) for case in row]


def shuffled(found: Sequence[Case], seed: int) -> list[Case]:
    labels = [case.expected for case in found]
    Random(seed).shuffle(labels)
    return [replace(case, expected=label) for case, label in zip(found, labels, strict=True)]


def weak_prompts() -> PromptPair:
    found = {}
    for name, rules in WEAK_RULES.items():
        parts = replace(Parts.of(load_prompt(name)), system=rules, examples=())
        even = {label: 1 / len(LABELS[name]) for label in LABELS[name]}
        found[name] = parts.with_base_rates(even).prompt
    return PromptPair(**found)


def improve(bench: Bench, found: Sequence[Case], effort: Effort, seed: int) -> Run:
    """One run from the weak prompts, question by question, and the verdict on unseen cases."""
    seen = bench.train + bench.validation
    test = tuple(found[seen:])
    replay, weak = bench.replay, weak_prompts()
    prompts, latch, gained = weak, Latch(bench.reflector(seed), effort.reflections), 0.0
    keeper = Gatekeeper.of((case.question for case in found), Detector().find)
    for name in effort.questions:
        replay.model.limit = int(effort.calls * effort.share(name))
        latch.left = int(effort.reflections * effort.share(name)) - latch.asked
        problem = _problem(bench, found[:seen], name, prompts, replay, keeper, latch, seed)
        tree = _searched(problem, effort)
        best = tree.leader
        gained += 100 * ((best.score or 0.0) - (tree.attempts[0].score or 0.0))
        prompts = prompts.with_prompt(problem.prompt(best.text))
    spent, replay.model.limit = replay.model.calls, None
    twice = [
        pairs(test, replay.routes(weak, test, at), replay.routes(prompts, test, at))
        for at in range(bench.runs)
    ]
    (verdict,) = judge([Trial("both", twice[0], twice[-1])])
    return Run(twice[0], verdict.passed, verdict.sentence, spent, latch.asked, gained)


def _problem(  # noqa: PLR0913 - what a problem is made of
    bench: Bench,
    seen: Sequence[Case],
    name: str,
    prompts: PromptPair,
    replay: Replay,
    keeper: Gatekeeper,
    latch: Latch,
    seed: int,
) -> Problem:
    train, validation = tuple(seen[: bench.train]), tuple(seen[bench.train :])
    failures = tuple(mine.failures(train, replay.routes(prompts, train)))
    return Problem(
        name, prompts, train, validation, failures, replay, keeper, Tree(), latch, seed
    )  # fmt: skip


def _searched(problem: Problem, effort: Effort) -> Tree:
    problem.begin()
    for proposer in chosen(effort.proposers):
        try:
            search(proposer, problem)
        except BudgetSpent:
            continue
    return problem.tree
