"""Circuit breakers: what opens them, for how long, and that each target always gets its chance."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from hal import errors
from hal.errors import (
    BadReply,
    CircuitOpen,
    ConfigError,
    ConnectionRefused,
    ConnectionReset,
    ContentRefused,
    ContextTooLong,
    HalError,
    LimitReached,
    ModelMissing,
    NoTarget,
    OutOfCredits,
    OverBudget,
    Overloaded,
    ProviderError,
    RateLimited,
    Rejected,
    Timeout,
    Unauthorized,
    Unreachable,
)
from hal.gateway import breakers as breakers_module
from hal.gateway.breaker import (
    FAILURES_TO_OPEN,
    LONGEST_S,
    PROBE_S,
    WINDOW_S,
    Breaker,
    State,
    rule_for,
)
from hal.gateway.breakers import (
    KEY_CHANGE_S,
    BreakerRegistry,
    BreakerView,
    Snapshot,
    duration,
)
from hal.gateway.ports import Breakers
from hal.gateway.repetition import EndlessRepetition
from hal.types import Target
from tests.core.things import CLOUD, LOCAL, SMALL, Clock, fixed

WALL_S = 1_800_000_000.0
NEVER = math.inf


class Bench:
    """A registry, its clock and what it published."""

    def __init__(self, api_key: str | None = "xai-one") -> None:
        self.clock = Clock()
        self.published: list[str] = []
        self.registry = BreakerRegistry(
            self.clock,
            lambda: WALL_S + self.clock.now,
            api_key=api_key,
            publish=self.published.append,
            process="boot:1:2:3",
        )
        self.port: Breakers = self.registry

    def fail(self, error: HalError, target: Target = LOCAL, times: int = 1, **how: bool) -> None:
        for _ in range(times):
            self.registry.admit(target)
            self.registry.failed(target, error, **how)

    def open_for(self, target: Target = LOCAL) -> float:
        """Seconds until a call would be let through; 0.0 when one would be now."""
        start = self.clock.now
        if not self.registry.is_open(target):
            return 0.0
        with pytest.raises(CircuitOpen) as refusal:
            self.registry.admit(target)
        assert refusal.value.retry_after_s is not None
        self.clock.now = start + refusal.value.retry_after_s
        found = NEVER if self.registry.is_open(target) else refusal.value.retry_after_s
        self.clock.now = start
        return found

    def view(self, target: Target = LOCAL) -> BreakerView:
        return next(view for view in self.registry.views() if view.target == target.label)


# --- what opens it ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "target", "failures", "cooldown_s"),
    [
        (ConnectionRefused("x"), LOCAL, 1, 3.0),
        (ConnectionRefused("x"), CLOUD, 1, 3.0),
        (Unreachable("x"), LOCAL, 1, 10.0),
        (Unreachable("x"), CLOUD, 1, 10.0),
        (ConnectionReset("x"), LOCAL, 3, 30.0),
        (Timeout("x"), LOCAL, 3, 30.0),
        (Timeout("x"), CLOUD, 3, 30.0),
        (Overloaded("x"), CLOUD, 3, 30.0),
        (RateLimited("x"), CLOUD, 3, 30.0),
        (BadReply("x"), LOCAL, 3, 30.0),
        (ProviderError("x"), LOCAL, 3, 30.0),
        (Unauthorized("x"), CLOUD, 1, 3600.0),
        (Unauthorized("x"), LOCAL, 1, 60.0),
        (OutOfCredits("x"), CLOUD, 1, 600.0),
        # The server says how long.
        (RateLimited("x", retry_after_s=7.5), CLOUD, 1, 7.5),
        (Overloaded("x", retry_after_s=40.0), LOCAL, 1, 40.0),
        (RateLimited("x", retry_after_s=86_400.0), CLOUD, 1, 3600.0),
        (RateLimited("x", retry_after_s=math.inf), CLOUD, 1, 3600.0),
        # It says nothing that could be meant.
        (RateLimited("x", retry_after_s=0.0), CLOUD, 3, 30.0),
        (RateLimited("x", retry_after_s=-1.0), CLOUD, 3, 30.0),
        (RateLimited("x", retry_after_s=math.nan), CLOUD, 3, 30.0),
    ],
)
def test_what_opens_it_and_for_how_long(
    error: HalError, target: Target, failures: int, cooldown_s: float
) -> None:
    bench = Bench()
    bench.fail(error, target, times=failures - 1)
    assert not bench.registry.is_open(target)
    bench.fail(error, target)
    assert bench.open_for(target) == cooldown_s


@pytest.mark.parametrize(
    "error",
    [
        Rejected("x", status=400),
        ContextTooLong("x"),
        ContentRefused("x"),
        ModelMissing("x"),
        EndlessRepetition("x"),
        CircuitOpen("x", retry_after_s=9.0),
        OverBudget("x"),
        LimitReached("x", retry_after_s=9.0),
        NoTarget("x"),
        ConfigError("x"),
    ],
)
def test_what_says_nothing_about_the_target_neither_counts_nor_resets(error: HalError) -> None:
    bench = Bench()
    bench.fail(error, times=10)
    assert not bench.registry.is_open(LOCAL)
    bench.fail(Timeout("x"), times=2)
    bench.fail(error)
    bench.fail(Timeout("x"))
    assert bench.registry.is_open(LOCAL)


def test_a_cold_model_may_be_slow_and_nothing_else() -> None:
    bench = Bench()
    bench.fail(Timeout("x"), times=10, cold=True)
    assert not bench.registry.is_open(LOCAL)
    bench.fail(ConnectionRefused("x"), cold=True)
    assert bench.registry.is_open(LOCAL)


def test_a_success_between_failures_starts_the_count_again() -> None:
    bench = Bench()
    bench.fail(Timeout("x"), times=2)
    bench.registry.admit(LOCAL)
    bench.registry.succeeded(LOCAL)
    bench.fail(Timeout("x"), times=2)
    assert not bench.registry.is_open(LOCAL)


def test_kinds_of_failures_count_together() -> None:
    bench = Bench()
    for error in (Timeout("x"), BadReply("x"), Overloaded("x")):
        bench.fail(error)
    assert bench.view().state is State.OPEN
    assert bench.view().code == "overloaded"


@pytest.mark.parametrize(("pause_s", "opens"), [(WINDOW_S - 1, True), (WINDOW_S + 1, False)])
def test_failures_with_a_long_pause_before_the_next_call_are_forgotten(
    pause_s: float, opens: bool
) -> None:
    bench = Bench()
    bench.fail(Timeout("x"), times=2)
    bench.clock.now += pause_s
    bench.fail(Timeout("x"))
    assert bench.registry.is_open(LOCAL) is opens


def test_a_lone_server_that_hangs_is_found_although_each_failure_takes_three_minutes() -> None:
    bench = Bench()
    for _ in range(FAILURES_TO_OPEN):
        assert not bench.registry.is_open(LOCAL)
        bench.registry.admit(LOCAL)
        bench.clock.now += 180.0
        bench.registry.failed(LOCAL, Timeout("x"))
        bench.clock.now += 5.0
    assert bench.registry.is_open(LOCAL)


# --- while it is open, and after ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "cooldowns_s"),
    [
        (ConnectionRefused("x"), [3, 6, 12, 24, 30, 30]),
        (Unreachable("x"), [10, 20, 40, 80, 160, 300, 300]),
        (Timeout("x"), [30, 60, 120, 240, 300, 300]),
        (OutOfCredits("x"), [600, 600]),
        (Unauthorized("x"), [3600, 3600]),
        (RateLimited("x", retry_after_s=20), [20, 20]),
    ],
)
def test_each_failed_probe_doubles_the_cooldown_up_to_its_cap(
    error: HalError, cooldowns_s: list[float]
) -> None:
    bench = Bench()
    while not bench.registry.is_open(CLOUD):
        bench.fail(error, CLOUD)
    for cooldown_s in cooldowns_s:
        assert bench.open_for(CLOUD) == pytest.approx(cooldown_s)
        bench.clock.now += cooldown_s
        bench.fail(error, CLOUD)


def test_an_outage_of_a_year_computes_no_huge_numbers() -> None:
    bench = Bench()
    bench.fail(ConnectionRefused("x"))
    for _ in range(3000):
        bench.clock.now += 30.0
        bench.fail(ConnectionRefused("x"))
    assert bench.open_for() == 30.0


def half_open() -> Bench:
    bench = Bench()
    bench.fail(ConnectionRefused("x"))
    bench.clock.now += 3.0
    return bench


def test_half_open_lets_one_call_through_and_its_success_closes() -> None:
    bench = half_open()
    assert not bench.registry.is_open(LOCAL)
    bench.registry.admit(LOCAL)
    with pytest.raises(CircuitOpen, match="another turn is just trying it"):
        bench.registry.admit(LOCAL)
    bench.registry.succeeded(LOCAL)
    bench.fail(Timeout("x"), times=2)  # counted from none
    assert bench.view().failures == 2
    bench.registry.admit(LOCAL)
    # And the next outage begins with a short cooldown again.
    bench.registry.failed(LOCAL, ConnectionRefused("x"))
    assert bench.open_for() == 3.0


@pytest.mark.parametrize("error", [None, Rejected("x"), ModelMissing("x"), OverBudget("x")])
def test_a_probe_that_says_nothing_makes_room_for_the_next(error: HalError | None) -> None:
    bench = half_open()
    bench.registry.admit(LOCAL)
    if error is None:
        bench.registry.gave_up(LOCAL)
    else:
        bench.registry.failed(LOCAL, error)
    assert bench.view().state is State.HALF_OPEN
    bench.registry.admit(LOCAL)


def test_a_probe_that_never_reports_is_given_up() -> None:
    bench = half_open()
    bench.registry.admit(LOCAL)
    bench.clock.now += PROBE_S - 0.1
    assert bench.registry.is_open(LOCAL)
    bench.clock.now += 0.1
    bench.registry.admit(LOCAL)
    with pytest.raises(CircuitOpen):
        bench.registry.admit(LOCAL)


def test_one_failed_probe_is_enough_whatever_its_kind() -> None:
    bench = half_open()
    bench.fail(Timeout("x"))
    assert bench.open_for() == 60.0


def test_is_open_takes_no_probe() -> None:
    bench = half_open()
    assert [bench.registry.is_open(LOCAL) for _ in range(3)] == [False] * 3
    bench.registry.admit(LOCAL)


def in_flight(error: HalError, target: Target = LOCAL) -> Bench:
    """Two calls have begun, and the failure of a third has opened the breaker."""
    bench = Bench()
    bench.registry.admit(target)
    bench.registry.admit(target)
    bench.fail(error, target, times=1 if error.code != "timeout" else 3)
    assert bench.registry.is_open(target)
    return bench


def test_late_failures_of_the_same_outage_do_not_prolong_it() -> None:
    bench = in_flight(Timeout("x"))
    bench.clock.now += 10
    bench.registry.failed(LOCAL, Timeout("x"))
    bench.registry.failed(LOCAL, ConnectionRefused("x"))
    assert bench.open_for() == 20.0
    assert bench.view().failures == 3


def test_a_late_failure_that_knows_more_takes_over() -> None:
    bench = in_flight(RateLimited("x", retry_after_s=5), CLOUD)
    bench.registry.failed(CLOUD, RateLimited("x", retry_after_s=2))
    assert bench.open_for(CLOUD) == 5.0
    bench.registry.failed(CLOUD, Unauthorized("x"))
    assert bench.open_for(CLOUD) == 3600.0
    assert bench.view(CLOUD).code == "unauthorized"


def test_what_a_late_failure_was_told_is_not_undone_by_a_late_success() -> None:
    bench = in_flight(Timeout("x"))
    bench.registry.failed(LOCAL, RateLimited("x", retry_after_s=90))
    bench.registry.succeeded(LOCAL)
    assert bench.open_for() == 90.0


@pytest.mark.parametrize(
    ("error", "closes"),
    [
        (Timeout("x"), True),
        (ConnectionRefused("x"), True),
        (RateLimited("x", retry_after_s=5), False),
        (Unauthorized("x"), False),
        (OutOfCredits("x"), False),
    ],
)
def test_a_late_success_closes_unless_the_server_has_said_otherwise(
    error: HalError, closes: bool
) -> None:
    bench = in_flight(error, CLOUD)
    bench.registry.succeeded(CLOUD)
    assert bench.registry.is_open(CLOUD) is not closes


def test_giving_up_a_call_changes_nothing_otherwise() -> None:
    bench = Bench()
    bench.fail(Timeout("x"), times=2)
    bench.registry.gave_up(LOCAL)
    bench.fail(Timeout("x"))
    before = bench.view()
    bench.registry.gave_up(LOCAL)
    assert bench.view() == before


# --- one breaker for each target ----------------------------------------------------------------


@pytest.mark.parametrize(
    "other",
    [
        SMALL,
        replace(LOCAL, host="http://gpu2:11434"),
        replace(LOCAL, provider="openai"),
        CLOUD,
    ],
)
def test_targets_do_not_share_a_breaker(other: Target) -> None:
    bench = Bench()
    bench.fail(ConnectionRefused("x"))
    assert bench.registry.is_open(LOCAL)
    assert not bench.registry.is_open(other)


def test_what_a_target_is_called_and_can_hold_is_no_part_of_it() -> None:
    bench = Bench()
    bench.fail(ConnectionRefused("x"))
    assert bench.registry.is_open(replace(LOCAL, place="gpu1", context_tokens=1, can_see=True))


def test_a_new_key_starts_closed_and_an_old_one_is_still_refused() -> None:
    bench = Bench("xai-one")
    bench.fail(ConnectionRefused("x"))
    bench.fail(Unauthorized("x"), CLOUD)
    bench.registry.configure("xai-one")
    assert bench.registry.is_open(CLOUD)
    bench.registry.configure("xai-two")
    assert not bench.registry.is_open(CLOUD)
    assert bench.registry.is_open(LOCAL)
    assert [view.target for view in bench.registry.views()] == [LOCAL.label]
    bench.registry.configure("xai-one")
    assert bench.registry.is_open(CLOUD)


def test_forgetting_closes_all_and_a_call_on_its_way_may_still_report() -> None:
    bench = Bench()
    bench.registry.admit(LOCAL)
    bench.fail(ConnectionRefused("x"))
    bench.fail(Unauthorized("x"), CLOUD)
    bench.registry.forget()
    assert not bench.registry.is_open(LOCAL)
    assert not bench.registry.is_open(CLOUD)
    read = Snapshot.from_json(bench.published[-1])
    assert read is not None
    assert read.targets == ()
    bench.registry.failed(LOCAL, Timeout("x"))
    assert (bench.view().state, bench.view().failures) == (State.CLOSED, 1)


def test_a_refusal_of_the_old_key_is_not_held_against_the_new_one() -> None:
    bench = Bench("xai-one")
    bench.registry.admit(CLOUD)
    bench.registry.configure("xai-two")
    bench.registry.failed(CLOUD, Unauthorized("x"))
    assert not bench.registry.is_open(CLOUD)
    bench.clock.now += KEY_CHANGE_S
    bench.fail(Unauthorized("x"), CLOUD)
    assert bench.registry.is_open(CLOUD)


# --- what is told -------------------------------------------------------------------------------


def refusal(bench: Bench, target: Target) -> CircuitOpen:
    with pytest.raises(CircuitOpen) as caught:
        bench.registry.admit(target)
    return caught.value


def test_the_refusal_names_cause_time_and_remedy() -> None:
    bench = Bench()
    bench.fail(ConnectionRefused("x"))
    bench.fail(Unauthorized("x"), CLOUD)
    local, cloud = refusal(bench, LOCAL), refusal(bench, CLOUD)
    assert local.sentence == (
        "local big:30b is not asked: nothing listened there. It is tried again in 3 s. "
        "Start it (ollama serve), or check OLLAMA_BASE_URL and LOCAL_HOSTS."
    )
    assert str(cloud) == (
        "xAI grok-4.3 is not asked: it did not accept the key. It is tried again in 1 h."
    )
    assert "XAI_API_KEY" in cloud.remedy
    assert (local.retry_after_s, cloud.retry_after_s) == (3.0, 3600.0)


def provider_errors(kind: type[HalError] = ProviderError) -> Iterator[type[HalError]]:
    for child in kind.__subclasses__():
        if child.__module__ == errors.__name__:
            yield child
            yield from provider_errors(child)


@pytest.mark.parametrize("kind", [*provider_errors()], ids=lambda kind: kind.__name__)
def test_every_error_that_opens_one_has_words_of_its_own(kind: type[ProviderError]) -> None:
    if rule_for(kind("x"), leaves_machine=True) is not None:
        assert kind.code in breakers_module._CAUSES


def test_nothing_that_a_server_or_a_person_wrote_is_told() -> None:
    bench = Bench("xai-secret-key")
    target = replace(LOCAL, host="http://user:password@gpu1:11434", place="gpu1:11434")
    bench.fail(Timeout("you asked: my diagnosis", "xai-secret-key"), target, times=3)
    bench.fail(Unauthorized("xai-secret-key", "my diagnosis"), CLOUD)
    told = "".join([*bench.published, refusal(bench, target).sentence])
    assert "gpu1:11434" in told
    for secret in ("diagnosis", "secret", "password"):
        assert secret not in told


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        *[(0.0, "1 s"), (0.2, "1 s"), (2.1, "3 s"), (99, "99 s"), (100, "2 min")],
        *[(300, "5 min"), (3541, "1 h"), (3600, "1 h"), (5400, "1.5 h")],
    ],
)
def test_durations(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_views_show_state_cause_and_times_on_the_wall() -> None:
    bench = Bench()
    bench.fail(Timeout("x"), times=2)
    assert bench.view().state is State.CLOSED
    assert (bench.view().failures, bench.view().cause) == (2, "it did not answer in time")
    bench.clock.now += 7
    bench.fail(Timeout("x"))
    view = bench.view()
    wall_s = WALL_S + bench.clock.now
    assert (view.state, view.failures, view.since) == (State.OPEN, 3, wall_s)
    assert view.next_try == wall_s + 30
    bench.clock.now += 30
    bench.registry.admit(LOCAL)
    assert bench.view().state is State.HALF_OPEN
    assert bench.view().next_try == wall_s + 30 + PROBE_S
    bench.registry.succeeded(LOCAL)
    assert bench.view() == BreakerView(LOCAL.label, State.CLOSED, 0, wall_s + 30)


def test_an_outage_is_as_old_as_its_beginning() -> None:
    bench = Bench()
    bench.fail(ConnectionRefused("x"))
    began = bench.view().since
    for _ in range(3):
        bench.clock.now += 60
        bench.fail(ConnectionRefused("x"))
    assert bench.view().since == began
    assert bench.view().failures == 4


def test_every_change_is_published_and_nothing_else() -> None:
    bench = Bench()
    bench.registry.start()
    counts = [len(bench.published)]

    def after(call: str, *arguments: HalError) -> None:
        getattr(bench.registry, call)(LOCAL, *arguments)
        counts.append(len(bench.published))

    after("admit")  # the target is known from here on
    for _ in range(3):
        after("succeeded")
        after("admit")
        after("gave_up")
        after("failed", Rejected("x"))
    assert counts == [1] + [2] * 13
    after("failed", ConnectionRefused("x"))
    bench.clock.now += 3
    after("admit")
    after("succeeded")
    assert counts[-3:] == [3, 4, 5]


def test_another_key_is_a_change() -> None:
    bench = Bench("xai-one")
    bench.fail(Unauthorized("x"), CLOUD)
    bench.registry.configure("xai-one")
    assert len(bench.published) == 2
    bench.registry.configure("xai-two")
    read = Snapshot.from_json(bench.published[-1])
    assert read is not None
    assert read.targets == ()


def test_what_is_published_can_be_read_again() -> None:
    bench = Bench()
    bench.fail(ConnectionRefused("x"))
    bench.fail(Timeout("x"), CLOUD)
    read = Snapshot.from_json(bench.published[-1])
    assert read == Snapshot("boot:1:2:3", WALL_S + bench.clock.now, bench.registry.views())


@pytest.mark.parametrize("text", ["", "null", "{}", "[]", '{"process": 1}', '{"targets": [{}]}'])
def test_what_is_no_snapshot_is_none(text: str) -> None:
    assert Snapshot.from_json(text) is None


# --- properties ---------------------------------------------------------------------------------

failures = st.sampled_from(
    [
        *[Timeout("x"), BadReply("x"), ConnectionRefused("x"), ConnectionReset("x")],
        *[Unreachable("x"), Unauthorized("x"), OutOfCredits("x"), Overloaded("x"), Rejected("x")],
        *[ModelMissing("x"), OverBudget("x")],
    ]
) | st.builds(
    # From a hundredth of a second on: the wall clock's floats tell no less apart.
    lambda wait_s: RateLimited("x", retry_after_s=wait_s),
    st.sampled_from([-1.0, 0.0, math.nan, math.inf]) | st.floats(0.01, 1e6),
)
pauses = st.sampled_from([0.0, 0.5, 3.0, 10.0, 31.0, 61.0, PROBE_S, LONGEST_S])


@fixed
@given(st.lists(st.tuples(failures, pauses, st.booleans())))
def test_a_value_is_never_open_for_longer_than_the_cap(
    history: list[tuple[HalError, float, bool]],
) -> None:
    now, breaker = 0.0, Breaker(since=0.0)
    for error, pause_s, in_cloud in history:
        rule = rule_for(error, leaves_machine=in_cloud)
        breaker = breaker.failed(rule, error.code, now) if rule else breaker.gave_up()
        assert breaker.until is None or breaker.until <= now + LONGEST_S
        now += pause_s
    assert breaker.admits(now + LONGEST_S)


class BreakerMachine(RuleBasedStateMachine):
    """Calls at two targets, at any time and in any order; one stays in sight while the other acts.

    A call here is one that was let through and not yet reported.
    """

    def __init__(self) -> None:
        super().__init__()
        self.bench = Bench()
        self.calls = {LOCAL: 0, CLOUD: 0}
        # Since when the last call let through half-open has been on its way, for each target.
        self.probes: dict[Target, float] = {}

    def other_is_untouched(self, target: Target) -> None:
        self.before = {view.target: view for view in self.bench.registry.views()}
        self.before.pop(target.label, None)

    def reported(self, target: Target) -> None:
        self.calls[target] -= 1
        self.probes.pop(target, None)
        after = {view.target: view for view in self.bench.registry.views()}
        assert all(after[label] == view for label, view in self.before.items())

    @rule(target_=st.sampled_from([LOCAL, CLOUD]))
    def ask(self, target_: Target) -> None:
        self.other_is_untouched(target_)
        registry, now = self.bench.registry, self.bench.clock.now
        state = next(
            (view.state for view in registry.views() if view.target == target_.label),
            State.CLOSED,
        )
        is_open = registry.is_open(target_)
        if is_open:
            with pytest.raises(CircuitOpen) as caught:
                registry.admit(target_)
            assert caught.value.retry_after_s is not None
            assert 0 < caught.value.retry_after_s <= LONGEST_S
            return
        registry.admit(target_)
        self.calls[target_] += 1
        assert state is not State.OPEN
        if state is State.HALF_OPEN:
            # Never a second probe beside one that is on its way.
            assert now - self.probes.get(target_, -math.inf) >= PROBE_S
            self.probes[target_] = now
            assert registry.is_open(target_)

    @precondition(lambda self: any(self.calls.values()))
    @rule(data=st.data(), error=failures)
    def fail(self, data: st.DataObject, error: HalError) -> None:
        target = self.one_of(data)
        self.bench.registry.failed(target, error, cold=data.draw(st.booleans()))
        self.reported(target)

    @precondition(lambda self: any(self.calls.values()))
    @rule(data=st.data())
    def give_up(self, data: st.DataObject) -> None:
        target = self.one_of(data)
        self.bench.registry.gave_up(target)
        self.reported(target)

    @precondition(lambda self: any(self.calls.values()))
    @rule(data=st.data())
    def succeed(self, data: st.DataObject) -> None:
        target = self.one_of(data)
        view = self.bench.view(target)
        self.bench.registry.succeeded(target)
        self.reported(target)
        if view.state is not State.OPEN:
            assert self.bench.view(target).state is State.CLOSED
            assert self.bench.view(target).failures == 0

    def one_of(self, data: st.DataObject) -> Target:
        target = data.draw(st.sampled_from([key for key, count in self.calls.items() if count]))
        self.other_is_untouched(target)
        return target

    @rule(seconds=pauses)
    def wait(self, seconds: float) -> None:
        self.bench.clock.now += seconds

    @invariant()
    def an_open_breaker_gets_its_chance_in_time(self) -> None:
        for target in self.calls:
            now = self.bench.clock.now
            self.bench.clock.now = now + LONGEST_S
            assert not self.bench.registry.is_open(target)
            self.bench.clock.now = now

    @invariant()
    def what_was_published_is_what_is(self) -> None:
        if self.bench.published:
            read = Snapshot.from_json(self.bench.published[-1])
            assert read is not None
            now = WALL_S + self.bench.clock.now
            shown = {view.target: (view.state_at(now), view.failures) for view in read.targets}
            views = self.bench.registry.views()
            assert shown == {view.target: (view.state, view.failures) for view in views}


TestBreakers = BreakerMachine.TestCase
TestBreakers.settings = fixed
