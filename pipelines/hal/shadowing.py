"""Has the other target answer some turns as well, when they are over and nobody waits.

Pairs of answers are what a router learns from. One at a time, through the same gateway with a plan
of exactly one target, which the turn's own plan named; the answer is shown to nobody and is in no
cache. Shadows yield to people: the local model is asked only while no turn is running, and a turn
that begins ends such a call. The cloud is asked only within a budget of its own and while the real
one is far from used up. Knows the gateway by its stream, not which turns are chosen, and never
raises into a turn.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections import deque
from collections.abc import Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace
from time import time

from .errors import HalError
from .gateway.gateway import Gateway
from .gateway.job import Job, outcome_of
from .gateway.ports import CachedAnswer
from .live_router import LiveRouter, Models
from .recorder import TurnRecorder
from .recording import RowWriter
from .sessions.reader import SessionReader
from .settings import Settings
from .shadow_budget import ShadowBudget
from .shadow_choice import Answered, Chosen, choose, disputes, other_target, why_not
from .shadow_recorder import ShadowRecorder
from .types import Evidence, Outcome, Plan, Target, Turn

logger = logging.getLogger("hal.shadowing")

PURPOSE = "shadow"
# Open WebUI asks for title, tags and follow-ups within a second of an answer: the local model is
# theirs first. A command in the terminal has ended by then, and begins nothing that it would cut.
QUIET_S = 2.0
# A question is worth asking while it waits for minutes; more than a few are an afternoon of a busy
# house, and each holds its conversation in memory.
WAITING_MAX = 4
# A local call that a person's turn ended is begun once more; a house that is never quiet gives up.
TRIES = 2
# The next one must see in the log what this one cost; a log in trouble must not hold it up.
LOG_WAIT_S = 2.0
# A call that was cancelled ends within one round of the loop.
END_LIMIT_S = 1.0


class _NoCache:
    """The answer to the same question would be found in it, or kept there: neither may be."""

    is_on = False

    async def find(self, turn: Turn, plan: Plan) -> CachedAnswer | None:  # noqa: ARG002 - the port's
        return None

    async def keep(self, turn: Turn, plan: Plan, answer: CachedAnswer) -> None: ...


@dataclass(frozen=True, slots=True)
class _Waiting:
    turn: Turn
    plan: Plan
    target: Target
    recorder: ShadowRecorder
    tries: int = 1


class Shadows:
    """One per services, used on their loop. Cheap where SHADOW_SHARE is 0."""

    def __init__(  # noqa: PLR0913 - what it asks, what it reads and writes, and two for the tests
        self,
        settings: Settings,
        gateway: Gateway,
        router: LiveRouter,
        log: RowWriter,
        reader: SessionReader,
        *,
        drawn: Callable[[], float] = random.random,
        clock: Callable[[], float] = time,
    ) -> None:
        self._settings = settings
        self._gateway = replace(gateway, policies=replace(gateway.policies, cache=_NoCache()))
        self._budget = ShadowBudget(settings.router, gateway.policies, reader, clock)
        self._router, self._log, self._drawn = router, log, drawn
        self._waiting: deque[_Waiting] = deque()
        self._now: _Waiting | None = None
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._turns, self._quiet_since = 0, 0.0
        self._stopped = False

    def turn_began(self) -> None:
        """A person, or one of Open WebUI's tasks, wants a model now."""
        self._turns += 1
        if self._now is not None and self._is_in_the_way(self._now):
            self._end_now()

    def turn_ended(self) -> None:
        self._turns -= 1
        self._quiet_since = asyncio.get_running_loop().time()

    def consider(self, turn: Turn, plan: Plan, recorder: TurnRecorder) -> None:
        """A turn has been answered and is in the log: shall the other target answer it as well?
        Returns at once and never raises."""
        if self._stopped or self._settings.router.shadow_share <= 0:
            return
        try:
            self._consider(turn, plan, recorder)
        except Exception:  # a mistake of ours in learning must not cost an answer
            logger.exception("no shadow of turn %s", turn.id)

    def stop(self) -> None:
        """No more of them, and an end to the one that runs: other settings, or the end."""
        self._stopped = True
        self._waiting.clear()
        if self._timer is not None:
            self._timer.cancel()
        self._end_now()

    async def close(self) -> None:
        """Stop, and wait until the last row is handed over."""
        self.stop()
        if self._task is not None:
            await asyncio.wait([self._task], timeout=END_LIMIT_S)

    def _consider(self, turn: Turn, plan: Plan, recorder: TurnRecorder) -> None:
        events = recorder.degradations
        answered = Answered(
            recorder.target,
            recorder.cache,
            recorder.finish_reason,
            is_whole=bool(recorder.answer.strip()) and not any(map(_in_its_way, events)),
        )
        log = self._settings.log
        keeps_texts = log.content and log.content_days > 0 and recorder.may_keep_texts
        tools = self._settings.answer.pass_tools
        if why_not(turn, plan, answered, keeps_texts=keeps_texts, passes_tools=tools):
            return
        target = other_target(plan, answered.target)
        chosen = self._chosen(turn, answered.target)
        if target is None or chosen is None:
            return
        shadow = ShadowRecorder(turn, self._log, recorder, target, chosen)
        alone = replace(plan, targets=(target,), notes=())
        self._waiting.append(_Waiting(turn, alone, target, shadow))
        if len(self._waiting) > WAITING_MAX:
            self._waiting.popleft()
        self._look_later()

    def _chosen(self, turn: Turn, target: Target | None) -> Chosen | None:
        share = self._settings.router.shadow_share
        disputed_by = "" if target is None else self._disputed_by(turn, target)
        return choose(share, disputed_by, self._drawn())

    def _disputed_by(self, turn: Turn, target: Target) -> str:
        """The candidate router that would have decided otherwise, by the question alone; ""."""
        candidate = self._router.candidate()
        if candidate is None:
            return ""
        settings = self._settings
        models = Models(settings.local.model, "", settings.cloud.model)
        choice = self._router.in_force(models, settings.router.quality_target).choice
        threshold = None if choice is None else choice.threshold
        prediction = candidate.router.predict(turn.question)
        return candidate.id if disputes(prediction, threshold, target) else ""

    def _look(self) -> None:
        """Begin one that may begin now; look again in a while where none may."""
        self._timer = None
        if self._stopped or self._task is not None:
            return
        found = next((one for one in self._waiting if self._may_begin(one)), None)
        if found is None:
            self._look_later()
            return
        self._waiting.remove(found)
        self._now = found
        self._task = asyncio.get_running_loop().create_task(self._answer(found))
        self._task.add_done_callback(self._ended)

    def _look_later(self) -> None:
        if self._waiting and self._timer is None and self._task is None:
            self._timer = asyncio.get_running_loop().call_later(QUIET_S, self._look)

    def _may_begin(self, one: _Waiting) -> bool:
        """A local model answers one after the other, or slower; the cloud answers all at once, as
        far as our own limit leaves a place for people."""
        limits = self._gateway.policies.limits
        busy = limits.in_flight(one.target)
        is_idle = self._turns == 0 and busy == 0 and limits.waiting(one.target) == 0
        if one.target.leaves_machine:
            most = self._settings.limits.cloud_concurrent
            return most is None or busy + 1 < most or is_idle
        quiet_s = asyncio.get_running_loop().time() - self._quiet_since
        return is_idle and quiet_s >= QUIET_S

    def _is_in_the_way(self, one: _Waiting) -> bool:
        most = self._settings.limits.cloud_concurrent
        busy = self._gateway.policies.limits.in_flight(one.target)
        return not one.target.leaves_machine or (most is not None and busy >= most)

    def _end_now(self) -> None:
        """Once: a second cancellation would end it in the middle of giving back what it holds."""
        if self._now is not None and self._task is not None:
            self._now = None
            self._task.cancel()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._task = self._now = None
        if self._timer is not None:
            self._timer.cancel()
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("a shadow failed: %s", type(error).__name__)
        self._look()

    async def _answer(self, one: _Waiting) -> None:
        if one.target.leaves_machine and not await self._budget.allows(one.turn, one.target):
            return
        one.recorder.start()
        try:
            outcome, code = await self._ask(one)
        except asyncio.CancelledError:
            one.recorder.end(Outcome.STOPPED, "yielded")
            if one.tries < TRIES and not self._stopped and not one.target.leaves_machine:
                self._waiting.appendleft(replace(one, tries=one.tries + 1))
            raise
        written = asyncio.wrap_future(one.recorder.end(outcome, code))
        with suppress(HalError, TimeoutError):
            await asyncio.wait_for(written, LOG_WAIT_S)

    async def _ask(self, one: _Waiting) -> tuple[Outcome, str]:
        job = Job(one.turn, one.plan, Evidence(), one.recorder, purpose=PURPOSE)
        try:
            async with aclosing(self._gateway.stream(job)) as chunks:
                async for _ in chunks:
                    pass
        except HalError as error:
            return outcome_of(error), error.code
        except Exception:
            logger.exception("the shadow of turn %s failed", one.turn.id)
            return Outcome.FAILED, "internal"
        finish = one.recorder.finish_reason
        return (Outcome.DONE, "") if finish == "stop" else (Outcome.CUT, finish)


def _in_its_way(event: str) -> bool:
    """Trouble with the answer, such as a retry or another target; a decision's is none."""
    return not event.startswith("classifier_")
