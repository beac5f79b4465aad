"""Limits: places and minutes, the line in which calls wait, and that no place is ever lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from hal.errors import LimitReached
from hal.gateway.limits import MINUTE_S, CallLimits, Caps, Quota
from hal.gateway.ports import Limits
from hal.settings import LimitSettings
from hal.types import Target
from tests.core.things import CLOUD, LOCAL, SMALL, Clock, fixed

GPU2 = replace(LOCAL, host="http://gpu2:11434", place="gpu2:11434")
NONE = LimitSettings(None, None, None, None)


def line_of(target: Target) -> str:
    return "cloud" if target.leaves_machine else target.host


class VirtualLoop(asyncio.SelectorEventLoop):
    """A real loop whose timers follow the clock of a test. It never sleeps: see `settle`."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock

    def time(self) -> float:
        return self._clock.now


@dataclass(eq=False)
class Caller:
    """One call: in line, then inside, then gone; `outcome` says how."""

    target: Target
    task: asyncio.Task[None] | None = None
    leave: asyncio.Event = field(default_factory=asyncio.Event)
    outcome: str = "new"
    error: LimitReached | None = None
    is_cancelled: bool = False
    after: Callable[[], None] = lambda: None

    async def live(self, bench: Bench, wait_s: float) -> None:
        self.outcome = "waiting"
        try:
            async with bench.port.slot(self.target, wait_s):
                self.outcome = "inside"
                bench.entered.append((self, bench.clock.now))
                bench.on_entry(self)
                await self.leave.wait()
            self.outcome = "left"
            self.after()  # in the very step in which the place was given back
        except LimitReached as error:
            self.outcome, self.error = "refused", error
        except asyncio.CancelledError:
            self.outcome = "cancelled"
            raise


class Bench:
    """Limits on a loop with a clock of our own, and the callers that came so far."""

    def __init__(self, settings: LimitSettings) -> None:
        self.clock = Clock()
        self.loop = VirtualLoop(self.clock)
        self.limits = CallLimits(settings, self.clock)
        self.port: Limits = self.limits
        self.callers: list[Caller] = []
        self.entered: list[tuple[Caller, float]] = []

    def on_entry(self, caller: Caller) -> None:
        """Nobody of the same line who came earlier may still be waiting, unless a place is his
        already and he has only not woken up yet."""
        line = line_of(caller.target)
        waiting = [
            other
            for other in self.callers
            if line_of(other.target) == line and other.outcome == "waiting"
        ]
        placed = len(waiting) - self.port.waiting(caller.target)
        before = self.callers[: self.callers.index(caller)]
        passed = [other for other in waiting if other in before and not other.is_cancelled]
        assert len(passed) <= placed

    def come(self, target: Target = LOCAL, wait_s: float = 30.0) -> Caller:
        caller = Caller(target)
        self.callers.append(caller)
        caller.task = self.loop.create_task(caller.live(self, wait_s))
        return caller

    def cancel(self, caller: Caller) -> None:
        assert caller.task is not None
        caller.is_cancelled = True
        caller.task.cancel()

    def settle(self) -> None:
        """Let everything happen that can happen now."""
        for _ in range(12):
            self.loop.run_until_complete(asyncio.sleep(0))

    def wait(self, seconds: float) -> None:
        self.settle()
        self.clock.now += seconds
        self.settle()

    def configure(self, **changes: int | None) -> None:
        async def change() -> None:
            self.limits.configure(replace(NONE, **changes))

        self.loop.run_until_complete(change())

    def outcomes(self) -> list[str]:
        self.settle()
        return [caller.outcome for caller in self.callers]

    def close(self) -> None:
        """Everybody goes, and every place must be free again."""
        for caller in self.callers:
            self.cancel(caller)
        self.settle()
        assert [self.port.in_flight(target) for target in (LOCAL, GPU2, CLOUD)] == [0, 0, 0]
        assert [self.port.waiting(target) for target in (LOCAL, GPU2, CLOUD)] == [0, 0, 0]
        self.loop.close()
        for caller in self.callers:
            assert caller.task is not None
            if not caller.task.cancelled():
                assert caller.task.exception() is None


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench(replace(NONE, local_concurrent=1, cloud_concurrent=2))
    yield bench
    bench.close()


# --- at the same time ---------------------------------------------------------------------------


def test_calls_wait_in_the_order_in_which_they_came(bench: Bench) -> None:
    first, second, third = (bench.come() for _ in range(3))
    assert bench.outcomes() == ["inside", "waiting", "waiting"]
    assert (bench.port.in_flight(LOCAL), bench.port.waiting(LOCAL)) == (1, 2)
    first.leave.set()
    assert bench.outcomes() == ["left", "inside", "waiting"]
    second.leave.set()
    assert bench.outcomes() == ["left", "left", "inside"]
    third.leave.set()
    assert bench.outcomes() == ["left"] * 3
    assert (bench.port.in_flight(LOCAL), bench.port.waiting(LOCAL)) == (0, 0)


def test_who_comes_later_does_not_slip_in_between(bench: Bench) -> None:
    first = bench.come()
    bench.come()
    bench.settle()
    first.leave.set()
    late = bench.come()  # the place is about to be free, and is meant for the second
    assert bench.outcomes() == ["left", "inside", "waiting"]
    assert late.outcome == "waiting"


def test_a_wait_has_an_end_and_says_why(bench: Bench) -> None:
    bench.come()
    waiter = bench.come(wait_s=5.0)
    bench.wait(4.9)
    assert waiter.outcome == "waiting"
    bench.wait(0.2)
    assert waiter.outcome == "refused"
    assert waiter.error is not None
    assert waiter.error.sentence == (
        "1 request to the local models at a time is the limit, and no place is free. "
        "Ask again in a moment, or raise LOCAL_CONCURRENT in ADVANCED."
    )
    assert bench.port.waiting(LOCAL) == 0


@pytest.mark.parametrize("wait_s", [0.0, -1.0])
def test_who_does_not_want_to_wait_is_told_at_once(bench: Bench, wait_s: float) -> None:
    bench.come()
    bench.come(wait_s=wait_s)
    assert bench.outcomes() == ["inside", "refused"]


def test_nobody_waits_for_the_cloud(bench: Bench) -> None:
    for _ in range(2):
        bench.come(CLOUD)
    refused = bench.come(CLOUD, wait_s=60.0)
    assert bench.outcomes() == ["inside", "inside", "refused"]
    assert refused.error is not None
    assert "2 requests to xAI" in str(refused.error)
    assert "CLOUD_CONCURRENT" in refused.error.remedy


def test_hosts_and_the_cloud_have_limits_of_their_own_and_models_share_them(bench: Bench) -> None:
    for target in (LOCAL, SMALL, GPU2, CLOUD):
        bench.come(target)
    assert bench.outcomes() == ["inside", "waiting", "inside", "inside"]
    assert bench.port.in_flight(SMALL) == 1
    assert bench.port.waiting(GPU2) == 0


def test_without_limits_calls_are_counted_all_the_same(bench: Bench) -> None:
    bench.configure()
    for _ in range(50):
        bench.come()
    bench.settle()
    assert bench.port.in_flight(LOCAL) == 50


def test_trying_takes_a_place_at_once_or_none(bench: Bench) -> None:
    async def scenario() -> None:
        async with AsyncExitStack() as stack:
            place = bench.port.try_slot(LOCAL)
            assert place is not None
            assert bench.port.in_flight(LOCAL) == 1
            await stack.enter_async_context(place)
            assert bench.port.try_slot(LOCAL) is None
            assert bench.port.in_flight(LOCAL) == 1
        assert bench.port.in_flight(LOCAL) == 0
        again = bench.port.try_slot(LOCAL)
        assert again is not None
        with pytest.raises(ZeroDivisionError):
            async with again:
                raise ZeroDivisionError
        assert bench.port.in_flight(LOCAL) == 0

    bench.loop.run_until_complete(scenario())


def test_trying_does_not_overtake_those_who_wait() -> None:
    bench = Bench(replace(NONE, local_per_minute=1))
    bench.come().leave.set()
    bench.settle()
    bench.come(wait_s=100.0)
    bench.settle()
    bench.clock.now += MINUTE_S  # there is room again, and the timer has not rung yet
    assert bench.port.try_slot(LOCAL) is None
    assert bench.outcomes() == ["left", "inside"]
    bench.close()


# --- leaving the line ---------------------------------------------------------------------------


def test_who_gives_up_waiting_leaves_the_line(bench: Bench) -> None:
    first, second, third = (bench.come() for _ in range(3))
    bench.settle()
    bench.cancel(second)
    assert bench.port.waiting(LOCAL) == 1
    assert bench.outcomes() == ["inside", "cancelled", "waiting"]
    first.leave.set()
    assert bench.outcomes() == ["left", "cancelled", "inside"]
    third.leave.set()


def test_a_place_for_who_is_cancelled_in_that_moment_goes_to_the_next(bench: Bench) -> None:
    first, second, _ = (bench.come() for _ in range(3))

    def handed_over() -> None:
        assert (first.outcome, second.outcome) == ("left", "waiting")
        assert (bench.port.in_flight(LOCAL), bench.port.waiting(LOCAL)) == (1, 1)
        bench.cancel(second)

    bench.settle()
    first.after = handed_over
    first.leave.set()
    assert bench.outcomes() == ["left", "cancelled", "inside"]
    assert bench.port.in_flight(LOCAL) == 1


def test_a_place_that_was_passed_on_counts_once_in_the_minute() -> None:
    bench = Bench(replace(NONE, local_concurrent=1, local_per_minute=2))
    first, second, _ = (bench.come() for _ in range(3))
    bench.settle()
    first.after = lambda: bench.cancel(second)
    first.leave.set()
    assert bench.outcomes() == ["left", "cancelled", "inside"]
    bench.close()


def test_who_is_cancelled_just_before_gets_no_place(bench: Bench) -> None:
    first, second, _ = (bench.come() for _ in range(3))
    bench.settle()
    bench.cancel(second)
    first.leave.set()
    assert bench.outcomes() == ["left", "cancelled", "inside"]


def test_a_place_that_comes_with_the_last_moment_is_taken_or_passed_on(bench: Bench) -> None:
    first = bench.come()
    bench.come(wait_s=5.0)
    bench.come(wait_s=50.0)
    bench.settle()
    first.leave.set()
    bench.clock.now += 5.0
    assert bench.outcomes() in (["left", "inside", "waiting"], ["left", "refused", "inside"])


def test_who_is_cancelled_inside_gives_the_place_back(bench: Bench) -> None:
    first = bench.come()
    bench.come()
    bench.settle()
    bench.cancel(first)
    assert bench.outcomes() == ["cancelled", "inside"]


# --- per minute ---------------------------------------------------------------------------------


def test_beyond_the_minute_local_calls_wait_for_it() -> None:
    bench = Bench(replace(NONE, local_per_minute=2))
    bench.come().leave.set()
    bench.wait(20.0)
    bench.come().leave.set()
    bench.settle()
    third, fourth = bench.come(wait_s=90.0), bench.come(wait_s=90.0)
    bench.wait(39.9)
    assert third.outcome == "waiting"
    bench.wait(0.1)
    assert (third.outcome, fourth.outcome) == ("inside", "waiting")
    bench.wait(20.0)
    assert fourth.outcome == "inside"
    bench.close()


def test_a_wait_that_can_only_fail_is_not_begun() -> None:
    bench = Bench(replace(NONE, local_per_minute=1))
    bench.come()
    bench.wait(10.0)
    hopeless = bench.come(wait_s=49.0)
    bench.come(wait_s=51.0)
    assert bench.outcomes() == ["inside", "refused", "waiting"]
    assert hopeless.error is not None
    assert hopeless.error.retry_after_s == 50.0
    assert hopeless.error.sentence == (
        "1 request to the local models per minute is the limit, and it is reached. "
        "Ask again in 50 s, or raise LOCAL_PER_MINUTE in ADVANCED."
    )
    bench.close()


def test_beyond_the_minute_the_cloud_refuses_and_says_when() -> None:
    bench = Bench(replace(NONE, cloud_per_minute=3, cloud_concurrent=9))
    for _ in range(3):
        bench.come(CLOUD)
    bench.wait(12.5)
    refused = bench.come(CLOUD)
    bench.settle()
    assert refused.error is not None
    assert refused.error.retry_after_s == 47.5
    assert "Ask again in 48 s" in refused.error.remedy
    bench.wait(47.5)
    bench.come(CLOUD)
    assert bench.outcomes()[-1] == "inside"
    bench.close()


def test_the_minute_is_what_is_missing_although_a_place_gets_free() -> None:
    bench = Bench(replace(NONE, local_per_minute=1, local_concurrent=1))
    first = bench.come()
    bench.settle()
    bench.come(wait_s=90.0)
    bench.wait(10.0)
    first.leave.set()
    assert bench.outcomes() == ["left", "waiting"]
    bench.wait(50.0)
    assert bench.outcomes() == ["left", "inside"]
    bench.close()


# --- new settings -------------------------------------------------------------------------------


def test_a_raised_limit_lets_in_who_waits(bench: Bench) -> None:
    for _ in range(4):
        bench.come()
    bench.settle()
    bench.configure(local_concurrent=3)
    assert bench.outcomes() == ["inside", "inside", "inside", "waiting"]
    bench.configure()
    assert bench.outcomes() == ["inside"] * 4


def test_a_lowered_limit_keeps_the_places_in_use_and_gives_no_new_ones(bench: Bench) -> None:
    bench.configure(local_concurrent=3)
    callers = [bench.come() for _ in range(4)]
    bench.settle()
    bench.configure(local_concurrent=1)
    assert bench.outcomes() == ["inside", "inside", "inside", "waiting"]
    for caller in callers[:2]:
        caller.leave.set()
    assert bench.outcomes()[-1] == "waiting"
    callers[2].leave.set()
    assert bench.outcomes() == ["left", "left", "left", "inside"]


def test_a_minute_can_be_raised_lowered_and_lifted() -> None:
    bench = Bench(replace(NONE, local_per_minute=1))
    for _ in range(3):
        bench.come(wait_s=200.0)
    bench.wait(1.0)
    bench.configure(local_per_minute=2)
    assert bench.outcomes() == ["inside", "inside", "waiting"]
    bench.configure(local_per_minute=1)
    bench.wait(59.5)  # the first one is out of the minute, the second one is not
    assert bench.outcomes()[-1] == "waiting"
    bench.configure()
    assert bench.outcomes()[-1] == "inside"
    bench.close()


def test_after_a_lowered_minute_the_wait_is_as_long_as_it_takes() -> None:
    bench = Bench(replace(NONE, cloud_per_minute=3))
    for _ in range(3):
        bench.come(CLOUD)
        bench.wait(10.0)
    bench.configure(cloud_per_minute=2)
    refused = bench.come(CLOUD)
    bench.settle()
    assert refused.error is not None
    assert refused.error.retry_after_s == 40.0  # the second of three, not the first
    bench.close()


# --- properties ---------------------------------------------------------------------------------


@fixed
@given(
    st.integers(1, 5),
    st.lists(st.sampled_from([0.0, 1.0, 7.5, 29.0, 30.0, 60.0]), min_size=1, max_size=60),
)
def test_no_window_of_a_minute_holds_more_than_the_limit(
    per_minute: int, pauses: list[float]
) -> None:
    quota, now, begun = Quota(Caps(per_minute=per_minute)), 0.0, list[float]()
    for pause_s in pauses:
        now += pause_s
        wait_s = quota.minute_wait_s(now)
        assert 0.0 <= wait_s <= MINUTE_S
        now += wait_s if pause_s else 0.0
        if quota.wait_s(now) == 0.0:
            quota.begin(now)
            begun.append(now)
    for start in begun:
        assert sum(start <= at < start + MINUTE_S for at in begun) <= per_minute


class LimitMachine(RuleBasedStateMachine):
    """Callers come, leave and are cancelled, settings and time change, in any interleaving."""

    targets = st.sampled_from([LOCAL, GPU2, CLOUD])
    caps = st.none() | st.integers(1, 4)

    @initialize(concurrent=caps, per_minute=st.none() | st.integers(2, 6))
    def begin(self, concurrent: int | None, per_minute: int | None) -> None:
        self.per_minute = per_minute
        self.bench = Bench(self.settings(concurrent))
        self.allowed: dict[str, int | None] = dict.fromkeys(("", GPU2.host, "cloud"), concurrent)
        self.concurrent = concurrent

    def settings(self, concurrent: int | None) -> LimitSettings:
        return LimitSettings(concurrent, self.per_minute, concurrent, self.per_minute)

    def living(self, outcome: str | None = None) -> list[Caller]:
        return [
            caller
            for caller in self.bench.callers
            if caller.outcome in ([outcome] if outcome else ["new", "waiting", "inside"])
            and not caller.is_cancelled
        ]

    @rule(target_=targets, wait_s=st.sampled_from([0.0, 1.0, 30.0, 90.0]))
    def come(self, target_: Target, wait_s: float) -> None:
        self.bench.come(target_, wait_s)

    @precondition(lambda self: self.living("inside"))
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        data.draw(st.sampled_from(self.living("inside"))).leave.set()

    @precondition(lambda self: self.living())
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        self.bench.cancel(data.draw(st.sampled_from(self.living())))

    @precondition(lambda self: self.living("inside") and self.living("waiting"))
    @rule(data=st.data())
    def leave_to_who_is_cancelled(self, data: st.DataObject) -> None:
        waiter = data.draw(st.sampled_from(self.living("waiting")))
        caller = data.draw(st.sampled_from(self.living("inside")))
        caller.after = lambda: self.bench.cancel(waiter)
        caller.leave.set()

    @rule()
    def one_step(self) -> None:
        self.bench.loop.run_until_complete(asyncio.sleep(0))

    @rule(seconds=st.sampled_from([0.0, 0.5, 30.0, 60.0]))
    def wait(self, seconds: float) -> None:
        self.bench.wait(seconds)

    @rule(concurrent=caps)
    def configure(self, concurrent: int | None) -> None:
        async def change() -> None:
            self.bench.limits.configure(self.settings(concurrent))

        self.bench.settle()
        self.concurrent = concurrent
        for target in (LOCAL, GPU2, CLOUD):
            # Those who are inside may stay, even if they are too many now.
            inside = self.bench.port.in_flight(target)
            key = line_of(target)
            self.allowed[key] = None if concurrent is None else max(concurrent, inside)
        self.bench.loop.run_until_complete(change())

    @precondition(lambda self: hasattr(self, "bench"))
    @invariant()
    def never_more_than_the_limit(self) -> None:
        for target in (LOCAL, GPU2, CLOUD):
            key = line_of(target)
            in_flight, allowed = self.bench.port.in_flight(target), self.allowed[key]
            assert in_flight >= 0
            assert allowed is None or in_flight <= allowed
            if allowed is not None and self.concurrent is not None:
                # As they leave, the new limit comes into force.
                self.allowed[key] = max(self.concurrent, min(allowed, in_flight))
            begun = [at for caller, at in self.bench.entered if caller.target == target]
            recent = [at for at in begun if at > self.bench.clock.now - MINUTE_S]
            assert self.per_minute is None or len(recent) <= self.per_minute

    @rule()
    def nothing_is_lost_and_nobody_waits_for_nothing(self) -> None:
        self.bench.settle()
        for target in (LOCAL, GPU2, CLOUD):
            mine = [caller for caller in self.bench.callers if caller.target == target]
            inside = sum(caller.outcome == "inside" for caller in mine)
            waiting = sum(caller.outcome == "waiting" for caller in mine)
            assert self.bench.port.in_flight(target) == inside
            assert self.bench.port.waiting(target) == waiting
            begun = [at for caller, at in self.bench.entered if caller.target == target]
            recent = [at for at in begun if at > self.bench.clock.now - MINUTE_S]
            if waiting:
                is_full = self.concurrent is not None and inside >= self.concurrent
                assert is_full or len(recent) == self.per_minute

    def teardown(self) -> None:
        if hasattr(self, "bench"):
            self.bench.close()


TestLimits = LimitMachine.TestCase
TestLimits.settings = fixed
