"""Walks the targets of a plan, and nothing else, until one of them has answered.

The first version of the layers that DESIGN names: one attempt per target, fallback to the next one
only while nothing has been shown, one deadline over all. Knows no wire dialect.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass

from ..compose import compose
from ..errors import BadReply, EgressRefused, HalError, ProviderError, Timeout
from ..explain import fallback_line
from ..recorder import TurnRecorder
from ..settings import AnswerSettings
from ..types import (
    Chunk,
    Evidence,
    Finish,
    Outcome,
    Plan,
    ProviderChunk,
    Request,
    Status,
    Target,
    Text,
    Thinking,
    ToolCalls,
    Turn,
    Usage,
)
from .attempt import Attempt
from .ports import Call, Provider


class CutOff(HalError):
    """The answer broke off after part of it was shown; nothing may be tried again."""

    code = "cut_off"


@dataclass(frozen=True, slots=True)
class Gateway:
    """`providers` by the name that a Target carries."""

    providers: Mapping[str, Provider]
    settings: AnswerSettings

    def attempt(
        self, turn: Turn, target: Target, plan: Plan, evidence: Evidence, recorder: TurnRecorder
    ) -> Attempt:
        """A call to this target, not begun. Raises Rejected when the turn does not fit it."""
        request: Request = compose(turn, target, evidence, pass_tools=self.settings.pass_tools)
        purpose = "task" if turn.task else "answer"
        record = recorder.call(target, purpose)
        call = Call(record.row.id, turn.id, purpose, plan)
        return Attempt(
            target, self.providers[target.provider].stream(request, call), record, recorder
        )

    async def stream(
        self,
        plan: Plan,
        make: Callable[[Target], Attempt],
        recorder: TurnRecorder,
        head: Attempt | None = None,
    ) -> AsyncGenerator[Chunk, None]:
        """The answer of the first target that gives one; `head` is its attempt, already begun.

        Raises the last target's error when none answered, CutOff when one stopped in mid-answer.
        """
        shown = _Shown(recorder)
        deadline = asyncio.get_running_loop().time() + self.settings.total_s
        async with aclosing(self._walk(plan, make, shown, head)) as chunks:
            while True:
                try:
                    # Around each step alone: a timer over the yield would cancel the reader.
                    async with asyncio.timeout_at(deadline):
                        chunk = await anext(chunks)
                except StopAsyncIteration:
                    return
                except TimeoutError:
                    raise self._too_late(shown) from None
                yield chunk

    def _too_late(self, shown: _Shown) -> HalError:
        error = Timeout(
            f"The answer took longer than {self.settings.total_s:.0f} s.",
            "Raise ANSWER_TOTAL_S if that is not enough.",
        )
        return _cut_off(error) if shown.anything else error

    async def _walk(
        self,
        plan: Plan,
        make: Callable[[Target], Attempt],
        shown: _Shown,
        head: Attempt | None,
    ) -> AsyncGenerator[Chunk, None]:
        for target, following in zip(plan.targets, (*plan.targets[1:], None), strict=True):
            try:
                attempt = head if head is not None and head.target == target else make(target)
                head = None
                async with aclosing(_answer(attempt, shown)) as chunks:
                    async for chunk in chunks:
                        yield chunk
                shown.recorder.answered_by(target)
                return  # noqa: TRY300  (an else branch would hide the loop's only way out)
            except (ProviderError, EgressRefused) as error:
                if shown.anything:
                    raise _cut_off(error) from error
                shown.recorder.degraded(f"{target.provider}_{error.code}")
                if following is None:
                    raise
                yield Status(fallback_line(target, error.sentence, following), done=True)


class _Shown:
    """What the user has seen of this turn so far."""

    def __init__(self, recorder: TurnRecorder) -> None:
        self.recorder = recorder
        self.anything = False
        self.answer = False

    def note(self, chunk: ProviderChunk) -> None:
        if isinstance(chunk, Text | Thinking) and not chunk.text:
            return
        if isinstance(chunk, Text):
            self.anything = True
            self.answer = self.answer or bool(chunk.text.strip())
            self.recorder.text(chunk.text)
        elif isinstance(chunk, Thinking):
            self.anything = True
            self.recorder.thinking(chunk.text)
        elif isinstance(chunk, ToolCalls):
            self.anything = self.answer = True
        elif isinstance(chunk, Usage):
            self.recorder.used(chunk)


async def _answer(attempt: Attempt, shown: _Shown) -> AsyncGenerator[Chunk, None]:
    """One target's answer. One without any text is a failure like any other."""
    finish: Finish | None = None
    async with aclosing(attempt.chunks()) as chunks:
        async for chunk in chunks:
            shown.note(chunk)
            if isinstance(chunk, Finish):
                finish = chunk
            elif not isinstance(chunk, Usage):
                shown.recorder.answered_by(attempt.target)
                yield chunk
    if not shown.answer:
        raise BadReply(f"{attempt.target.label} ended without an answer.", "Ask again.")
    if finish is not None and finish.reason != "stop":
        yield finish


def _cut_off(error: HalError) -> CutOff:
    return CutOff(f"The answer was cut off: {error}", error.remedy or "Ask again.")


def outcome_of(error: HalError) -> Outcome:
    return Outcome.CUT if isinstance(error, CutOff) else Outcome.FAILED
