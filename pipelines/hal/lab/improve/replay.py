"""Decides logged turns again, with other prompts, the way a turn is decided in service.

The production `Classifier` and `decide` do it, with their excerpt, bias and thresholds; only what
depends on the state of a chat (stickiness) and rules that need no model are left out. Knows no
gate.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from ...errors import BadReply
from ...prompts import Prompt
from ...routing.classify import Classifier, Questions, Windows
from ...routing.decide import decide
from ...routing.question import Question
from ...settings import RoutingSettings
from ...sizes import conversation_tokens
from ...types import Route
from .cases import Case
from .replies import RememberingModel
from .trial import Pair

# As many as in service, where both questions of a turn are asked at once; a small machine gains by
# no more.
AT_ONCE = 2
# Calls that a prompt's bias takes, once.
CALIBRATION_CALLS = 3

Run = Callable[[Coroutine[Any, Any, Any]], Any]


@dataclass(frozen=True, slots=True)
class PromptPair:
    """The two prompts that decide a route together."""

    classify: Prompt
    search_need: Prompt

    def with_prompt(self, prompt: Prompt) -> PromptPair:
        """One of them replaced by its name."""
        return replace(self, **{prompt.name: prompt})

    def named(self, name: str) -> Prompt:
        found: Prompt = getattr(self, name)
        return found

    @property
    def questions(self) -> Questions:
        """Raises ConfigError."""
        return Questions(
            Question.from_prompt(self.classify), Question.from_prompt(self.search_need)
        )


class _Forgetful:
    """A StateStore without a memory: the replies are what is remembered."""

    async def get_state(self, key: str) -> str | None:  # noqa: ARG002 - the port's
        return None

    async def put_state(self, key: str, text: str) -> None:  # noqa: ARG002 - the port's
        return None


class Replay:
    """`run` drives a coroutine to its end, on whatever loop the model's client lives."""

    def __init__(
        self, model: RememberingModel, windows: Windows, routing: RoutingSettings, run: Run
    ) -> None:
        self.model, self._windows, self._run = model, windows, run
        # A replayed case has no chat to stick to.
        self._routing = replace(routing, sticky=False)
        # The ids of the cases that were asked, by generation and words.
        self._known: dict[tuple[object, ...], set[str]] = {}

    def routes(
        self, prompts: PromptPair, cases: Sequence[Case], generation: int = 0
    ) -> dict[str, str]:
        """The route of each case, by its id. Raises ProviderError, BudgetSpent, ConfigError."""
        self.model.generation = generation
        found: dict[str, str] = self._run(self._decide_all(prompts.questions, cases))
        return found

    def tokens(self, prompt: Prompt, cases: Sequence[Case]) -> float:
        """What the model reads for one decision with this prompt: the mean, without any cache."""
        question, most = Question.from_prompt(prompt), self._windows.reads_tokens
        read = [conversation_tokens(question.messages(case.question)) for case in cases]
        return sum(min(n, most) for n in read) / len(read) if read else 0.0

    async def _decide_all(self, questions: Questions, cases: Sequence[Case]) -> dict[str, str]:
        """One question after the other, and then the decisions, for which all is known.

        Asked in turns, a server with one or two slots reads the whole prompt for every case: with a
        1.5B model on one core that was four times the work.
        """
        classifier = Classifier(self.model, questions, self._windows, _Forgetful())
        for question in (questions.difficulty, questions.search):
            await self._each(self._new(question, cases), partial(_asked, classifier, question))
        routes = await self._each(cases, partial(self._decide, classifier))
        return {case.id: route for case, route in zip(cases, routes, strict=True)}

    def _new(self, question: Question, cases: Sequence[Case]) -> list[Case]:
        """Those that were not asked in these words yet: other thresholds ask nobody."""
        words = (self.model.generation, question.system, question.examples, question.user)
        known = self._known.setdefault(words, set())
        new = [case for case in cases if case.id not in known]
        known.update(case.id for case in new)
        return new

    async def _each(
        self, cases: Sequence[Case], do: Callable[[Case], Coroutine[Any, Any, str]]
    ) -> list[str]:
        turn_of = asyncio.Semaphore(AT_ONCE)

        async def one(case: Case) -> str:
            async with turn_of:
                return await do(case)

        tasks = [asyncio.ensure_future(one(case)) for case in cases]
        try:
            return await asyncio.gather(*tasks)
        finally:  # the first error ends all of them
            for task in tasks:
                task.cancel()

    async def _decide(self, classifier: Classifier, case: Case) -> str:
        try:
            verdict = await classifier.classify(case.turn)
        except BadReply:  # in service the turn goes on with the default
            return str(Route.MODERATE)
        return str(decide(verdict, None, self._routing).route)


async def _asked(classifier: Classifier, question: Question, case: Case) -> str:
    """So that its reply is known; what cannot be read is dealt with where it is decided."""
    with suppress(BadReply):
        await classifier.answer(question, case.turn)
    return ""


def pairs(cases: Sequence[Case], before: dict[str, str], after: dict[str, str]) -> tuple[Pair, ...]:
    """What two versions decided, side by side."""
    return tuple(
        Pair(
            chat=case.chat,
            expected=case.expected,
            before=before[case.id],
            after=after[case.id],
            weight=case.weight,
            is_private=case.is_private,
        )
        for case in cases
    )


def score(cases: Sequence[Case], routes: Mapping[str, str]) -> float:
    """Weighted share of right decisions, 0..1."""
    total = sum(case.weight for case in cases)
    right = sum(case.weight for case in cases if routes[case.id] == case.expected)
    return right / total if total else 0.0
