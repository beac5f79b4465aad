"""The time that a report is about, cut into days, and the days into slots for a chart.

Pure: knows calendars and zones, no clock and no turns.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from math import floor

# As many as fit side by side on a phone and can still be told apart.
_DAYS_SHOWN, _WEEKS_SHOWN, _MONTHS_SHOWN = 45, 53, 60


@dataclass(frozen=True, slots=True)
class Day:
    """A day of the calendar and its seconds since the epoch; `end` is the next one's `begin`."""

    date: date
    begin: float
    end: float


@dataclass(frozen=True, slots=True)
class Period:
    """From `since` on, before `until`, in unix seconds; `tz` None is the zone of this machine."""

    since: float
    until: float
    tz: tzinfo | None = None

    def days(self) -> Iterator[Day]:
        """Every day that is touched, the first and the last one cut off where the period is."""
        day, last = self.date_of(self.since), self.date_of(self.until)
        while day <= last:
            following = day + timedelta(days=1)
            begin = max(self.since, _midnight(day, self.tz))
            end = min(self.until, _midnight(following, self.tz))
            if begin < end:
                yield Day(day, begin, end)
            day = following

    def date_of(self, unix_s: float) -> date:
        # Whole seconds: `fromtimestamp` rounds what is left of a day up into the next one.
        return datetime.fromtimestamp(floor(unix_s), UTC).astimezone(self.tz).date()

    @property
    def unit(self) -> str:
        """What one slot is: day, week, month or year."""
        days = (self.date_of(self.until) - self.date_of(self.since)).days
        if days <= _DAYS_SHOWN:
            return "day"
        if days <= _WEEKS_SHOWN * 7:
            return "week"
        return "month" if days <= _MONTHS_SHOWN * 31 else "year"


def slot_of(day: date, unit: str) -> date:
    """The first day of the slot that a day belongs to; weeks begin on Monday."""
    if unit == "week":
        return day - timedelta(days=day.weekday())
    if unit == "month":
        return day.replace(day=1)
    return day.replace(month=1, day=1) if unit == "year" else day


def slot_name(first: date, unit: str) -> str:
    """ISO, as short as the slot is long."""
    return first.isoformat()[: {"month": 7, "year": 4}.get(unit, 10)]


def _midnight(day: date, tz: tzinfo | None) -> float:
    """Where the clock skips midnight, the first moment after it."""
    return datetime.combine(day, time.min, tz).timestamp()
