"""Figures as people read them: shares, times, money and sizes, and the one sentence of a report.

Pure; says nothing that the figures do not hold: no 100 % that is not all, no interval left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import tzinfo

from ...gateway.budget import usd
from ...sessions.render import when
from .estimates import Share, Spread
from .figures import Report, Totals

NONE = "-"
TOO_FEW = "too few"
_SIZES = ("B", "kB", "MB", "GB", "TB")


def percent(share: float | None) -> str:
    """Whole percents, tenths below ten; what is nearly all or nearly nothing does not become it."""
    if share is None:
        return NONE
    if 0 < share < 0.0005:
        return "<0.1 %"
    if 0.995 <= share < 1:  # a half is rounded up
        return ">99 %"
    return f"{_number(share)} %"


def interval(share: Share) -> str:
    """The 95 % interval, "" where nothing was counted."""
    ends = share.interval
    return "" if ends is None else f"{_number(ends[0])}–{_number(ends[1])} %"


def _number(share: float) -> str:
    return f"{100 * share:.1f}" if 0 < share < 0.0995 else f"{100 * share:.0f}"


def estimate(share: Share) -> str:
    """A share of a sample: with its interval, or that there are too few to tell."""
    return f"{percent(share.value)} ({interval(share)})" if share.is_enough else TOO_FEW


def duration(ms: float | None) -> str:
    """Two digits or three, as it was measured."""
    if ms is None:
        return NONE
    if ms < 1000:
        return f"{ms:.0f} ms"
    return f"{ms / 1000:.1f} s" if ms < 100_000 else f"{ms / 1000:,.0f} s"


def spread(times: Spread) -> str:
    """Median and 95th percentile."""
    return f"{duration(times.p50_ms)} / {duration(times.p95_ms)}" if times.n else NONE


def money(amount: float, unknown: int = 0) -> str:
    """USD; at least that where some of it is unknown."""
    return ("at least " if unknown else "") + ("$0" if amount == 0 else usd(amount))


def size(count: float) -> str:
    """Bytes in steps of a thousand."""
    for unit in _SIZES[:-1]:
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} {_SIZES[-1]}"


def amount(count: float) -> str:
    """Tokens: exact below ten thousand, then in thousands and millions."""
    if count < 10_000:
        return f"{count:,.0f}"
    return f"{count / 1000:,.0f} k" if count < 1_000_000 else f"{count / 1_000_000:,.1f} M"


def things(count: int, name: str) -> str:
    return f"{count:,} {name}{'' if count == 1 else 's'}"


def counts(found: Mapping[str, int]) -> str:
    """ "EMAIL 3, IBAN 1"."""
    return ", ".join(f"{name} {count:,}" for name, count in found.items()) or NONE


def headline(report: Report) -> str:
    """What it comes to, in one sentence."""
    totals = report.totals
    if not totals.turns:
        asked = report.since is not None or report.until is not None
        where = "in this time" if asked else "in the session log yet"
        waiting = f" ({_apart(totals)})" if _apart(totals) else ""
        return f"There are no finished turns {where}{waiting}."
    if not totals.answered:
        return f"None of {things(totals.turns, 'turn')} was answered."
    return f"{_place(totals)}; {_price(totals)}."


def subtitle(report: Report, tz: tzinfo | None) -> str:
    """Which time, and what is counted apart."""
    if report.first is None or report.last is None:
        return ""
    begin, end = when(report.first, tz)[:10], when(report.last, tz, with_zone=True)
    days = begin if begin == end[:10] else f"{begin} to {end[:10]}"
    zone = end[20:]
    apart = _apart(report.totals)
    return f"{days}{f' ({zone})' if zone else ''}{f'. Counted apart: {apart}' if apart else ''}."


def _apart(totals: Totals) -> str:
    parts = [
        things(totals.tasks, "background task") if totals.tasks else "",
        f"{things(totals.unfinished, 'turn')} still running" if totals.unfinished else "",
    ]
    return ", ".join(part for part in parts if part)


def _place(totals: Totals) -> str:
    if totals.turns == 1:
        place = "on this machine" if totals.local else "by xAI"
        return f"The one turn was answered {place}"
    share = percent(totals.share_local.value)
    return f"{share} of {totals.answered:,} turns were answered on this machine"


def _price(totals: Totals) -> str:
    paid = money(totals.cost_usd, totals.cost_unknown)
    compared = totals.compared
    if not compared.n:
        return f"xAI cost {paid}"
    is_all = compared.n >= totals.answered
    return f"xAI cost {paid} instead of {money(compared.cloud_cost_usd, int(not is_all))}"
