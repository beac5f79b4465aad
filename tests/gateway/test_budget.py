"""The rules of the budget: what fits, what is nearly used up, and when a day begins."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import ceil, floor
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.errors import OverBudget
from hal.gateway.budget import (
    SHARE_TURNS,
    Period,
    Spent,
    day_begins,
    judge,
    month_begins,
    refusal,
    usd,
)
from hal.gateway.ports import Level, Standing
from hal.settings import BudgetSettings

FREE, SOFT, HARD = Level.FREE, Level.SOFT, Level.HARD
NO_CAPS = BudgetSettings(None, None, None, None, None, 0.8)


def caps(**changes: Any) -> BudgetSettings:
    return replace(NO_CAPS, **changes)


# --- money --------------------------------------------------------------------------------------

DAY = {"daily_usd": 5.0}


@pytest.mark.parametrize(
    ("set_", "spent", "estimate_usd", "level", "note"),
    [
        # Without caps nothing is counted, and no price need be known.
        pytest.param({}, {"today_usd": 1e9}, 1e9, FREE, "", id="no-caps"),
        pytest.param({}, {}, None, FREE, "", id="no-caps-no-price"),
        # A day.
        pytest.param(DAY, {}, 0.62, FREE, "", id="fresh"),
        pytest.param(DAY, {"today_usd": 3.99}, 0.62, FREE, "", id="below-soft"),
        pytest.param(
            DAY, {"today_usd": 4.0}, 0.62, SOFT, "80 % of today's budget is used ($4.00 of $5.00)"
        ),
        pytest.param(
            DAY,
            {"today_usd": 4.69},
            0.62,
            HARD,
            "would cost about $0.62, and $0.31 is left of today's budget ($5.00)",
        ),
        pytest.param(DAY, {"today_usd": 4.38}, 0.62, SOFT, "87 % of today's", id="just-fits"),
        pytest.param(
            DAY,
            {"today_usd": 4.999},
            0.62,
            HARD,
            "today's budget of $5.00 is used up ($5.00 spent)",
        ),
        pytest.param(DAY, {"today_usd": 5.0}, 0.0, HARD, "is used up", id="used-up-for-free-turns"),
        pytest.param(DAY, {"today_usd": 7.5}, 0.01, HARD, "used up ($7.50 spent)", id="passed"),
        pytest.param(DAY, {"month_usd": 900.0}, 0.01, FREE, "", id="the-month-has-no-cap"),
        # A month, a user.
        pytest.param(
            {"monthly_usd": 50.0},
            {"month_usd": 40.1},
            0.1,
            SOFT,
            "80 % of this month's budget is used ($40.10 of $50.00)",
        ),
        pytest.param(
            {"monthly_usd": 50.0},
            {"month_usd": 50.0},
            0.1,
            HARD,
            "this month's budget of $50.00 is used up ($50.00 spent)",
        ),
        pytest.param(
            {"user_daily_usd": 1.0},
            {"user_today_usd": 1.0, "today_usd": 1.0},
            0.1,
            HARD,
            "your budget of today of $1.00 is used up ($1.00 spent)",
        ),
        pytest.param({"user_daily_usd": 1.0}, {"today_usd": 9.0}, 0.1, FREE, "", id="others-spent"),
        # The tightest cap decides, whichever it is.
        pytest.param(
            {"daily_usd": 5.0, "monthly_usd": 50.0},
            {"today_usd": 1.0, "month_usd": 49.99},
            0.1,
            HARD,
            "this month's",
            id="month-before-day",
        ),
        # Nothing may be spent.
        pytest.param({"daily_usd": 0.0}, {}, 0.0, HARD, "nothing may be spent (DAILY_BUDGET_USD"),
        pytest.param({"user_daily_usd": 0.0}, {}, 0.1, HARD, "(USER_DAILY_BUDGET_USD is 0)"),
        # One turn.
        pytest.param(
            {"turn_usd": 0.5},
            {},
            0.62,
            HARD,
            "would cost about $0.62, more than $0.50 a turn (TURN_BUDGET_USD)",
        ),
        pytest.param({"turn_usd": 0.5}, {}, 0.5, FREE, "", id="as-much-as-a-turn-may"),
        pytest.param({"turn_usd": 0.5}, {"today_usd": 99.0}, 0.4, FREE, "", id="no-sum-counts"),
        pytest.param(
            {"turn_usd": 0.5},
            {"turn_usd": 0.3},
            0.3,
            HARD,
            "would cost about $0.30 after $0.30 for it so far, more than $0.50 a turn",
        ),
        pytest.param({"turn_usd": 0.0}, {}, 0.001, HARD, "about $0.0010, more than $0.00 a turn"),
        # Soft is a share of the cap.
        pytest.param({**DAY, "soft": 0.5}, {"today_usd": 2.5}, 0.1, SOFT, "50 % of today's"),
        pytest.param({**DAY, "soft": 1.0}, {"today_usd": 4.89}, 0.1, FREE, "", id="never-soft"),
        pytest.param({**DAY, "soft": 0.0}, {}, 0.1, SOFT, "only when it is asked", id="on-request"),
        pytest.param({"turn_usd": 0.5, "soft": 0.0}, {}, 0.1, FREE, "", id="a-turn-has-no-soft"),
        # An unknown price: no cap on money could be kept.
        pytest.param(DAY, {}, None, HARD, "price of the cloud model is not known"),
        pytest.param({"monthly_usd": 5.0}, {}, None, HARD, "is not known"),
        pytest.param({"user_daily_usd": 5.0}, {}, None, HARD, "is not known"),
        pytest.param({"turn_usd": 0.5}, {}, None, HARD, "is not known"),
        pytest.param(DAY, {}, float("inf"), HARD, "is not known"),
        pytest.param(DAY, {}, float("nan"), HARD, "is not known"),
        pytest.param({"cloud_share": 0.2}, {}, None, FREE, "", id="a-share-is-no-money"),
        # Sums of decimal fractions.
        pytest.param({"daily_usd": 0.3}, {"today_usd": 0.1 + 0.1}, 0.1, FREE, "", id="0.1-thrice"),
        pytest.param({"daily_usd": 0.3, "soft": 0.5}, {"today_usd": 0.2}, 0.1, SOFT, "66 %"),
        pytest.param({"daily_usd": 0.3}, {"today_usd": 0.1 + 0.2}, 0.0, HARD, "used up"),
    ],
)
def test_money(
    set_: dict[str, Any],
    spent: dict[str, Any],
    estimate_usd: float | None,
    level: Level,
    note: str,
) -> None:
    standing = judge(caps(**set_), Spent(**spent), estimate_usd)
    assert standing.level is level, standing
    assert note in standing.note
    assert bool(standing.note) is (level is not FREE)
    assert (refusal(caps(**set_), Spent(**spent), estimate_usd) is not None) is (level is HARD)


@pytest.mark.parametrize(
    ("set_", "spent", "estimate_usd", "sentence"),
    [
        (
            DAY,
            {"today_usd": 4.999},
            0.1,
            "Today's budget of $5.00 is used up ($5.00 spent). Raise DAILY_BUDGET_USD, or wait for "
            "tomorrow; local models answer until then.",
        ),
        (
            {"turn_usd": 0.5},
            {},
            0.62,
            "This turn would cost about $0.62, more than $0.50 a turn (TURN_BUDGET_USD). Raise "
            "TURN_BUDGET_USD, or shorten the conversation.",
        ),
        (
            DAY,
            {},
            None,
            "The price of the cloud model is not known, so no budget can be kept. Name the price "
            "in prices.json in HAL_DATA_DIR, or set the budgets to -1.",
        ),
    ],
)
def test_a_refusal_is_a_sentence_with_a_remedy(
    set_: dict[str, Any], spent: dict[str, Any], estimate_usd: float | None, sentence: str
) -> None:
    error = refusal(caps(**set_), Spent(**spent), estimate_usd)
    assert isinstance(error, OverBudget)
    assert error.sentence == sentence


money = st.floats(0, 100, allow_nan=False)
capped = st.builds(
    BudgetSettings, *[st.none() | money] * 4, st.none() | st.floats(0, 1), st.floats(0, 1)
)
counted = st.integers(0, 200)
spent_ = st.builds(Spent, money, money, money, money, counted, counted)
ORDER = {FREE: 0, SOFT: 1, HARD: 2}


@given(capped, spent_, money, money)
def test_more_spent_never_opens_the_cloud(
    limits: BudgetSettings, spent: Spent, estimate_usd: float, more_usd: float
) -> None:
    more = replace(
        spent,
        today_usd=spent.today_usd + more_usd,
        month_usd=spent.month_usd + more_usd,
        user_today_usd=spent.user_today_usd + more_usd,
    )
    before, after = (judge(limits, s, estimate_usd).level for s in (spent, more))
    assert ORDER[before] <= ORDER[after]


@given(st.floats(0.01, 100), st.floats(0, 1), st.floats(0, 200), st.floats(0, 1))
def test_soft_comes_before_hard(cap_usd: float, soft: float, spent_usd: float, part: float) -> None:
    """A turn that is no dearer than the room between soft and hard is never refused unannounced."""
    estimate_usd = part * (1 - soft) * cap_usd
    limits = caps(daily_usd=cap_usd, soft=soft)
    if judge(limits, Spent(today_usd=spent_usd), estimate_usd).level is HARD:
        assert spent_usd >= soft * cap_usd - 1e-6


@given(capped, spent_, st.none() | money)
def test_hard_is_never_without_a_note_and_a_note_never_without_a_level(
    limits: BudgetSettings, spent: Spent, estimate_usd: float | None
) -> None:
    standing = judge(limits, spent, estimate_usd)
    assert (standing == Standing()) is (standing.level is FREE) is (not standing.note)


@pytest.mark.parametrize(
    ("amount", "words"),
    [(0.0, "$0.00"), (0.0049, "$0.0049"), (0.01, "$0.01"), (4.999, "$5.00"), (1234.5, "$1234.50")],
)
def test_usd(amount: float, words: str) -> None:
    assert usd(amount) == words


# --- share of turns -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("share", "turns", "cloud", "level"),
    [
        pytest.param(None, 100, 100, FREE, id="no-cap"),
        pytest.param(0.2, 0, 0, FREE, id="the-first-turn-may"),
        pytest.param(0.01, 0, 0, FREE, id="however-small-the-share"),
        pytest.param(0.0, 0, 0, HARD, id="but-not-under-0"),
        pytest.param(0.2, 1, 1, HARD, id="and-not-the-second"),
        pytest.param(0.2, 4, 1, HARD, id="one-in-five"),
        pytest.param(0.2, 5, 1, SOFT, id="the-sixth-may"),
        pytest.param(0.5, 1, 1, HARD, id="every-other"),
        pytest.param(0.5, 2, 1, FREE, id="every-other-may"),
        pytest.param(0.2, 100, 15, FREE, id="full-window"),
        pytest.param(0.2, 100, 16, SOFT, id="80-percent-of-the-share"),
        pytest.param(0.2, 100, 19, SOFT, id="the-20th"),
        pytest.param(0.2, 100, 20, HARD, id="the-21st"),
        pytest.param(0.07, 100, 7, HARD, id="a-share-that-no-float-can-say"),
        pytest.param(0.29, 100, 28, SOFT, id="another-one"),
    ],
)
def test_share(share: float | None, turns: int, cloud: int, level: Level) -> None:
    spent = Spent(recent_turns=turns, recent_cloud_turns=cloud)
    assert judge(caps(cloud_share=share), spent, 0.1).level is level


def test_the_share_is_told_in_turns() -> None:
    standing = judge(caps(cloud_share=0.2), Spent(recent_turns=100, recent_cloud_turns=23), 0.1)
    assert standing == Standing(
        HARD, "23 of the last 100 turns went to the cloud, CLOUD_SHARE allows 20 of 100"
    )


@given(st.floats(0.001, 0.999), st.lists(st.booleans(), max_size=300))
def test_a_new_log_is_no_free_pass_and_no_dead_end(share: float, wanted: list[bool]) -> None:
    """Turns that want the cloud go there when they may. After n turns, at most ceil(share n)."""
    limits = caps(cloud_share=share, soft=1.0)
    went: list[bool] = []
    for wants in wanted:
        window = went[-SHARE_TURNS:]
        spent = Spent(recent_turns=len(window), recent_cloud_turns=sum(window))
        may = judge(limits, spent, None).level is not HARD
        assert may or sum(window) > 0  # nobody is refused before anybody was let through
        went.append(wants and may)
        recent = went[-SHARE_TURNS:]
        assert sum(recent) <= ceil(share * len(recent) - 1e-9)


# --- days and months ----------------------------------------------------------------------------

ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "America/Santiago"]
ZONES += ["America/Havana", "Pacific/Apia", "Africa/Cairo", "Australia/Lord_Howe"]


def at(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


@pytest.mark.parametrize(
    ("zone", "now", "day", "month"),
    [
        ("UTC", "2026-11-22T12:00+00:00", "2026-11-22T00:00+00:00", "2026-11-01T00:00+00:00"),
        ("UTC", "2026-11-22T00:00+00:00", "2026-11-22T00:00+00:00", "2026-11-01T00:00+00:00"),
        # Already tomorrow, and already another month.
        (
            "Europe/Berlin",
            "2026-11-30T23:30+00:00",
            "2026-12-01T00:00+01:00",
            "2026-12-01T00:00+01:00",
        ),
        (
            "Asia/Kathmandu",
            "2026-01-01T00:00+05:45",
            "2026-01-01T00:00+05:45",
            "2026-01-01T00:00+05:45",
        ),
        # The day of 23 hours and the one of 25, each with its own offset at midnight.
        (
            "Europe/Berlin",
            "2026-03-29T23:59+02:00",
            "2026-03-29T00:00+01:00",
            "2026-03-01T00:00+01:00",
        ),
        (
            "Europe/Berlin",
            "2026-10-25T23:59+01:00",
            "2026-10-25T00:00+02:00",
            "2026-10-01T00:00+02:00",
        ),
        # The hour that comes twice.
        (
            "Europe/Berlin",
            "2026-10-25T02:30+02:00",
            "2026-10-25T00:00+02:00",
            "2026-10-01T00:00+02:00",
        ),
        (
            "Europe/Berlin",
            "2026-10-25T02:30+01:00",
            "2026-10-25T00:00+02:00",
            "2026-10-01T00:00+02:00",
        ),
        # Midnight is skipped: the day begins at one.
        (
            "America/Santiago",
            "2026-09-06T12:00-03:00",
            "2026-09-06T01:00-03:00",
            "2026-09-01T00:00-04:00",
        ),
        # Midnight comes twice: the day begins with the first.
        (
            "America/Havana",
            "2026-11-01T12:00-05:00",
            "2026-11-01T00:00-04:00",
            "2026-11-01T00:00-04:00",
        ),
    ],
)
def test_borders(zone: str, now: str, day: str, month: str) -> None:
    tz = ZoneInfo(zone)
    assert day_begins(at(now), tz) == at(day)
    assert month_begins(at(now), tz) == at(month)
    assert Period.at(at(now), tz) == Period(at(day), at(month))
    with machine_zone(zone):
        assert Period.at(at(now)) == Period(at(day), at(month))


moments = st.floats(at("2012-01-01T00:00+00:00"), at("2037-01-01T00:00+00:00"))


@contextmanager
def machine_zone(zone: str) -> Iterator[None]:
    before = os.environ.get("TZ")
    os.environ["TZ"] = zone
    time.tzset()
    try:
        yield
    finally:
        os.environ.pop("TZ")
        if before is not None:
            os.environ["TZ"] = before
        time.tzset()


@given(st.sampled_from(ZONES), moments)
def test_a_day_begins_with_its_first_second(zone: str, now_s: float) -> None:
    tz = ZoneInfo(zone)
    begin_s = day_begins(now_s, tz)
    today = datetime.fromtimestamp(floor(now_s), tz).date()
    assert begin_s <= now_s
    assert datetime.fromtimestamp(begin_s, tz).date() == today
    assert datetime.fromtimestamp(begin_s - 1, tz).date() < today
    assert day_begins(begin_s, tz) == begin_s
    assert (
        timedelta(0)
        <= datetime.fromtimestamp(now_s, UTC) - datetime.fromtimestamp(begin_s, UTC)
        < timedelta(hours=25)
    )


@given(st.sampled_from(ZONES), moments)
def test_a_month_begins_with_its_first_day(zone: str, now_s: float) -> None:
    tz = ZoneInfo(zone)
    begin_s = month_begins(now_s, tz)
    assert begin_s <= day_begins(now_s, tz)
    first, today = (datetime.fromtimestamp(t, tz) for t in (begin_s, floor(now_s)))
    assert (first.year, first.month, first.day) == (today.year, today.month, 1)
    assert datetime.fromtimestamp(begin_s - 1, tz).month != today.month
