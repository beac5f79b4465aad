"""The tables about what went wrong, what it cost, and what left the machine.

Pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import tzinfo

from ...sessions.render import when
from . import words
from .estimates import Share
from .figures import Cap, Report
from .table import Row, Table
from .words import NONE, counts, money, percent, spread


def trouble(report: Report) -> Table:
    return Table(
        "trouble",
        "What went wrong, and what was given up",
        ("<KIND", "~WHAT", ">TURNS", ">OF ALL"),
        tuple(
            (c.kind, c.name, f"{c.turns:,}", percent(Share(c.turns, report.totals.turns).value))
            for c in report.causes
        ),
        empty="Nothing went wrong in this time.",
    )


def budget(report: Report) -> Table:
    return Table(
        "budget",
        "Budget",
        ("<PERIOD", ">CAP", ">NOW", ">MOST", "tWHEN", ">REACHED"),
        tuple(_cap_row(cap) for cap in report.caps),
        empty="Nothing was spent.",
        notes=(
            "NOW: spent today, and this month. MOST: in one of the time of this report."
            " REACHED: how many came to 95 % or more of today's cap.",
        ),
    )


def cache(report: Report) -> Table:
    totals = report.totals
    return Table(
        "cache",
        "Answers from the cache",
        ("<KIND", ">TURNS", ">OF ALL"),
        tuple(
            (kind, f"{n:,}", percent(Share(n, totals.turns).value))
            for kind, n in report.cache.items()
        ),
        empty="None in this time (CACHE decides whether there is one).",
    )


def searches(report: Report) -> Table:
    found = report.searches
    rows: tuple[Row, ...] = ()
    if found.n:
        worked = Share(found.n - found.failed, found.n)
        rows = (
            ("searches", f"{found.n:,}"),
            ("with sources", f"{worked.hits:,} ({percent(worked.value)})"),
            ("sources in one", f"{found.sources / max(worked.hits, 1):.1f}"),
            ("pages read, of those tried", f"{found.pages_read:,} of {found.pages:,}"),
            ("answers that cite a source", words.estimate(found.citing)),
            ("citations, of which invented", f"{found.cited:,}, {found.invalid:,}"),
            ("question rewritten by the model", percent(Share(found.rewritten, found.n).value)),
            ("time to search, median / p95", spread(found.search)),
            ("time to read, median / p95", spread(found.read)),
            ("all of it, median / p95", spread(found.total)),
            *((f"failed: {what}", f"{n:,}") for what, n in found.problems.items()),
        )
    empty = "Nothing was searched in this time."
    return Table("searches", "Searches (ENRICH)", ("~WHAT", ">FOUND"), rows, empty)


def egress(report: Report) -> Table:
    """Where bytes went, by the log itself."""
    rows = [
        (
            f"{each.host} {each.model}".strip(),
            each.purpose or NONE,
            f"{each.calls:,}",
            words.size(each.bytes),
            counts(each.masked),
            counts(each.passed),
        )
        for each in report.egress.destinations
    ]
    return Table(
        "egress",
        "What left this machine",
        ("~TARGET", "<FOR", ">CALLS", ">BYTES", "~MASKED", "~BY YOUR WORD"),
        tuple(rows),
        empty="Nothing left this machine in this time.",
        notes=tuple(_egress_notes(report)),
    )


def versions(report: Report, tz: tzinfo | None) -> Table:
    return Table(
        "versions",
        "Prompts and policies",
        ("<KIND", "~ID", "tFIRST USED", "<STATE"),
        tuple(
            (v.kind, v.id, when(v.first_seen, tz), "in use" if v.is_current else "")
            for v in report.versions
        ),
    )


def _cap_row(cap: Cap) -> Row:
    return (
        cap.name,
        "none" if cap.usd is None else money(cap.usd),
        money(cap.now_usd),
        money(cap.most_usd),
        cap.most_in or NONE,
        NONE if cap.usd is None else f"{cap.reached:,}",
    )


def _egress_notes(report: Report) -> Iterable[str]:
    left = report.egress
    if left.others:
        yield f"And {words.things(left.others, 'more target')}."
    if left.private_turns:
        yield (
            f"Something private was found in {words.things(left.private_turns, 'turn')};"
            f" answered by the cloud, of these: {left.private_left or 'none'}."
        )
    if left.answered:
        yield (
            f"Answered by the cloud without a record of what was sent: {left.unlogged or 'none'} of"
            f" {words.things(left.answered, 'turn')}."
        )
    if left.calls:
        yield "`hal audit` searches the bytes themselves for anything private."
