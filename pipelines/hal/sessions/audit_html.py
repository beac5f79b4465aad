"""The audit as a page that a person can read: every byte that left, by target and day.

Lines of HTML; all text in them is escaped. Holds no private value, unless what was sent is asked
for. Knows no database and writes nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from itertools import groupby
from operator import attrgetter

from .. import __version__
from ..html_page import page, table, text
from ..privacy.audit import Finding
from .audit import AuditReport, DayOfTarget
from .audit_calls import SentCall
from .audit_page import verdict
from .render import printable, when

# A turn's id as short as people quote it, and enough of a hash to tell calls apart at a glance.
_ID_CHARS, _HASH_CHARS = 8, 16
_STYLE = """
.verdict { border-left: .35rem solid var(--good); }
.verdict.failed { border-left-color: var(--bad); }
.verdict.unknown { border-left-color: var(--warn); }
.verdict p { max-width: none; }
.facts { display: flex; flex-wrap: wrap; gap: .25rem 2rem; margin: 1rem 0 0; }
.facts div { min-width: 6rem; }
.facts dt { color: var(--faint); font-size: .85rem; }
.facts dd { margin: 0; font-size: 1.25rem; font-variant-numeric: tabular-nums; }
.target { white-space: nowrap; }
summary .day { font-variant-numeric: tabular-nums; margin-right: .5rem; }
summary .bar {
  display: inline-block; width: 8rem; max-width: 25vw; height: .6rem; margin-right: .75rem;
  background: var(--line); border-radius: .15rem; overflow: hidden;
}
summary .bar i { display: block; height: 100%; background: var(--accent); }
summary .sum { color: var(--ink); }
"""
_CALL_HEADS = ("time", "purpose", "route", "bytes", "masked", "by your word", "SHA-256", "turn")


def audit_html(
    report: AuditReport, calls: Iterable[SentCall], tz: tzinfo | None, *, now_s: float
) -> str:
    """The whole document. `calls` come by host and model, the newest first."""
    body = [
        *_top(report, tz),
        *_finding_sections(report, tz),
        *_targets(report.days),
        *_calls(calls, tz, max((day.bytes for day in report.days), default=0)),
        *_footer(now_s, tz),
    ]
    return page("What left this machine", body, style=_STYLE)


def _top(report: AuditReport, tz: tzinfo | None) -> Iterator[str]:
    looked = report.calls - report.not_kept
    state = "failed" if report.findings else "unknown" if report.calls and not looked else "well"
    since = "since the log began"
    if report.since is not None:
        since = f"since {when(report.since, tz, with_zone=True)}"
    yield f'<header class="card verdict {state}">'
    yield f"<h1>{text(verdict(report, tz))}</h1>"
    yield f'<p class="faint">What left this machine {text(since)}.</p>'
    yield '<dl class="facts">'
    for name, value in _facts(report, looked):
        yield f"<div><dt>{text(name)}</dt><dd>{text(value)}</dd></div>"
    yield "</dl></header>"
    if report.not_kept:
        yield (
            f'<p class="faint">Of {report.not_kept:,} calls the text is not kept any more, or '
            "never was: nobody can search it. Their sizes and hashes are below.</p>"
        )
    if report.unchecked:
        yield (
            f'<p class="warn">{report.unchecked:,} texts could not be checked: the detector broke '
            "on them.</p>"
        )


def _facts(report: AuditReport, looked: int) -> Iterator[tuple[str, str]]:
    yield "calls", f"{report.calls:,}"
    yield "bytes", f"{sum(day.bytes for day in report.days):,}"
    yield "targets", f"{len({(day.host, day.model) for day in report.days}):,}"
    yield "days", f"{len({day.day for day in report.days}):,}"
    if report.calls:
        yield "calls searched", f"{looked:,}"
        yield "values looked for", f"{report.values:,}"


def _finding_sections(report: AuditReport, tz: tzinfo | None) -> Iterator[str]:
    sections = (
        ("Private, and sent without your word", report.findings),
        ("Private, and sent by your word", report.by_word),
    )
    for heading, findings in sections:
        if findings:
            yield f"<h2>{heading}</h2>"
            yield table(
                ("time", "target", "what", "times", "how it stood there", "turn"),
                (_finding_cells(found, tz) for found in sorted(findings, key=_newest_first)),
                classes="t<<><<",
            )


def _newest_first(found: Finding) -> float:
    return -found.at


def _finding_cells(found: Finding, tz: tzinfo | None) -> Sequence[str]:
    return (
        text(when(found.at, tz)),
        _target(found.host, found.model),
        text(found.kind.value),
        f"{found.count:,}",
        text(found.how),
        _id(found.turn_id),
    )


def _targets(days: Sequence[DayOfTarget]) -> Iterator[str]:
    if not days:
        return
    yield "<h2>By target</h2>"
    key = attrgetter("host", "model")
    rows = (
        _target_cells(host, model, list(group))
        for (host, model), group in groupby(sorted(days, key=key), key)
    )
    heads = ("target", "calls", "bytes", "first day", "last day", "masked", "by your word")
    yield table(heads, rows, classes="<>>tt<<")


def _target_cells(host: str, model: str, days: Sequence[DayOfTarget]) -> Sequence[str]:
    return (
        _target(host, model),
        f"{sum(day.calls for day in days):,}",
        f"{sum(day.bytes for day in days):,}",
        text(min(day.day for day in days)),
        text(max(day.day for day in days)),
        _kinds(_sum(day.masked for day in days)),
        _kinds(_sum(day.passed for day in days)),
    )


def _calls(calls: Iterable[SentCall], tz: tzinfo | None, most_bytes: int) -> Iterator[str]:
    """One section for each target, one fold for each day; the bars have one scale, from zero."""

    def target(call: SentCall) -> tuple[str, str]:
        return call.row.host, call.row.model

    def day(call: SentCall) -> str:
        return datetime.fromtimestamp(call.row.at, UTC).astimezone(tz).strftime("%Y-%m-%d")

    for (host, model), of_target in groupby(calls, target):
        yield f"<h2>{_shown(f'{host} {model}')}</h2>"
        for name, of_day in groupby(of_target, day):
            yield from _day(name, list(of_day), tz, most_bytes)


def _day(name: str, calls: Sequence[SentCall], tz: tzinfo | None, most_bytes: int) -> Iterator[str]:
    masked = _kinds(_sum(call.row.masked for call in calls))
    count = "1 call" if len(calls) == 1 else f"{len(calls):,} calls"
    size = sum(call.row.bytes for call in calls)
    part = min(100.0, 100 * size / max(most_bytes, 1))
    yield (
        f'<details><summary><span class="day">{text(name)}</span>'
        f'<span class="bar" aria-hidden="true"><i style="width:{part:.1f}%"></i></span>'
        f'<span class="sum">{count}, {size:,} bytes{f"; masked: {masked}" if masked else ""}'
        "</span></summary>"
    )
    yield table(_CALL_HEADS, (_call_cells(call, tz) for call in calls), classes="t<<><<<<")
    for call in calls:
        if call.body is not None:
            at = text(when(call.row.at, tz))
            yield f"<details><summary>what was sent at {at}</summary>"
            yield f"<pre>{_shown(call.body)}</pre></details>"
    yield "</details>"


def _call_cells(call: SentCall, tz: tzinfo | None) -> Sequence[str]:
    row = call.row
    return (
        text(when(row.at, tz)[-8:]),
        _shown(row.purpose),
        _shown(call.route),
        f"{row.bytes:,}",
        _kinds(row.masked),
        _by_word(call),
        f'<code title="{_shown(row.sha256)}">{_shown(row.sha256[:_HASH_CHARS])}</code>',
        _id(row.turn_id),
    )


def _by_word(call: SentCall) -> str:
    """What the user said, and what went out for it."""
    word = "PRIVACY_MODE=off" if call.word == "off" else call.word
    kinds = _kinds(call.row.passed)
    return f"{_shown(word)}{f': {kinds}' if word and kinds else kinds}"


def _footer(now_s: float, tz: tzinfo | None) -> Iterator[str]:
    made = when(now_s, tz, with_zone=True)
    yield "<footer><p>"
    yield (
        "A row is written before its bytes are sent, and nothing is sent without one. The hash is "
        "the SHA-256 of exactly the bytes that left. Masked: replaced by placeholders before they "
        "left. By your word: /public, or PRIVACY_MODE=off."
    )
    yield f"</p><p>hal-auto {text(__version__)}, {text(made)}</p></footer>"


def _sum(counts: Iterable[Mapping[str, int]]) -> Mapping[str, int]:
    total: Counter[str] = Counter()
    for each in counts:
        total.update(each)
    return dict(sorted(total.items()))


def _kinds(counts: Mapping[str, int]) -> str:
    return _shown(", ".join(f"{name} {count:,}" for name, count in counts.items()))


def _target(host: str, model: str) -> str:
    return f'<span class="target">{_shown(f"{host} {model}")}</span>'


def _id(turn_id: str) -> str:
    return f'<code title="{_shown(turn_id)}">{_shown(turn_id[:_ID_CHARS])}</code>'


def _shown(value: str) -> str:
    """Words that came from outside, without what a terminal or a browser would obey."""
    return text(printable(value).strip())
