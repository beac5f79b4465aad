"""Walks the targets of a plan, and nothing else, until one of them has answered.

The cache comes first, then one target after the other (`asking.py`). Falls back only while no
answer has been shown, or when a draft is to be replaced; one deadline stands over all.
"""

from __future__ import annotations

import asyncio
from collections.abc import (
    AsyncGenerator,
    Sequence,
)
from contextlib import aclosing
from dataclasses import dataclass

from .. import explain
from ..errors import HalError, NotSent, ProviderError, Timeout
from ..recorder import TurnRecorder
from ..types import (
    Chunk,
    Evidence,
    Plan,
    Route,
    Status,
    Target,
    Text,
    Thinking,
    Turn,
)
from ..watchdog import Watchdog
from .asking import Asking
from .attempt import Attempt
from .drafting import ESCALATED, RETURNED, DraftReplaced
from .job import Job, Progress, Refusal, cut_off, unanswered
from .ports import CachedAnswer

# About what a fast model says in the time of one screen refresh of the chat.
REPLAY_CHARS = 64


@dataclass(frozen=True, slots=True)
class Gateway(Asking):
    """Asks the targets of a plan one after the other."""

    async def speculate(self, turn: Turn, target: Target, recorder: TurnRecorder) -> Attempt | None:
        """Begin a call to this target alone, before anybody knows whether it is wanted.

        None when it would have to wait, or does not fit: nobody needs it yet.
        """
        if self.policies.breakers.is_open(target):
            return None
        job = Job(turn, Plan((target,), Route.MODERATE), Evidence(), recorder)
        try:
            request = self._compose(job, target)
        except ProviderError:
            return None
        if (place := self.policies.limits.try_slot(target)) is None:
            return None
        attempt = self._attempt(job, request)
        await attempt.held.enter_async_context(place)
        attempt.begin()
        return attempt

    async def stream(self, job: Job, head: Attempt | None = None) -> AsyncGenerator[Chunk, None]:
        """The answer of the first target that gives one; `head` is its attempt, already begun.

        Raises Unanswered when none answered, CutOff when one stopped in mid-answer.
        """
        progress = Progress(job, asyncio.get_running_loop().time() + self.settings.total_s)
        hit = None if head else await self.policies.cache.find(job.turn, job.plan)
        source = self._walk(progress, head) if hit is None else _replay(hit, progress)
        watchdog = Watchdog()
        async with aclosing(source) as chunks:
            try:
                while True:
                    # Around each step alone: a timer over the yield would cancel the reader.
                    with watchdog.until(progress.deadline):
                        chunk = await anext(chunks, None)
                    if chunk is None:
                        return
                    yield chunk
            except TimeoutError:
                if progress.replaced is None or progress.answer_shown:
                    raise self._too_late(progress) from None
            finally:
                watchdog.close()
        async for chunk in self._returned(progress):
            yield chunk

    def _too_late(self, progress: Progress) -> HalError:
        error = Timeout(
            f"The answer took longer than {self.settings.total_s:.0f} s.",
            "Raise ANSWER_TOTAL_S if that is not enough.",
        )
        return cut_off(error) if progress.answer_shown else error

    async def _walk(self, progress: Progress, head: Attempt | None) -> AsyncGenerator[Chunk, None]:
        recorder = progress.job.recorder
        failures: list[tuple[Target, Refusal]] = []
        waiting = list(progress.job.plan.targets)
        while waiting:
            target = waiting.pop(0)
            begun = head if head is not None and head.target == target else None
            try:
                async with aclosing(self._ask(target, progress, begun)) as chunks:
                    async for chunk in chunks:
                        yield chunk
                recorder.answered_by(target)
                return  # noqa: TRY300  (an else branch would hide the loop's only way out)
            except DraftReplaced as replaced:
                progress.replaced = replaced.draft
                recorder.cascaded(ESCALATED, replaced.draft.text)
                waiting = [one for one in waiting if one.leaves_machine]
                yield Status(explain.replaced_line(target, waiting[0]), done=True)
            except (ProviderError, NotSent) as error:
                failures.append((target, error))
                yield _failed(progress, failures, waiting)
            head = None
            if progress.thinking_shown:
                yield Thinking("\n\n")  # what the next one thinks begins on a line of its own
        async for chunk in self._returned(progress):
            yield chunk

    async def _returned(self, progress: Progress) -> AsyncGenerator[Chunk, None]:
        """The draft after all: better than nothing, where nothing else could be had."""
        if (draft := progress.replaced) is None:
            return
        progress.job.recorder.cascaded(RETURNED)
        async with aclosing(self._show(draft.shown(), draft.target, progress)) as chunks:
            async for chunk in chunks:
                yield chunk


def _failed(
    progress: Progress, failures: Sequence[tuple[Target, Refusal]], waiting: Sequence[Target]
) -> Status:
    """What the user reads of a target that failed; raises when nothing else can be shown."""
    target, error = failures[-1]
    if progress.answer_shown:
        raise cut_off(error) from error
    progress.job.recorder.degraded(f"{target.provider}_{error.code}")
    if waiting:
        return Status(explain.fallback_line(target, error.sentence, waiting[0]), done=True)
    if progress.replaced is None:
        raise unanswered(progress.job.plan, failures) from error
    return Status(explain.returned_line(target, error.sentence), done=True)


async def _replay(hit: CachedAnswer, progress: Progress) -> AsyncGenerator[Chunk, None]:
    """An answer from the cache, in pieces as a model would give it."""
    progress.job.recorder.from_cache(hit.kind, hit.provider, hit.model)
    yield Status(explain.cache_line(hit.kind, hit.similarity, hit.age_s), done=True)
    for kind, text in ((Thinking, hit.thinking), (Text, hit.text)):
        for start in range(0, len(text), REPLAY_CHARS):
            chunk = kind(text[start : start + REPLAY_CHARS])
            progress.note(chunk)
            yield chunk
