"""The ledger: what is reserved counts, what is settled replaces it, and both outlive a restart."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

import hal.gateway.ledger
from hal.errors import OverBudget
from hal.gateway.ledger import Ledger
from hal.gateway.ledger_file import ABANDONED_S, KEPT_S
from hal.gateway.ledger_writer import ENDED_TURNS
from hal.gateway.ports import Budget, Level, Standing
from hal.settings import BudgetSettings

from .helpers import run
from .ledgers import (
    BERLIN,
    CLOUD,
    HERE,
    NO_CAPS,
    Clock,
    caps,
    expense,
    local,
    opened,
    spending,
    sql,
    today_usd,
)

FREE, SOFT, HARD = Level.FREE, Level.SOFT, Level.HARD
DAY = caps(daily_usd=1.0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "budget.sqlite"


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A turn does not wait long for the disk; these tests do, however busy the machine is."""
    monkeypatch.setattr(hal.gateway.ledger, "FIRST_LOAD_S", 30.0)
    monkeypatch.setattr(hal.gateway.ledger, "SETTLE_WAIT_S", 30.0)


async def level(
    ledger: Budget, estimate_usd: float | None = 0.1, user: str | None = "ann"
) -> Level:
    return (await ledger.standing(user, estimate_usd)).level


async def refused(
    ledger: Budget, call_id: str, estimate_usd: float | None = 0.1, **kw: object
) -> str:
    with pytest.raises(OverBudget) as caught:
        await ledger.reserve(expense(call_id, estimate_usd, **kw))
    return caught.value.sentence


# --- one call after the other -------------------------------------------------------------------


def test_a_reservation_counts_until_its_cost_is_known(path: Path) -> None:
    async def test() -> None:
        async with opened(path, DAY) as ledger:
            assert await level(ledger) is FREE
            await ledger.reserve(expense("a", 0.85))
            assert await ledger.standing("ann", 0.1) == Standing(
                SOFT, "85 % of today's budget is used ($0.85 of $1.00)"
            )
            assert await level(ledger, 0.2) is HARD
            assert "$0.15 is left of today's budget" in await refused(ledger, "b", 0.2)
            await ledger.settle("a", 0.05, is_estimate=False)
            assert await level(ledger, 0.2) is FREE
            await ledger.reserve(expense("b", 0.2))
            await ledger.settle("b", 0.95, is_estimate=False)  # dearer than it was thought to be
            assert await level(ledger, 0.0) is HARD
        assert today_usd(path) == pytest.approx(1.0)

    run(test())


def test_a_call_that_was_not_billed_gives_its_money_back(path: Path) -> None:
    async def test() -> None:
        async with opened(path, DAY) as ledger:
            for name in map(str, range(20)):
                await ledger.reserve(expense(name, 1.0))
                await ledger.settle(name, 0.0, is_estimate=False)

    run(test())
    assert today_usd(path) == 0.0
    assert spending(path).open_calls == 0


def test_what_stays_on_this_machine_is_not_counted_and_writes_nothing(path: Path) -> None:
    async def test() -> None:
        async with opened(path, caps(daily_usd=0.0)) as ledger:
            await level(ledger)
            before = [file.stat().st_mtime_ns for file in sorted(path.parent.iterdir())]
            await ledger.reserve(expense("a", 0.0, target=HERE))
            await ledger.settle("a", 0.0, is_estimate=False)
            ledger.turn_ended("ann", leaves_machine=False)
            await level(ledger)
            assert [f.stat().st_mtime_ns for f in sorted(path.parent.iterdir())] == before
        assert sql(path, "SELECT count(*) FROM expense") == [(0,)]

    run(test())


@pytest.mark.parametrize("cost_usd", [float("nan"), float("inf"), -3.0])
def test_what_is_no_amount_of_money_leaves_the_estimate(path: Path, cost_usd: float) -> None:
    async def test() -> None:
        async with opened(path) as ledger:
            await ledger.reserve(expense("a", 0.4))
            await ledger.settle("a", cost_usd, is_estimate=False)

    run(test())
    assert sql(path, "SELECT amount_usd, is_estimate, state FROM expense") == [(0.4, 1, "settled")]


def test_a_bill_replaces_a_guess_and_a_guess_never_a_bill(path: Path) -> None:
    async def test() -> None:
        async with opened(path) as ledger:
            await ledger.reserve(expense("a", 0.4))
            for cost_usd, guessed in ((0.3, True), (0.2, False), (0.9, True)):
                await ledger.settle("a", cost_usd, is_estimate=guessed)

    run(test())
    assert sql(path, "SELECT amount_usd, is_estimate, user_id FROM expense") == [(0.2, 0, "ann")]


def test_the_cost_of_a_call_that_nobody_announced_is_not_lost(path: Path) -> None:
    async def test() -> None:
        async with opened(path, DAY) as ledger:
            await ledger.settle("unheard-of", 0.9, is_estimate=False)
            await ledger.settle("unheard-of-and-free", 0.0, is_estimate=False)
            assert await level(ledger) is SOFT

    run(test())
    assert sql(path, "SELECT call_id, amount_usd FROM expense") == [("unheard-of", 0.9)]


def test_a_call_of_unknown_price_is_not_made_under_a_cap_and_counted_without_one(
    path: Path,
) -> None:
    async def test() -> None:
        async with opened(path, DAY) as ledger:
            assert "prices.json" in await refused(ledger, "a", None)
            ledger.configure(NO_CAPS)
            await ledger.reserve(expense("b", None))
            await ledger.settle("b", 0.9, is_estimate=False)
            ledger.configure(DAY)
            assert await level(ledger) is SOFT

    run(test())
    assert sql(path, "SELECT call_id, estimate_usd FROM expense") == [("b", None)]


def test_a_turn_has_one_cap_for_all_its_calls(path: Path) -> None:
    async def test() -> None:
        async with opened(path, caps(turn_usd=0.5)) as ledger:
            await ledger.reserve(expense("a", 0.3, turn_id="t"))
            assert "after $0.30 for it so far" in await refused(ledger, "b", 0.3, turn_id="t")
            await ledger.reserve(expense("c", 0.3, turn_id="another"))
            await ledger.settle("a", 0.0, is_estimate=False)
            await ledger.reserve(expense("b", 0.3, turn_id="t"))

    run(test())


def test_every_user_has_a_day_of_his_own_and_the_api_is_one(path: Path) -> None:
    async def test() -> None:
        async with opened(path, caps(user_daily_usd=1.0)) as ledger:
            await ledger.reserve(expense("a", 1.0, user_id="ann"))
            assert "your budget of today" in (await refused(ledger, "b", user_id="ann")).lower()
            await ledger.reserve(expense("c", 0.9, user_id=None))
            assert [await level(ledger, user=user) for user in ("ann", "bob", None)] == [
                *(HARD, FREE, SOFT)
            ]
            await refused(ledger, "d", 0.2, user_id=None)
            await ledger.reserve(expense("e", 1.0, user_id="half an emoji \ud83d"))
            assert await level(ledger, user="half an emoji \ud83d") is HARD
        assert set(spending(path).sums.today_usd) == {"ann", "api", "half an emoji ?"}

    run(test())


def test_other_caps_hold_from_the_next_question_on(path: Path) -> None:
    async def test() -> None:
        async with opened(path, DAY) as ledger:
            await ledger.reserve(expense("a", 1.0))
            await refused(ledger, "b")
            ledger.configure(caps(daily_usd=2.0))
            assert await level(ledger) is FREE
            await ledger.reserve(expense("b", 1.0))
            ledger.configure(NO_CAPS)
            await ledger.reserve(expense("c", 1e6))

    run(test())


# --- days, months and restarts ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "before", "after"),
    [
        ("Europe/Berlin", "2026-11-20 23:59:59", "2026-11-21 00:00"),
        ("UTC", "2026-11-20 23:59:59", "2026-11-21 00:00"),
        ("Asia/Kathmandu", "2026-11-20 23:59:59", "2026-11-21 00:00"),
        pytest.param("Europe/Berlin", "2026-03-29 23:59:59", "2026-03-30 00:00", id="23-hours"),
        pytest.param("Europe/Berlin", "2026-10-25 23:59:59", "2026-10-26 00:00", id="25-hours"),
        pytest.param("America/Santiago", "2026-09-05 23:59:59", "2026-09-06 01:00", id="skipped"),
    ],
)
@pytest.mark.parametrize("restart", [False, True])
def test_a_day_ends_at_midnight(
    path: Path, zone: str, before: str, after: str, restart: bool
) -> None:
    tz, clock = ZoneInfo(zone), Clock()
    limits = caps(daily_usd=1.0, monthly_usd=5.0, user_daily_usd=1.0)

    async def test() -> None:
        clock.now_s = local(before[:10] + " 00:30", tz)
        async with opened(path, limits, clock=clock, tz=tz) as ledger:
            await ledger.reserve(expense("a", 1.0))
            clock.now_s = local(before, tz)
            assert await level(ledger) is HARD
            await refused(ledger, "b")
            if not restart:
                clock.now_s = local(after, tz)
                await fresh(ledger)
        if restart:
            clock.now_s = local(after, tz)
            async with opened(path, limits, clock=clock, tz=tz) as ledger:
                await fresh(ledger)

    async def fresh(ledger: Ledger) -> None:
        assert await level(ledger, 1.0) is FREE
        await ledger.reserve(expense("c", 1.0))
        assert await level(ledger, 0.1) is HARD
        sums = spending(path, clock()).sums  # in Berlin's days, but the month is the same
        assert sums.month_usd == pytest.approx(2.0)

    run(test())


def test_the_hour_that_comes_twice_is_one_day(path: Path) -> None:
    clock = Clock()

    async def test() -> None:
        clock.now_s = local("2026-10-25 02:30")
        async with opened(path, DAY, clock=clock) as ledger:
            await ledger.reserve(expense("a", 0.5))
            clock.now_s = local("2026-10-25 02:30", fold=1)
            await ledger.reserve(expense("b", 0.5))
            await refused(ledger, "c")

    run(test())
    assert local("2026-10-25 02:30", fold=1) - local("2026-10-25 02:30") == 3600.0


def test_a_month_ends_at_its_midnight_in_this_zone(path: Path) -> None:
    clock = Clock("2026-11-30 23:59:59")  # 22:59:59 in Greenwich
    limits = caps(monthly_usd=1.0)

    async def test() -> None:
        async with opened(path, limits, clock=clock) as ledger:
            await ledger.reserve(expense("a", 1.0))
            assert "this month's" in (await ledger.standing("ann", 0.1)).note
            clock.now_s += 1.0  # 23:00 in Greenwich, where it is still November
            assert await level(ledger, 1.0) is FREE
            await ledger.reserve(expense("b", 1.0))
            assert await level(ledger) is HARD
            clock.now_s = local("2026-12-15 12:00")
            assert await level(ledger) is HARD

    run(test())


def test_a_call_counts_for_the_day_on_which_it_began(path: Path) -> None:
    clock = Clock("2026-11-20 23:59:50")

    async def test() -> None:
        async with opened(path, DAY, clock=clock) as ledger:
            await ledger.reserve(expense("a", 0.3))
            clock.now_s += 60.0
            await ledger.settle("a", 0.4, is_estimate=False)
            assert await level(ledger, 1.0) is FREE
        assert today_usd(path, clock()) == 0.0
        assert today_usd(path, clock() - 60.0) == pytest.approx(0.4)

    run(test())


def test_a_clock_that_goes_back_opens_nothing(path: Path) -> None:
    clock = Clock("2026-11-21 00:10")

    async def test() -> None:
        async with opened(path, DAY, clock=clock) as ledger:
            await ledger.reserve(expense("a", 1.0))
            clock.now_s -= 3600.0
            assert await level(ledger) is HARD
            await refused(ledger, "b")

    run(test())


def test_a_restart_forgets_nothing(path: Path) -> None:
    async def test() -> None:
        async with opened(path, DAY) as ledger:
            await ledger.reserve(expense("a", 0.5))
            await ledger.settle("a", 0.4, is_estimate=False)
            await ledger.reserve(expense("b", 0.5))
        assert ledger.warnings == ()
        async with opened(path, DAY) as ledger:
            assert (await ledger.standing("ann", 0.2)).note.startswith("would cost about $0.20")
            assert "$0.10 is left" in await refused(ledger, "c", 0.2)
            await ledger.settle("b", 0.1, is_estimate=False)  # of the process before
            assert await level(ledger, 0.2) is FREE
        assert today_usd(path) == pytest.approx(0.5)

    run(test())


def test_what_nobody_settled_counts_and_is_marked_after_an_hour(path: Path) -> None:
    clock = Clock()

    async def test() -> None:
        async with opened(path, DAY, clock=clock) as ledger:
            await ledger.reserve(expense("a", 0.5))
            clock.now_s += ABANDONED_S + 1.0
            await ledger.reserve(expense("b", 0.4))
            assert dict(sql(path, "SELECT call_id, state FROM expense")) == {
                "a": "abandoned",
                "b": "reserved",
            }
            assert await level(ledger) is SOFT
            found = spending(path, clock())
            assert (found.open_calls, found.abandoned_calls) == (1, 1)
            await ledger.settle("a", 0.1, is_estimate=False)  # an answer of more than an hour
            assert await level(ledger, 0.4) is FREE

    run(test())


def test_what_is_older_than_a_year_and_a_month_is_forgotten(path: Path) -> None:
    clock = Clock()

    async def test() -> None:
        async with opened(path, clock=clock) as ledger:
            await ledger.reserve(expense("old"))
            clock.now_s += 86_400.0
            await ledger.reserve(expense("young"))
            clock.now_s += KEPT_S - 3600.0
            await ledger.reserve(expense("new"))
        assert sql(path, "SELECT call_id FROM expense ORDER BY reserved_at") == [
            ("young",),
            ("new",),
        ]

    run(test())


# --- the share of turns -------------------------------------------------------------------------


def test_a_share_of_turns_outlives_a_restart(path: Path) -> None:
    limits = caps(cloud_share=0.2, soft=1.0)

    async def test() -> None:
        async with opened(path, limits) as ledger:
            await ledger.reserve(expense("a"))
            assert "CLOUD_SHARE allows 20 of 100" in await refused(ledger, "b")
            await ledger.settle("a", 0.1, is_estimate=False)
            ledger.turn_ended("ann", leaves_machine=True)
            for _ in range(3):
                ledger.turn_ended("ann", leaves_machine=False)
            assert await level(ledger) is HARD
        async with opened(path, limits) as ledger:
            assert await level(ledger) is HARD
            ledger.turn_ended("ann", leaves_machine=False)
            assert await level(ledger) is FREE
            await ledger.reserve(expense("c"))

    run(test())


def test_calls_of_one_turn_are_one_turn_of_the_share(path: Path) -> None:
    async def test() -> None:
        async with opened(path, caps(cloud_share=0.2)) as ledger:
            await ledger.reserve(expense("a", turn_id="t"))
            await ledger.reserve(expense("b", turn_id="t"))
            await refused(ledger, "c", turn_id="another")

    run(test())


def test_a_cloud_call_that_failed_does_not_use_up_the_share(path: Path) -> None:
    async def test() -> None:
        async with opened(path, caps(cloud_share=0.2)) as ledger:
            await ledger.reserve(expense("a"))
            await ledger.settle("a", 0.0, is_estimate=False)
            ledger.turn_ended("ann", leaves_machine=False)
            await ledger.reserve(expense("b"))

    run(test())


def test_only_the_last_hundred_turns_count(path: Path) -> None:
    async def test() -> None:
        async with opened(path, caps(cloud_share=0.1)) as ledger:
            for leaves in [True] * 100 + [False] * 91:
                ledger.turn_ended("ann", leaves_machine=leaves)
            await ledger.reserve(expense("a"))
            await ledger.settle("a", 0.1, is_estimate=False)
        assert sql(path, "SELECT count(*), total(leaves_machine) FROM recent_turn") == [(100, 9.0)]

    run(test())


def test_where_turns_went_is_written_now_and_then(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hal.gateway.ledger, "STALE_S", 0.0)

    async def test() -> None:
        async with opened(path, DAY) as ledger:
            await level(ledger)
            for _ in range(ENDED_TURNS):
                ledger.turn_ended(None, leaves_machine=False)
            await until(ledger, lambda: len(sql(path, "SELECT * FROM recent_turn")) == ENDED_TURNS)

    run(test())


async def until(ledger: Ledger, is_so: Callable[[], bool]) -> None:
    """Turns go on asking until it has come about."""
    for _ in range(500):
        await ledger.standing("ann", 0.1)
        if is_so():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come about")


# --- many at once -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "limits",
    [
        caps(daily_usd=2.0),
        caps(monthly_usd=2.0),
        caps(user_daily_usd=2.0),
        caps(daily_usd=2.0, monthly_usd=50.0, user_daily_usd=5.0, turn_usd=0.5),
    ],
)
def test_fifty_turns_at_once_never_pass_a_cap_together(path: Path, limits: BudgetSettings) -> None:
    async def turn(ledger: Ledger, number: int) -> bool:
        try:
            await ledger.reserve(expense(str(number), 0.1))
        except OverBudget:
            return False
        await asyncio.sleep(0.05)  # all of them are in flight
        await ledger.settle(str(number), 0.1, is_estimate=False)
        return True

    async def test() -> None:
        async with opened(path, limits) as ledger:
            went = await asyncio.gather(*(turn(ledger, number) for number in range(50)))
            assert sum(went) == 20
        assert today_usd(path) == pytest.approx(2.0)

    run(test())


def test_fifty_turns_at_once_keep_the_share(path: Path) -> None:
    async def turn(ledger: Ledger, number: int) -> None:
        await ledger.reserve(expense(str(number)))

    async def test() -> None:
        async with opened(path, caps(cloud_share=0.2)) as ledger:
            for _ in range(14):
                ledger.turn_ended(None, leaves_machine=False)
            went = await asyncio.gather(
                *(turn(ledger, number) for number in range(50)), return_exceptions=True
            )
            refusals = [error for error in went if error is not None]
            assert all(isinstance(error, OverBudget) for error in refusals)
            # 4 of 18 are one in five, rounded up: each sees those that are on their way.
            assert len(went) - len(refusals) == 4

    run(test())


def test_two_ledgers_on_one_file_see_each_other(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hal.gateway.ledger, "STALE_S", 0.0)

    async def test() -> None:
        async with opened(path, DAY) as one, opened(path, DAY) as other:
            assert [await level(one), await level(other)] == [FREE, FREE]
            await one.reserve(expense("a", 1.0))
            await refused(other, "b")
            assert await level(other) is HARD
            await one.settle("a", 0.0, is_estimate=False)
            await other.reserve(expense("b", 1.0))
            levels = []
            while HARD not in levels and len(levels) < 500:
                levels.append(await level(one))
                await asyncio.sleep(0.01)
            assert levels[-1] is HARD

    run(test())


def test_standing_is_answered_from_memory_without_a_pause(path: Path) -> None:
    async def test() -> None:
        async with opened(path, DAY) as ledger:
            await ledger.reserve(expense("a", 0.9))
            coroutine = ledger.standing("ann", 0.01)
            with pytest.raises(StopIteration) as stopped:
                coroutine.send(None)
            assert stopped.value.value.level is SOFT

    run(test())


def test_who_is_stopped_while_he_waits_leaves_no_reservation(path: Path) -> None:
    async def test() -> None:
        async with opened(path, DAY) as ledger:
            await level(ledger)
            for pause_s in (0.0, 0.0, 0.0001, 0.0003, 0.001, 0.003):
                waiting = [
                    asyncio.create_task(ledger.reserve(expense(f"{pause_s}{n}", 0.05)))
                    for n in range(15)
                ]
                await asyncio.sleep(pause_s)
                for task in waiting:
                    task.cancel()
                ended = await asyncio.gather(*waiting, return_exceptions=True)
                for number, error in enumerate(ended):
                    if error is None:  # was quicker, and is settled like any other
                        await ledger.settle(f"{pause_s}{number}", 0.0, is_estimate=False)
        assert spending(path).open_calls == 0
        assert today_usd(path) == 0.0

    run(test())


# --- the file -----------------------------------------------------------------------------------


def test_the_file_is_private_and_holds_no_text_of_a_user(path: Path) -> None:
    async def test() -> None:
        async with opened(path) as ledger:
            await ledger.reserve(expense("a", 0.1))
            assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
            modes = {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
            assert modes == {0o600}

    run(test())
    (row,) = sql(path, "SELECT * FROM expense")
    assert row[:5] == ("a", "turn-of-a", "ann", CLOUD.provider, CLOUD.model)
    assert not [value for value in row[5:] if isinstance(value, str) and value != "reserved"]


def test_a_ledger_that_was_never_used_is_closed_in_peace(path: Path) -> None:
    ledger = Ledger(path, DAY, tz=BERLIN)
    ledger.close()
    ledger.close()
    assert not path.exists()


def test_a_closed_ledger_lets_nothing_out_and_raises_nothing(path: Path) -> None:
    async def test() -> None:
        async with opened(path, DAY) as ledger:
            await ledger.reserve(expense("a", 0.3))
        assert "cannot be checked" in await refused(ledger, "b")
        await ledger.settle("a", 0.1, is_estimate=False)
        assert "after the budget was closed" in ledger.warnings[-1]
        await ledger.standing("ann", 0.1)
        ledger.configure(NO_CAPS)
        await ledger.reserve(expense("c"))
        assert today_usd(path) == pytest.approx(0.3)

    run(test())
