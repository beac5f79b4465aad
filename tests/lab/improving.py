"""Cases, prompts and a classifier model with rules of its own, for the tests of `hal improve`."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from typing import Any

from bench._improve_standin import WordModel

from hal.lab.improve import mine
from hal.lab.improve.cases import Case
from hal.lab.improve.guards import Gatekeeper
from hal.lab.improve.proposers.problem import Problem, Tree
from hal.lab.improve.proposers.reflector import Latch, Reflect
from hal.lab.improve.replay import PromptPair, Replay
from hal.lab.improve.replies import RememberingModel, Replies
from hal.privacy.detect import Detector
from hal.prompts import Prompt, parse_prompt
from hal.routing.classify import Windows
from hal.settings import RoutingSettings

NOON = 1_772_366_400.0
ROUTING = RoutingSettings("small", 2048, 10.0, 0.5, False, False, 0.6)

WEAK_CLASSIFY = """---
name: classify
version: 1
labels: easy=SIMPLE normal=MODERATE hard=COMPLEX
base_rates: easy=0.34 normal=0.33 hard=0.33
---
# system
Reply with easy, normal or hard.
easy: little.
normal: some.
hard: much.

# user
Message: $question
"""
WEAK_SEARCH = """---
name: search_need
version: 1
labels: yes=YES no=NO
base_rates: yes=0.2 no=0.8
---
# system
Reply with yes or no.
yes: weather, news, price, score, election, traffic.
no: the rest.

# user
Message: $question
"""


def weak(text: str = WEAK_CLASSIFY) -> Prompt:
    return parse_prompt(text.partition("name: ")[2].partition("\n")[0], text)


def case(id: str = "turn-1", **changes: Any) -> Case:
    values = {"chat": f"chat-of-{id}", "at": NOON, "question": "Why?", "expected": "SIMPLE"}
    return Case(**{"id": id, **values, **changes})


# What each label is about in the world of these tests.
TOPICS: Mapping[str, tuple[str, ...]] = {
    "SIMPLE": ("hello", "thanks", "morning", "evening", "bye", "cheers"),
    "MODERATE": ("recipe", "letter", "explain", "compare", "summary", "garden"),
    "COMPLEX": ("prove", "theorem", "derive", "distributed", "lemma", "compiler"),
    "ENRICH": ("weather", "news", "price", "score", "election", "traffic"),
}
# Words that say nothing, for which the stand-ins are deaf.
_FILLERS = ("what", "how", "is", "the", "my", "about", "with", "for", "this")


def world(n: int, start: int = 0) -> tuple[Case, ...]:
    """Cases of all routes in turn, each with one word of its topic and some that mean nothing."""
    found = []
    for at in range(start, start + n):
        expected = tuple(TOPICS)[at % 4]
        word = TOPICS[expected][(at // 4) % 6]
        fillers = " ".join(_FILLERS[(at * k + k) % 9] for k in (1, 2, 5))
        text = f"{fillers} {word} {at}"
        found.append(case(f"t{at:04}", at=NOON + at, question=text, expected=expected))
    return tuple(found)


WEAK = PromptPair(weak(), weak(WEAK_SEARCH))


def replay(model: WordModel, limit: int | None = None, replies: Replies | None = None) -> Replay:
    remembering = RememberingModel(model, replies or Replies(None))
    remembering.limit = limit
    return Replay(remembering, Windows("small", 2048, 2048), ROUTING, done)


def done(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(work)


def problem(
    name: str = "classify",
    reflect: Reflect | None = None,
    limit: int | None = None,
    reflections: int = 30,
    **changes: Any,
) -> Problem:
    """120 cases to learn from, 60 to choose by, from the weak prompts."""
    cases = world(180)
    train, validation = cases[:120], cases[120:]
    made = replay(WordModel(), limit)
    chosen = replay(WordModel()).routes(WEAK, train)
    values = {
        "name": name,
        "prompts": WEAK,
        "train": train,
        "validation": validation,
        "failures": tuple(mine.failures(train, chosen)),
        "replay": made,
        "keeper": Gatekeeper.of((case.question for case in cases), Detector().find),
        "tree": Tree(),
        "reflect": Latch(reflect, reflections) if reflect else None,
    }
    return Problem(**{**values, **changes})
