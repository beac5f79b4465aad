"""A report as one self-contained page of HTML: a sentence, four figures, drawings, tables.

Pure. The shell, the colours by day and by night and the escaping are `html_page`'s.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import tzinfo

from ... import __version__
from ...html_page import page, table, text
from ...sessions.render import when
from . import charts, tables, tables_outside, tables_quality, words
from .estimates import Share
from .figures import Report
from .style import STYLE
from .table import ROUTES, Table

# The space in "87 %", "469 k", "n = 60", "1.2 s".
_BEFORE_UNIT = re.compile(r"(?<=\d) (?=(?:%|k|M|s|ms|B|kB|MB|GB|TB)(?!\w))|(?<=n) (?== )|(?<=n =) ")
# What a terminal shows between backticks.
_COMMAND = re.compile("`([^`]{1,60})`")
_LEANS = {"<": "<", ">": ">", "~": "<", "t": "t"}
# As many as are compared at a glance; the table has the rest.
_CHARTED = 8


def report_page(report: Report, tz: tzinfo | None) -> str:
    """The whole document. No text of users or models is in it but reasons and names of models."""
    return page("hal report", _body(report, tz), style=STYLE)


def _body(report: Report, tz: tzinfo | None) -> Iterator[str]:
    yield '<header><p class="over">hal report</p>'
    yield f"<h1>{_spaced(words.headline(report))}</h1>"
    yield from (
        _paragraph(line, "faint") for line in (words.subtitle(report, tz), *report.notes) if line
    )
    yield "</header>"
    if report.totals.turns:
        yield from _tiles(report)
        yield from _over_time(report)
        yield from _routes(report)
        yield from _quality(report)
        yield from _trouble(report)
        yield from _outside(report)
        yield from _last(report, tz)
    made = when(report.made_at, tz, with_zone=True)
    made_by = f"hal-auto {__version__}, {made}. Intervals are Wilson's, 95 %."
    yield f"<footer>{_paragraph(made_by, 'note')}</footer>"


def _tiles(report: Report) -> Iterator[str]:
    totals = report.totals
    thumbs = _thumbs(report)
    first = _first_token(report)
    tokens = words.percent(totals.share_local_tokens)
    instead = words.money(totals.compared.cloud_cost_usd)
    yield '<div class="tiles">'
    yield _tile(
        words.percent(totals.share_local.value),
        f"answered on this machine, of {totals.answered:,} turns; {tokens} of the tokens",
    )
    yield _tile(
        words.money(totals.cost_usd),
        f"paid to xAI; all cloud would have cost {instead} ({totals.compared.n:,} turns)",
    )
    yield _tile(*first)
    if thumbs.is_enough:
        yield _tile(
            words.percent(thumbs.value), f"thumbs up ({words.interval(thumbs)}, n = {thumbs.n:,})"
        )
    else:
        yield _tile(words.NONE, f"thumbs up: n = {thumbs.n:,}, too few to tell")
    yield "</div>"


def _first_token(report: Report) -> tuple[str, str]:
    """Of the target that answered most."""
    for target in report.targets:
        if target.first_token.n:
            times = target.first_token
            slow = words.duration(times.p95_ms)
            return words.duration(
                times.p50_ms
            ), f"to the first word, median of {target.name}; p95 {slow}"
    return words.NONE, "to the first word: not measured"


def _thumbs(report: Report) -> Share:
    rated = report.quality.by_route
    return Share(sum(each.up.hits for each in rated), sum(each.up.n for each in rated))


def _over_time(report: Report) -> Iterator[str]:
    history = tables.history(report)
    yield "<h2>Over time</h2>"
    yield '<div class="card">'
    yield f"<h3>{text(history.title)}</h3>"
    yield _legend((f"r-{route.lower()}", str(route)) for route in ROUTES)
    yield from _both(charts.turns_over_time, report, "turns")
    yield f"<h3>Cost by {text(report.unit)}, in USD</h3>"
    yield _legend((("c-paid", "paid"), ("c-cloud", "the same tokens, all in the cloud")))
    yield from _both(charts.cost_over_time, report, "cost")
    yield _details(history)
    yield "</div>"


def _both(chart: charts.OverTime, report: Report, name: str) -> Iterator[str]:
    """Once for a desk and once for a phone: letters must not shrink with the drawing."""
    for style, width in (("wide", charts.WIDE), ("narrow", charts.NARROW)):
        yield f'<div class="{style}">{chart(report, f"{name}-{style}", width)}</div>'


def _routes(report: Report) -> Iterator[str]:
    latencies = tables.latencies(report)
    yield "<h2>Routes and targets</h2>"
    yield f'<div class="card">{_table(tables.routes(report))}{_table(tables.targets(report))}</div>'
    yield f'<div class="card"><h3>{text(latencies.title)}</h3>'
    yield _legend((("t-first", "first token"), ("t-whole", "whole answer")))
    yield '<div class="pair">'
    shown = (("times-routes", report.routes), ("times-targets", report.targets[:_CHARTED]))
    marks = charts.time_axis([group for _, groups in shown for group in groups])
    for name, groups in shown:
        yield f"<div>{charts.times(groups, marks, name)}</div>"
    yield f"</div>{_details(latencies)}</div>"


def _quality(report: Report) -> Iterator[str]:
    calibration, ratings = tables_quality.calibration(report), tables_quality.quality(report)
    yield '<h2>Was it right?</h2><div class="pair">'
    yield f'<div class="card"><h3>{text(calibration.title)}</h3>'
    if report.bins:
        yield _legend(
            (
                ("point", "judged right, 95 % interval, n below"),
                ("uncontested", "no sign against it"),
            )
        )
        yield charts.calibration(report.bins, "calibration")
    yield f'{_details(calibration)}</div><div class="card"><h3>{text(ratings.title)}</h3>'
    rated = (*report.quality.by_route, *report.quality.by_target)[:_CHARTED]
    if rated:
        yield charts.ratings(rated, "ratings")
    yield f"{_details(ratings)}</div></div>"
    signals = tables_quality.signals(report)
    yield f'<div class="card"><h3>{text(signals.title)}</h3>{_table(signals, titled=False)}</div>'


def _trouble(report: Report) -> Iterator[str]:
    trouble, searches = tables_outside.trouble(report), tables_outside.searches(report)
    shown = [(f"{cause.kind}: {cause.name}", cause.turns) for cause in report.causes[:_CHARTED]]
    yield '<h2>Trouble and searches</h2><div class="pair">'
    yield f'<div class="card"><h3>{text(trouble.title)}</h3>'
    if shown:
        yield charts.shares(shown, report.totals.turns, "trouble", trouble.title)
    yield f'{_details(trouble)}</div><div class="card"><h3>{text(searches.title)}</h3>'
    yield f"{_table(searches, titled=False)}</div></div>"


def _outside(report: Report) -> Iterator[str]:
    yield "<h2>What left, and what it cost</h2>"
    yield f'<div class="card">{_table(tables_outside.egress(report))}</div>'
    yield '<div class="pair">'
    yield f'<div class="card">{_table(tables_outside.budget(report))}</div>'
    yield f'<div class="card">{_table(tables_outside.cache(report))}</div></div>'


def _last(report: Report, tz: tzinfo | None) -> Iterator[str]:
    suspects, versions = tables_quality.suspects(report, tz), tables_outside.versions(report, tz)
    yield f"<h2>{text(suspects.title)}</h2>"
    yield f'<div class="card">{_table(suspects, titled=False)}</div>'
    yield f"<h2>{text(versions.title)}</h2>"
    yield f'<div class="card">{_table(versions, titled=False)}</div>'


def _tile(figure: str, about: str) -> str:
    return f'<div class="tile"><b>{text(figure)}</b><span>{_spaced(about)}</span></div>'


def _legend(entries: Iterable[tuple[str, str]]) -> str:
    """Squares in the colours of the drawing; hidden from who has it read aloud."""
    items = "".join(
        f'<li><svg viewBox="0 0 10 10" aria-hidden="true">{_mark(style)}</svg>{text(name)}</li>'
        for style, name in entries
    )
    return f'<ul class="legend" aria-hidden="true">{items}</ul>'


def _mark(style: str) -> str:
    if style in ("point", "uncontested", "t-first", "t-whole"):
        return f'<circle class="{style}" cx="5" cy="5" r="4.5"/>'
    return f'<rect class="{style}" width="10" height="10"/>'


def _details(shown: Table) -> str:
    """The numbers of a drawing, one click away."""
    return f"<details><summary>The numbers</summary>{_table(shown, titled=False)}</details>"


def _table(shown: Table, *, titled: bool = True) -> str:
    title = f"<h3>{text(shown.title)}</h3>" if titled else ""
    if not shown.rows:
        return f"{title}{_paragraph(shown.empty, 'faint')}"
    heads = [_spelled(head[1:]) for head in shown.heads]
    leans = "".join(_LEANS[head[0]] for head in shown.heads)
    rows = ([_spaced(cell) for cell in row] for row in shown.rows)
    notes = "".join(_paragraph(note, "note") for note in shown.notes)
    return f"{title}{table(heads, rows, classes=leans)}{notes}"


def _spelled(head: str) -> str:
    """Capitals are for a terminal; names of routes stay what they are."""
    return head if head in ROUTES else head.capitalize()


def _spaced(value: str) -> str:
    """Escaped, and a figure never without its unit at the end of a line."""
    return _BEFORE_UNIT.sub("\N{NO-BREAK SPACE}", text(value))


def _paragraph(line: str, style: str) -> str:
    shown = _COMMAND.sub(r"<code>\1</code>", _spaced(line))
    return f'<p class="{style}">{shown}</p>'
