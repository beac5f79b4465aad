"""Days, weeks, months: every moment of a period is in exactly one."""

from __future__ import annotations

from datetime import UTC, date, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hal.lab.report.period import Period, slot_name, slot_of

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC).timestamp()
DAY_S = 86_400.0
ZONES = ("UTC", "Europe/Berlin", "America/St_Johns", "Pacific/Kiritimati", "Africa/Cairo")


@given(st.sampled_from(ZONES), st.floats(0, 4e9), st.floats(1, 400 * DAY_S))
@example("UTC", 25 * DAY_S - 1e-8, 1.0)  # the last moment of a day
def test_days_leave_no_gap(zone: str, since: float, span: float) -> None:
    period = Period(since, since + span, ZoneInfo(zone))
    days = list(period.days())
    assert days[0].begin == since
    assert days[-1].end == since + span
    assert all(a.end == b.begin and a.date < b.date for a, b in pairwise(days))


def test_a_day_may_have_23_and_25_hours() -> None:
    zone = ZoneInfo("Europe/Berlin")
    begin = datetime(2026, 3, 28, tzinfo=zone).timestamp()
    hours = {
        day.date: (day.end - day.begin) / 3600
        for day in Period(begin, begin + 5 * DAY_S, zone).days()
    }
    assert hours[date(2026, 3, 29)] == 23
    begin = datetime(2026, 10, 24, tzinfo=zone).timestamp()
    hours = {
        day.date: (day.end - day.begin) / 3600
        for day in Period(begin, begin + 5 * DAY_S, zone).days()
    }
    assert hours[date(2026, 10, 25)] == 25


@pytest.mark.parametrize(
    ("days", "unit"),
    [(0.1, "day"), (30, "day"), (90, "week"), (365, "week"), (800, "month"), (4000, "year")],
)
def test_as_many_slots_as_fit_a_phone(days: float, unit: str) -> None:
    period = Period(NOON, NOON + days * DAY_S, UTC)
    slots = {slot_of(day.date, period.unit) for day in period.days()}
    assert period.unit == unit
    assert len(slots) <= 61


@pytest.mark.parametrize(
    ("unit", "first", "name"),
    [
        ("day", date(2026, 3, 5), "2026-03-05"),
        ("week", date(2026, 3, 2), "2026-03-02"),
        ("month", date(2026, 3, 1), "2026-03"),
        ("year", date(2026, 1, 1), "2026"),
    ],
)
def test_slots_have_their_first_day(unit: str, first: date, name: str) -> None:
    assert slot_of(date(2026, 3, 5), unit) == first
    assert slot_name(first, unit) == name
