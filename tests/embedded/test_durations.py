"""Every spelling of `keep_alive`."""

from __future__ import annotations

import math

import pytest

from hal.embedded.durations import keep_alive_s
from hal.embedded.errors import BadRequest

DEFAULT_S = 300.0

SPELLINGS = [
    (None, DEFAULT_S),
    ("", DEFAULT_S),
    (0, 0.0),
    (-1, math.inf),
    (-0.5, math.inf),
    (90, 90.0),
    (1.5, 1.5),
    ("0", 0.0),
    ("0s", 0.0),
    ("-1", math.inf),
    ("-1m", math.inf),
    ("5m", 300.0),
    ("30", 30.0),
    ("90s", 90.0),
    ("1h30m", 5400.0),
    ("1.5h", 5400.0),
    ("100ms", 0.1),
    (" 5m ", 300.0),
    (math.inf, math.inf),
]


@pytest.mark.parametrize(("value", "seconds"), SPELLINGS)
def test_spelling(value: float | str | None, seconds: float) -> None:
    assert keep_alive_s(value, DEFAULT_S) == pytest.approx(seconds)


@pytest.mark.parametrize("value", ["soon", "5 m", "m", "5mm", "5m3", "--5m5", math.nan, "1h-5m"])
def test_nonsense_is_refused(value: float | str) -> None:
    with pytest.raises(BadRequest):
        keep_alive_s(value, DEFAULT_S)
