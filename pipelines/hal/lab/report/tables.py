"""A report as titled tables of short texts: the one model behind terminal and page.

Pure. Every table fits 80 columns or has one text column that may be cut; an empty one says why.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import tzinfo

from . import tables_outside, tables_quality, words
from .estimates import Share
from .figures import Group, Report, Slot
from .table import ROUTES, Row, Table
from .words import amount, counts, duration, money, percent, spread


def tables(report: Report, tz: tzinfo | None) -> Iterator[Table]:
    """All of them, the most asked for first."""
    yield routes(report)
    yield targets(report)
    yield latencies(report)
    yield history(report)
    yield tables_quality.quality(report)
    yield tables_quality.signals(report)
    yield tables_quality.calibration(report)
    yield tables_outside.trouble(report)
    yield tables_outside.budget(report)
    yield tables_outside.cache(report)
    yield tables_outside.searches(report)
    yield tables_outside.egress(report)
    yield tables_outside.versions(report, tz)
    yield tables_quality.suspects(report, tz)


def routes(report: Report) -> Table:
    rows = tuple(_group_row(group, report.totals.turns) for group in report.routes)
    return Table(
        "routes",
        "Routes",
        ("<ROUTE", ">TURNS", ">SHARE", ">LOCAL", ">TOKENS IN", ">TOKENS OUT", ">COST"),
        rows,
        notes=(f"Decided by: {counts(report.deciders)}.",) if report.deciders else (),
    )


def targets(report: Report) -> Table:
    rows = tuple(_group_row(group, report.totals.turns) for group in report.targets)
    heads = ("~TARGET", ">TURNS", ">SHARE", ">LOCAL", ">TOKENS IN", ">TOKENS OUT", ">COST")
    return Table("targets", "Targets", heads, rows, notes=tuple(_token_notes(report)))


def latencies(report: Report) -> Table:
    """Median and 95th percentile, per route and per target."""
    rows = tuple(
        (g.name, spread(g.classify), spread(g.first_token), spread(g.total), f"{g.total.n:,}")
        for g in (*report.routes, *report.targets)
    )
    return Table(
        "latencies",
        "How long it took: median / 95th percentile",
        ("~ROUTE, TARGET", ">CLASSIFY", ">FIRST TOKEN", ">WHOLE ANSWER", ">N"),
        rows,
        notes=("Answers from the cache are left out. N: answers that came to their end.",),
    )


def history(report: Report) -> Table:
    return Table(
        "history",
        f"Turns by {report.unit}",
        (
            f"t{report.unit.upper()}",
            *(f">{route}" for route in ROUTES),
            *(">LOCAL", ">COST", ">ALL CLOUD"),
        ),
        tuple(_slot_row(slot) for slot in report.slots),
        notes=("ALL CLOUD: the same tokens at the cloud model's price, where that is known.",),
    )


def _group_row(group: Group, of: int) -> Row:
    return (
        group.name,
        f"{group.turns:,}",
        percent(Share(group.turns, of).value),
        percent(Share(group.local, group.turns).value),
        amount(group.prompt_tokens),
        amount(group.completion_tokens),
        money(group.cost_usd),
    )


def _token_notes(report: Report) -> Iterator[str]:
    totals = report.totals
    if totals.tokens:
        share = percent(totals.share_local_tokens)
        yield f"{share} of {amount(totals.tokens)} tokens were read and written on this machine."
    if totals.tasks:
        tokens = amount(totals.task_tokens)
        yield f"Counted apart: {words.things(totals.tasks, 'background task')}, {tokens} tokens."
    if totals.cost_unknown:
        yield f"What {words.things(totals.cost_unknown, 'turn')} cost is not known."


def _slot_row(slot: Slot) -> Row:
    return (
        slot.name,
        *(f"{slot.routes.get(route, 0):,}" for route in ROUTES),
        percent(Share(slot.local, slot.answered).value),
        money(slot.cost_usd),
        money(slot.cloud_cost_usd),
    )


def time_words(group: Group) -> str:
    """For who cannot see a chart."""
    first, total = group.first_token, group.total
    return (
        f"{group.name}: first token {duration(first.p50_ms)}, whole answer {duration(total.p50_ms)}"
    )
