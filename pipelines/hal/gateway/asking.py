"""Asks one target: budget, limits, breaker and retry around one attempt, each by its own policy.

Knows how an answer gets from a provider to the user and into the record; which target comes next is
`gateway.py`'s. Knows no wire dialect, and none of the policies from the inside.
"""

from __future__ import annotations

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
from ..errors import ProviderError
from ..privacy.kinds import Kind
from ..privacy.masked import restored
from ..settings import AnswerSettings
from ..types import (
    Chunk,
    Finish,
    ProviderChunk,
    Request,
    Status,
    Target,
    Usage,
)
from .attempt import Attempt
from .drafting import DraftReplaced, checked
from .job import Bill, Job, Policies, Progress
from .ports import CachedAnswer, Call, Expense, Provider
from .retry import Change, Tries, next_try


@dataclass(frozen=True, slots=True)
class Asking:
    """`providers` by the name that a Target carries. `hashes` names private values in the log."""

    providers: Mapping[str, Provider]
    settings: AnswerSettings
    policies: Policies
    hashes: Callable[[Sequence[tuple[Kind, str]]], tuple[str, ...]] = lambda _values: ()

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
        except DraftReplaced:
            breakers.succeeded(target)
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
        target, recorder = attempt.target, progress.job.recorder
        async with aclosing(attempt.chunks()) as chunks:
            source, check = chunks, progress.job.check_for(target)
            if check is not None:
                yield Status(explain.draft_line(target))
                source = checked(chunks, target, check, recorder.cascaded)
            async with aclosing(self._show(source, target, progress)) as shown:
                async for chunk in shown:
                    yield chunk

    async def _show(
        self, source: AsyncGenerator[ProviderChunk, None], target: Target, progress: Progress
    ) -> AsyncGenerator[Chunk, None]:
        """What the user sees of an answer; the record and the cache have it from here."""
        finish, breakers, recorder = Finish(), self.policies.breakers, progress.job.recorder
        async with aclosing(source) as chunks:
            async for chunk in chunks:
                silent = not progress.answer_shown
                progress.note(chunk)
                if silent and progress.answer_shown and breakers.is_open(target):
                    # The one call that was let through: its long answer must not keep others out.
                    breakers.succeeded(target)
                if isinstance(chunk, Finish):
                    finish = chunk
                elif not isinstance(chunk, Usage):
                    recorder.answered_by(target)
                    yield chunk
        recorder.finish_reason = finish.reason
        if finish.reason != "stop":
            yield finish
        if self.policies.cache.is_on:
            self._keep(target, finish, progress.job)

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
