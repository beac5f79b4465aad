"""Walks the targets of a plan, and nothing else, until one of them has answered.

One policy per layer: cache, then for each target budget, limits, breaker and retry around one
attempt. Falls back only while no answer has been shown; one deadline stands over all. Knows no wire
dialect, and none of the policies from the inside.
"""

from __future__ import annotations

import asyncio
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Callable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from uuid import uuid4

from .. import explain
from ..compose import bare, compose, shorter
from ..enrichment.citing import Citing
from ..errors import HalError, NotSent, ProviderError, Timeout
from ..privacy.kinds import Kind
from ..privacy.masked import restored
from ..recorder import TurnRecorder
from ..settings import AnswerSettings
from ..types import (
    Chunk,
    Evidence,
    Finish,
    Plan,
    Request,
    Route,
    Status,
    Target,
    Text,
    Thinking,
    Turn,
    Usage,
)
from ..watchdog import Watchdog
from .attempt import Attempt
from .job import Bill, Job, Policies, Progress, Refusal, cut_off, unanswered
from .ports import CachedAnswer, Call, Expense, Provider
from .retry import Change, Tries, next_try

# About what a fast model says in the time of one screen refresh of the chat.
REPLAY_CHARS = 64


@dataclass(frozen=True, slots=True)
class Gateway:
    """`providers` by the name that a Target carries. `hashes` names private values in the log."""

    providers: Mapping[str, Provider]
    settings: AnswerSettings
    policies: Policies
    hashes: Callable[[Sequence[tuple[Kind, str]]], tuple[str, ...]] = lambda _values: ()

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
                raise self._too_late(progress) from None
            finally:
                watchdog.close()

    def _too_late(self, progress: Progress) -> HalError:
        error = Timeout(
            f"The answer took longer than {self.settings.total_s:.0f} s.",
            "Raise ANSWER_TOTAL_S if that is not enough.",
        )
        return cut_off(error) if progress.answer_shown else error

    async def _walk(self, progress: Progress, head: Attempt | None) -> AsyncGenerator[Chunk, None]:
        plan, recorder = progress.job.plan, progress.job.recorder
        failures: list[tuple[Target, Refusal]] = []
        for target, following in zip(plan.targets, (*plan.targets[1:], None), strict=True):
            begun = head if head is not None and head.target == target else None
            try:
                async with aclosing(self._ask(target, progress, begun)) as chunks:
                    async for chunk in chunks:
                        yield chunk
                recorder.answered_by(target)
                return  # noqa: TRY300  (an else branch would hide the loop's only way out)
            except (ProviderError, NotSent) as error:
                if progress.answer_shown:
                    raise cut_off(error) from error
                recorder.degraded(f"{target.provider}_{error.code}")
                failures.append((target, error))
                if following is None:
                    raise unanswered(plan, failures) from error
                yield Status(explain.fallback_line(target, error.sentence, following), done=True)
            head = None
            if progress.thinking_shown:
                yield Thinking("\n\n")  # what the next one thinks begins on a line of its own

    async def _ask(
        self, target: Target, progress: Progress, begun: Attempt | None
    ) -> AsyncGenerator[Chunk, None]:
        """One target: budget, limits, breaker, then the tries."""
        policies = self.policies
        await progress.job.prepare(target)
        request = begun.request if begun else self._compose(progress.job, target)
        async with AsyncExitStack() as held:
            bill = await held.enter_async_context(self._bill(request, progress.job))
            if begun is None:
                place = policies.limits.try_slot(target)
                if place is None:
                    if not target.leaves_machine:
                        yield Status(explain.waiting_line(target, policies.limits.waiting(target)))
                    place = policies.limits.slot(target, progress.remaining_s)
                await held.enter_async_context(place)
                policies.breakers.admit(target)
            cold = policies.is_cold(target)
            with self._reported(target, cold=cold):
                if cold:
                    yield Status(explain.loading_line(target))
                async with aclosing(self._try(request, progress, bill, begun)) as chunks:
                    async for chunk in chunks:
                        yield chunk

    @asynccontextmanager
    async def _bill(self, request: Request, job: Job) -> AsyncIterator[Bill]:
        """Money set aside before a call that costs some, and settled after it, whatever happens."""
        bill = Bill()
        if not request.target.leaves_machine:
            yield bill
            return
        estimate = self.policies.estimator.before(request)
        expense = Expense(uuid4().hex, job.turn.id, job.turn.user_id, request.target, estimate)
        await self.policies.budget.reserve(expense)
        try:
            yield bill
        finally:
            usd, guessed = bill.total(estimate)
            # Not awaited: a turn that was stopped must not wait, and must be billed all the same.
            settled = self.policies.budget.settle(expense.call_id, usd, is_estimate=guessed)
            self.policies.background.start(settled)

    @contextmanager
    def _reported(self, target: Target, *, cold: bool) -> Iterator[None]:
        """Tell the breaker how all tries at this target ended."""
        breakers = self.policies.breakers
        try:
            yield
        except ProviderError as error:
            breakers.failed(target, error, cold=cold)
            raise
        except BaseException:  # stopped, or held back by a policy of ours
            breakers.gave_up(target)
            raise
        breakers.succeeded(target)

    async def _try(
        self, request: Request, progress: Progress, bill: Bill, attempt: Attempt | None
    ) -> AsyncGenerator[Chunk, None]:
        """Attempts at one target until one answers, or its error says that more are no use."""
        target, recorder, tries = request.target, progress.job.recorder, Tries()
        while True:
            attempt = attempt or self._attempt(progress.job, request, tries=len(bill.attempts))
            bill.attempts.append(attempt)
            try:
                async with aclosing(self._answer(attempt, progress)) as chunks:
                    async for chunk in chunks:
                        yield chunk
                return  # noqa: TRY300  (an else branch would hide the loop's only way out)
            except ProviderError as error:
                retry = next_try(
                    error,
                    tries,
                    target,
                    remaining_s=progress.remaining_s,
                    jitter=self.policies.random(),
                )
                if retry is None or progress.answer_shown:
                    raise
                if (again := _changed(request, retry.change)) is None:
                    raise
                recorder.degraded(f"{target.provider}_{error.code}_retried")
                yield Status(explain.retry_line(target, error.sentence))
            request, attempt, tries = again, None, tries.after(retry)
            await self.policies.sleep(retry.wait_s)

    async def _answer(self, attempt: Attempt, progress: Progress) -> AsyncGenerator[Chunk, None]:
        finish, breakers = Finish(), self.policies.breakers
        async with aclosing(attempt.chunks()) as chunks:
            async for chunk in chunks:
                silent = not progress.answer_shown
                progress.note(chunk)
                if silent and progress.answer_shown and breakers.is_open(attempt.target):
                    # The one call that was let through: its long answer must not keep others out.
                    breakers.succeeded(attempt.target)
                if isinstance(chunk, Finish):
                    finish = chunk
                elif not isinstance(chunk, Usage):
                    progress.job.recorder.answered_by(attempt.target)
                    yield chunk
        progress.job.recorder.finish_reason = finish.reason
        if finish.reason != "stop":
            yield finish
        if self.policies.cache.is_on:
            self._keep(attempt.target, finish, progress.job)

    def _keep(self, target: Target, finish: Finish, job: Job) -> None:
        answer = CachedAnswer(
            kind="exact",
            text=job.recorder.answer,
            thinking=job.recorder.reasoning,
            provider=target.provider,
            model=target.model,
            finish=finish.reason,
            similarity=1.0,
            age_s=0.0,
        )
        self.policies.background.start(self.policies.cache.keep(job.turn, job.plan, answer))

    def _compose(self, job: Job, target: Target) -> Request:
        masked = job.masked_for(target)
        turn, evidence = (masked.turn, masked.evidence) if masked else (job.turn, job.evidence)
        return compose(turn, target, evidence, pass_tools=self.settings.pass_tools)

    def _attempt(self, job: Job, request: Request, tries: int = 0) -> Attempt:
        """A call, not begun."""
        purpose = job.purpose or ("task" if job.turn.task else "answer")
        record = job.recorder.call(request.target, purpose, tries + 1)
        masked = job.masked_for(request.target)
        call = Call(
            record.row.id,
            job.turn.id,
            purpose,
            job.plan,
            masked={k.value: n for k, n in masked.counts.items()} if masked else {},
            hashes=self.hashes(masked.values) if masked else (),
            keeps_content=not job.turn.is_temporary,
        )
        stream = self.providers[request.target.provider].stream(request, call)
        if masked:
            stream = restored(stream, masked.vault)
        if job.evidence.sources:
            job.recorder.citing = Citing(job.evidence.sources)
            stream = job.recorder.citing.chunks(stream)
        estimate = partial(self.policies.estimator.after, request)
        return Attempt(request, stream, record, job.recorder, estimate)


def _changed(request: Request, change: Change) -> Request | None:
    """The request as it shall be tried again; None when there is nothing left to change."""
    if change is Change.NONE:
        return request
    again = bare(request) if change is Change.BARE else shorter(request)
    return None if again == request else again


async def _replay(hit: CachedAnswer, progress: Progress) -> AsyncGenerator[Chunk, None]:
    """An answer from the cache, in pieces as a model would give it."""
    progress.job.recorder.from_cache(hit.kind, hit.provider, hit.model)
    yield Status(explain.cache_line(hit.kind, hit.similarity, hit.age_s), done=True)
    for kind, text in ((Thinking, hit.thinking), (Text, hit.text)):
        for start in range(0, len(text), REPLAY_CHARS):
            chunk = kind(text[start : start + REPLAY_CHARS])
            progress.note(chunk)
            yield chunk
