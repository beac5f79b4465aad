"""A clock that was set deletes nothing, and one that went on keeps nothing for ever."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.sessions.trusted_clock import SETTLED_S, STEP_MAX_S, ClockView

from .rows import DAY_S, NOON

times = st.floats(0, 1e11)
YEAR_2099 = 4_070_908_800.0


@pytest.mark.parametrize(
    ("before", "now", "after"),
    [
        pytest.param(ClockView(NOON), NOON + 1, ClockView(NOON + 1), id="goes-on"),
        pytest.param(
            ClockView(NOON), NOON + 30 * DAY_S, ClockView(NOON + 30 * DAY_S), id="a-holiday"
        ),
        pytest.param(ClockView(NOON), NOON - DAY_S, ClockView(NOON), id="set-back"),
        pytest.param(ClockView(NOON), 0.0, ClockView(NOON), id="no-battery"),
        pytest.param(ClockView(NOON), YEAR_2099, ClockView(NOON, YEAR_2099), id="far-ahead"),
        pytest.param(
            ClockView(NOON, YEAR_2099),
            YEAR_2099 + SETTLED_S - 1,
            ClockView(NOON, YEAR_2099),
            id="not-for-a-day-yet",
        ),
        pytest.param(
            ClockView(NOON, YEAR_2099),
            YEAR_2099 + SETTLED_S,
            ClockView(YEAR_2099 + SETTLED_S),
            id="stayed-so-for-a-day",
        ),
        pytest.param(ClockView(NOON, YEAR_2099), NOON + 60, ClockView(NOON + 60), id="set-right"),
        pytest.param(
            ClockView(NOON, NOON + 40 * DAY_S),
            YEAR_2099,
            ClockView(NOON, YEAR_2099),
            id="ahead-once-more",
        ),
        pytest.param(
            ClockView(NOON, YEAR_2099),
            NOON + 50 * DAY_S,
            ClockView(NOON, NOON + 50 * DAY_S),
            id="ahead-still-but-less",
        ),
    ],
)
def test_what_to_think_of_a_clock(before: ClockView, now: float, after: ClockView) -> None:
    assert before.look(now) == after


@given(trusted=times, now=times)
def test_no_single_look_believes_a_leap(trusted: float, now: float) -> None:
    view = ClockView(trusted).look(now)
    assert view.is_trusted == (now - trusted <= STEP_MAX_S)
    assert view.trusted_at >= trusted


@given(trusted=times, leap=times)
def test_whatever_the_clock_says_it_is_believed_after_a_day(trusted: float, leap: float) -> None:
    view = ClockView(trusted).look(leap).look(leap + SETTLED_S)
    assert view.is_trusted


@given(trusted=times, since=st.none() | times)
def test_it_comes_back_as_it_was_written(trusted: float, since: float | None) -> None:
    view = ClockView(trusted, since)
    assert ClockView.from_json(view.to_json()) == view


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "null", '{"trusted_at": "x"}', '{"trusted_at":1}']
)
def test_anything_else_is_no_view(text: str) -> None:
    assert ClockView.from_json(text) is None
