"""The drawings of a report: turns and cost over time, times, confidence, ratings.

Pure. Bars begin at zero, intervals are drawn where a share is an estimate, and each drawing tells
in words what is in it; the tables below it have the numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from . import words
from .estimates import ENOUGH, Share
from .figures import Bin, Group, Rated, Report, Slot
from .svg import (
    MIDDLE,
    Scale,
    box,
    decades,
    dot,
    drawing,
    every,
    line,
    logarithmic,
    shortened,
    ticks,
)
from .svg import (
    words as label,
)
from .table import ROUTES
from .tables import time_words

# The width at which a text of 12 px is read well on a phone, and on a desk beside the tables.
NARROW, WIDE = 340.0, 880.0
_LABEL_WIDTH = 46.0  # of an axis of dates: "12 Apr" with some air
_Say = Callable[[float], str]


class OverTime(Protocol):
    """A drawing over the slots of a report, in any width."""

    def __call__(self, report: Report, name: str, width: float) -> str: ...


@dataclass(frozen=True, slots=True)
class _Frame:
    """The room inside the axes."""

    left: float
    right: float
    top: float
    bottom: float


def turns_over_time(report: Report, name: str, width: float) -> str:
    """Stacked bars: how many turns took which route."""
    slots = report.slots
    most = max((sum(slot.routes.values()) for slot in slots), default=0)
    frame = _Frame(34, width - 4, 10, 190)
    y = Scale(0, ticks(most)[-1], frame.bottom, frame.top)
    parts = [*_grid(frame, y, ticks(most), lambda value: f"{value:,.0f}")]
    for x, bar, slot in _bars(slots, frame):
        below = 0
        for route in ROUTES:
            count = slot.routes.get(route, 0)
            if count:
                tip = f"{slot.name}: {count:,} {route}"
                top = y(below + count)
                parts.append(box(x, top, bar, y(below) - top, f"r-{route.lower()}", tip))
            below += count
    parts += _dates(slots, frame, report.unit)
    total = ", ".join(f"{r} {sum(s.routes.get(r, 0) for s in slots):,}" for r in ROUTES)
    desc = f"Stacked bars from zero, one for each {report.unit}, {len(slots)} in all: {total}."
    return drawing(name, width, 212, f"Turns by {report.unit} and route", desc, parts)


def cost_over_time(report: Report, name: str, width: float) -> str:
    """What was paid, in front of what the cloud alone would have cost."""
    slots = report.slots
    most = max((max(slot.cost_usd, slot.cloud_cost_usd) for slot in slots), default=0.0)
    frame = _Frame(48, width - 4, 10, 150)
    y = Scale(0, ticks(most)[-1], frame.bottom, frame.top)
    parts = [*_grid(frame, y, ticks(most), _dollars(ticks(most)))]
    for x, bar, slot in _bars(slots, frame):
        paid, cloud = words.money(slot.cost_usd), words.money(slot.cloud_cost_usd)
        tip = f"{slot.name}: {paid}, all cloud {cloud}"
        for style, usd in (("c-cloud", slot.cloud_cost_usd), ("c-paid", slot.cost_usd)):
            parts.append(box(x, y(usd), bar, frame.bottom - y(usd), style, tip))
    parts += _dates(slots, frame, report.unit)
    paid = words.money(sum(slot.cost_usd for slot in slots))
    cloud = words.money(sum(slot.cloud_cost_usd for slot in slots))
    desc = f"Bars from zero for each {report.unit}. Paid {paid} in all; all cloud would be {cloud}."
    return drawing(name, width, 172, f"Cost by {report.unit}", desc, parts)


def time_axis(groups: Sequence[Group]) -> list[float]:
    """Decades of seconds around all times of these groups, for drawings that are compared."""
    found = [
        ms / 1000
        for group in groups
        for each in (group.first_token, group.total)
        for ms in (each.p50_ms, each.p95_ms)
        if ms
    ]
    return decades(min(found, default=0.1), max(found, default=1.0))


def times(groups: Sequence[Group], marks: Sequence[float], name: str) -> str:
    """From the median to the 95th percentile, first token and whole answer, on one axis."""
    groups = [group for group in groups if group.total.n or group.first_token.n]
    row, width = 48.0, NARROW
    frame = _Frame(14, width - 20, 8, 8 + row * len(groups))
    x = Scale(marks[0], marks[-1], frame.left, frame.right, logarithmic)
    parts = []
    for mark in marks:
        parts.append(line(x(mark), frame.top, x(mark), frame.bottom, "grid"))
        parts.append(label(x(mark), frame.bottom + 16, f"{mark:g} s", "middle", "faint"))
    for index, group in enumerate(groups):
        top = frame.top + index * row
        parts.append(label(frame.left, top + 12, shortened(group.name, width - 20)))
        for style, offset, each in (("first", 23, group.first_token), ("whole", 35, group.total)):
            if each.p50_ms is not None and each.p95_ms is not None:
                begin, end = x(each.p50_ms / 1000), x(each.p95_ms / 1000)
                tip = f"{group.name}: {words.spread(each)}, {each.n:,} turns"
                parts.append(
                    box(begin, top + offset - 3, max(1, end - begin), 6, f"t-{style}", tip)
                )
                parts.append(dot(begin, top + offset, 4.5, f"t-{style}", tip))
    parts.append(
        label(
            width - 4,
            frame.bottom + 34,
            "median (dot) to 95th percentile, logarithmic",
            "end",
            "faint",
        )
    )
    desc = f"Logarithmic axis in seconds. {'. '.join(map(time_words, groups))}."
    return drawing(name, width, frame.bottom + 40, "How long it took", desc, parts)


def calibration(bins: Sequence[Bin], name: str) -> str:
    """Said confidence against what was right: on the diagonal they are the same."""
    width, height = NARROW, 300.0
    frame = _Frame(46, width - 10, 10, height - 44)
    low = min((each.low for each in bins), default=0.0)
    x, y = Scale(low, 1, frame.left, frame.right), Scale(0, 1, frame.bottom, frame.top)
    parts = [*_grid(frame, y, [0, 0.25, 0.5, 0.75, 1], words.percent)]
    parts += [
        label(x(tenth / 10), frame.bottom + 16, f"{tenth * 10} %", "middle", "faint")
        for tenth in range(round(low * 10), 11, 1 if low >= 0.4 else 2)
    ]
    parts.append(line(x(low), y(low), x(1), y(1), "diagonal"))
    for each in bins:
        parts += _bin(each, x, y)
    middle = (frame.left + frame.right) / 2
    parts.append(label(middle, height - 8, "confidence of the classifier", "middle", "faint"))
    judged = sum(each.judged.n for each in bins)
    desc = (
        f"{sum(each.uncontested.n for each in bins):,} decisions, {judged:,} of them judged. "
        + " ".join(
            f"{each.low:.1f} to {each.high:.1f}: {words.estimate(each.judged)}." for each in bins
        )
    )
    return drawing(name, width, height, "Confidence against what was right", desc, parts)


def ratings(rated: Sequence[Rated], name: str) -> str:
    """Thumbs up with their 95 % intervals, on an axis from nothing to all."""
    width = NARROW
    frame = _Frame(8, width - 8, 4, 4 + 42.0 * len(rated))
    x = Scale(0, 1, frame.left + 8, frame.right - 8)
    parts = []
    for mark in (0, 0.25, 0.5, 0.75, 1):
        parts.append(line(x(mark), frame.top, x(mark), frame.bottom, "grid"))
        parts.append(label(x(mark), frame.bottom + 16, words.percent(mark), "middle", "faint"))
    for index, each in enumerate(rated):
        top = frame.top + index * 42.0
        parts.append(label(frame.left, top + 13, shortened(each.name, width - 110)))
        parts.append(label(frame.right, top + 13, f"n = {each.up.n:,}", "end", "faint"))
        parts += _range(each.up, x, top + 26, each.name)
    desc = "; ".join(f"{each.name}: {words.estimate(each.up)}, n = {each.up.n}" for each in rated)
    return drawing(name, width, frame.bottom + 22, "Thumbs up, with 95 % intervals", desc, parts)


def shares(rows: Sequence[tuple[str, int]], of: int, name: str, title: str) -> str:
    """Bars from zero, one under the other: how many of what."""
    width = NARROW
    most = max((count for _, count in rows), default=1)
    x = Scale(0, most, 8, width - 96)
    parts = []
    for index, (what, count) in enumerate(rows):
        top = 4 + index * 40.0
        parts.append(label(8, top + 12, shortened(what, width - 16)))
        parts.append(box(8, top + 18, max(1.0, x(count) - 8), 10, "bar", f"{what}: {count:,}"))
        share = words.percent(count / of if of else None)
        parts.append(
            label(max(9.0, x(count)) + 6, top + 27, f"{count:,} · {share}", "start", "faint")
        )
    desc = "Bars from zero. " + "; ".join(f"{what}: {count:,}" for what, count in rows)
    return drawing(name, width, 8 + 40.0 * len(rows), title, desc, parts)


def _bin(each: Bin, x: Scale, y: Scale) -> Iterator[str]:
    at = x(each.mean)
    if each.uncontested.value is not None:
        tip = (
            f"{each.uncontested.n:,} decisions, uncontested {words.percent(each.uncontested.value)}"
        )
        yield dot(at, y(each.uncontested.value), 4, "uncontested", tip)
    share, ends = each.judged.value, each.judged.interval
    if share is None or ends is None or not each.judged.is_enough:
        return
    yield line(at, y(ends[0]), at, y(ends[1]), "range")
    tip = f"{each.low:.1f} to {each.high:.1f}: {words.estimate(each.judged)}, n = {each.judged.n}"
    yield dot(at, y(share), 5, "point", tip)
    yield label(at, y(ends[0]) + 14, f"{each.judged.n:,}", "middle", "faint")


def _range(share: Share, x: Scale, y: float, name: str) -> Iterator[str]:
    ends, value = share.interval, share.value
    if ends is None or value is None or not share.is_enough:
        yield label(x(0.5), y + MIDDLE, f"{words.TOO_FEW} (below {ENOUGH})", "middle", "faint")
        return
    yield line(x(ends[0]), y, x(ends[1]), y, "range")
    yield dot(x(value), y, 5, "point", f"{name}: {words.estimate(share)}, n = {share.n}")


def _grid(frame: _Frame, y: Scale, marks: Sequence[float], say: _Say) -> Iterator[str]:
    for mark in marks:
        yield line(frame.left, y(mark), frame.right, y(mark), "axis" if mark == 0 else "grid")
        yield label(frame.left - 6, y(mark) + MIDDLE, say(mark), "end", "faint")


def _bars(slots: Sequence[Slot], frame: _Frame) -> Iterator[tuple[float, float, Slot]]:
    """Left edge, width, and the slot; a gap of a quarter, and no bar like a wall."""
    step = (frame.right - frame.left) / max(1, len(slots))
    bar = min(step * 0.76, 42.0)
    for index, slot in enumerate(slots):
        yield frame.left + index * step + (step - bar) / 2, bar, slot


def _dates(slots: Sequence[Slot], frame: _Frame, unit: str) -> Iterator[str]:
    step = (frame.right - frame.left) / max(1, len(slots))
    for index in every(len(slots), int((frame.right - frame.left) / _LABEL_WIDTH)):
        middle = frame.left + (index + 0.5) * step
        yield label(middle, frame.bottom + 16, _date(slots[index], unit), "middle", "faint")


def _date(slot: Slot, unit: str) -> str:
    if unit in ("day", "week"):
        return f"{slot.first.day} {slot.first:%b}"
    return f"{slot.first:%b %y}" if unit == "month" else slot.name


def _dollars(marks: Sequence[float]) -> _Say:
    """All marks of one axis with as many decimals as the smallest step needs."""
    step = marks[1] if len(marks) > 1 else 1.0
    decimals = next(n for n in (0, 1, 2, 3, 4, 6) if n == 6 or abs(round(step, n) - step) < 1e-9)
    return lambda value: f"${value:,.{decimals if decimals != 1 else 2}f}"
