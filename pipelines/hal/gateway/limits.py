"""How many requests may run at the same time and begin per minute: one line for the cloud, and one
for each local host.

`Quota` decides and is pure; `_Line` lets calls wait their turn, on one event loop. Neither knows
providers, plans or breakers.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

from ..errors import LimitReached
from ..settings import LimitSettings
from ..types import Target

MINUTE_S = 60.0
# A timer may ring a little before our clock says so; not again at once, or the loop would spin.
_SOONEST_S = 0.001


@dataclass(frozen=True, slots=True)
class Caps:
    """Calls at the same time, and beginnings within any 60 s; None: as many as you like."""

    concurrent: int | None = None
    per_minute: int | None = None


class Quota:
    """What is in use of the caps of one line. Pure: `now` comes from outside, in seconds.

    Per minute means any 60 s, not a clock's minutes: a server counts in windows of its own, and
    this holds in all of them.
    """

    def __init__(self, caps: Caps) -> None:
        self.caps = caps
        self.in_use = 0
        self._begun: deque[float] = deque()

    @property
    def is_full(self) -> bool:
        """No place is free, whatever the minute says."""
        return self.caps.concurrent is not None and self.in_use >= self.caps.concurrent

    def wait_s(self, now: float) -> float:
        """Until one more call may begin, if no other does: 0.0 now, infinite until one ends."""
        return math.inf if self.is_full else self.minute_wait_s(now)

    def minute_wait_s(self, now: float) -> float:
        """Until the minute has room for one more."""
        self._forget(now)
        if self.caps.per_minute is None or len(self._begun) < self.caps.per_minute:
            return 0.0
        # After a cap was lowered, there may be more of them than fit in a minute now.
        return self._begun[-self.caps.per_minute] + MINUTE_S - now

    def begin(self, now: float) -> None:
        """One call begins, which `wait_s` allows."""
        self.in_use += 1
        if self.caps.per_minute is not None:
            self._begun.append(now)

    def end(self) -> None:
        self.in_use -= 1

    def undo(self, begun: float) -> None:
        """The call that began then did not come to anything: nothing was asked."""
        self.end()
        if begun in self._begun:
            self._begun.remove(begun)

    def _forget(self, now: float) -> None:
        while self._begun and self._begun[0] + MINUTE_S <= now:
            self._begun.popleft()


class _Line:
    """First come, first served. A waiter's future is the time when it got a place, or None when it
    has waited long enough; the place is taken in its name in the same moment."""

    def __init__(self, caps: Caps, clock: Callable[[], float]) -> None:
        self.quota = Quota(caps)
        self._clock = clock
        self._waiters: deque[asyncio.Future[float | None]] = deque()
        self._alarm: asyncio.TimerHandle | None = None

    @property
    def waiting(self) -> int:
        return sum(not waiter.done() for waiter in self._waiters)

    def try_take(self) -> bool:
        """Take a place if there is one and nobody waits for it."""
        now = self._clock()
        if self.waiting or self.quota.wait_s(now) > 0:
            return False
        self.quota.begin(now)
        return True

    async def take(self, wait_s: float) -> bool:
        """Take a place, if there is one within `wait_s`."""
        if self.try_take():
            return True
        if wait_s <= 0 or self._is_hopeless(wait_s):
            return False
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[float | None] = loop.create_future()
        # A result, not a cancellation: whichever of place and time comes first is what counts.
        timer = loop.call_later(wait_s, self._expire, waiter)
        self._waiters.append(waiter)
        self.serve()
        try:
            return await waiter is not None
        except asyncio.CancelledError:
            self._pass_on(waiter)
            raise
        finally:
            timer.cancel()
            self._leave(waiter)

    def give_back(self) -> None:
        self.quota.end()
        self.serve()

    def configure(self, caps: Caps) -> None:
        """From now on. Calls that run keep their places, even if there are too many of them."""
        self.quota.caps = caps
        self.serve()

    def serve(self) -> None:
        """Give places to those who wait, in their order, as far as there are any."""
        now = self._clock()
        while self._waiters and self.quota.wait_s(now) <= 0:
            waiter = self._waiters.popleft()
            if not waiter.done():
                self.quota.begin(now)
                waiter.set_result(now)
        self._set_alarm(now)

    def _set_alarm(self, now: float) -> None:
        """When the minute, and not a place, is what they wait for, nobody else would wake them."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        wait_s = self.quota.wait_s(now)
        if self._waiters and not math.isinf(wait_s):
            loop = asyncio.get_running_loop()
            self._alarm = loop.call_later(max(wait_s, _SOONEST_S), self.serve)

    def _is_hopeless(self, wait_s: float) -> bool:
        """The minute alone takes longer than anybody would wait."""
        return self.quota.minute_wait_s(self._clock()) > wait_s

    def _pass_on(self, waiter: asyncio.Future[float | None]) -> None:
        """A place that came in the very moment in which the wait was cancelled: to the next one."""
        if waiter.done() and not waiter.cancelled() and (begun := waiter.result()) is not None:
            self.quota.undo(begun)
            self.serve()

    def _expire(self, waiter: asyncio.Future[float | None]) -> None:
        if not waiter.done():
            waiter.set_result(None)
            self._leave(waiter)

    def _leave(self, waiter: asyncio.Future[float | None]) -> None:
        if waiter in self._waiters:
            self._waiters.remove(waiter)


class CallLimits:
    """The `Limits` of ports.py. One per runtime, used on its loop only."""

    def __init__(self, settings: LimitSettings, clock: Callable[[], float]) -> None:
        self._settings = settings
        self._clock = clock
        self._lines: dict[str, _Line] = {}

    def configure(self, settings: LimitSettings) -> None:
        """On the loop. Calls that run keep their places, and those that wait their order."""
        self._settings = settings
        for key, line in self._lines.items():
            line.configure(_caps(settings, key))

    @asynccontextmanager
    async def slot(self, target: Target, wait_s: float) -> AsyncIterator[None]:
        line = self._line(target)
        if not await line.take(0.0 if target.leaves_machine else wait_s):
            raise _refusal(target, line.quota, self._clock())
        async with _held(line):
            yield

    def try_slot(self, target: Target) -> AbstractAsyncContextManager[None] | None:
        line = self._line(target)
        return _held(line) if line.try_take() else None

    def in_flight(self, target: Target) -> int:
        return self._line(target).quota.in_use

    def waiting(self, target: Target) -> int:
        return self._line(target).waiting

    def _line(self, target: Target) -> _Line:
        key = _key(target)
        if key not in self._lines:
            self._lines[key] = _Line(_caps(self._settings, key), self._clock)
        return self._lines[key]


@asynccontextmanager
async def _held(line: _Line) -> AsyncIterator[None]:
    """A place that is already taken."""
    try:
        yield
    finally:
        line.give_back()


_CLOUD = "cloud"  # no address of a host


def _key(target: Target) -> str:
    return _CLOUD if target.leaves_machine else target.host


def _caps(settings: LimitSettings, key: str) -> Caps:
    if key == _CLOUD:
        return Caps(settings.cloud_concurrent, settings.cloud_per_minute)
    return Caps(settings.local_concurrent, settings.local_per_minute)


def _refusal(target: Target, quota: Quota, now: float) -> LimitReached:
    where = "xAI" if target.leaves_machine else target.place or "the local models"
    prefix = "CLOUD" if target.leaves_machine else "LOCAL"
    if quota.is_full:
        return LimitReached(
            f"{_requests(quota.caps.concurrent)} to {where} at a time is the limit, and no place "
            "is free.",
            f"Ask again in a moment, or raise {prefix}_CONCURRENT in ADVANCED.",
        )
    wait_s = quota.minute_wait_s(now)
    return LimitReached(
        f"{_requests(quota.caps.per_minute)} to {where} per minute is the limit, and it is "
        "reached.",
        f"Ask again in {max(1, math.ceil(wait_s))} s, or raise {prefix}_PER_MINUTE in ADVANCED.",
        retry_after_s=wait_s,
    )


def _requests(count: int | None) -> str:
    return "1 request" if count == 1 else f"{count} requests"
