"""The report of an audit as plain text and as a JSON document; neither holds a value.

Knows no database and writes nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import tzinfo
from typing import Any

from ..privacy.audit import Finding
from ..privacy.policy import words_of_names
from .audit import AuditReport, DayOfTarget
from .render import printable, short_id_chars, when

_WITHOUT_WORD = "private, and sent without your word"
_BY_WORD = "private, and sent by your word (/public, or PRIVACY_MODE=off)"


def audit_page(report: AuditReport, tz: tzinfo | None) -> list[str]:
    """Days and targets, then what was found, then one sentence that says what it comes to."""
    lines = [line for day in report.days for line in _day_lines(day)]
    for heading, findings in ((_WITHOUT_WORD, report.findings), (_BY_WORD, report.by_word)):
        if findings:
            lines += ["", f"{heading}:", *_finding_lines(findings, tz)]
    notes = list(_notes(report))
    if notes:
        lines += ["", *notes]
    return [*lines, "", verdict(report, tz)] if lines else [verdict(report, tz)]


def audit_document(report: AuditReport, tz: tzinfo | None) -> dict[str, Any]:
    """The same as one JSON object; `private_left` is what the exit code says."""
    return {
        **asdict(report),
        "private_left": bool(report.findings),
        "sentence": verdict(report, tz),
    }


def verdict(report: AuditReport, tz: tzinfo | None) -> str:
    """One sentence: did anything private leave this machine?"""
    since = "" if report.since is None else f" since {when(report.since, tz)}"
    if not report.calls:
        return f"Nothing left this machine{since}."
    if report.findings:
        calls = _things(len({(f.turn_id, f.at) for f in report.findings}), "call")
        return f"Private data left this machine without your word{since}, in {calls}."
    looked = report.calls - report.not_kept
    if not looked:
        return f"Nobody can tell{since}: the log does not keep what was sent."
    word = ", except by your word" if report.by_word else ""
    return (
        f"Nothing private was found in what left this machine{since}{word}"
        f" ({_things(looked, 'call')} searched)."
    )


def _day_lines(day: DayOfTarget) -> list[str]:
    head = (
        f"{day.day}  {printable(f'{day.host} {day.model}').strip()}: {_things(day.calls, 'call')}"
        f" in {_things(day.turns, 'turn')}, {_things(day.bytes, 'byte')}"
    )
    parts = [
        f"{name}: {_counts(counts)}"
        for name, counts in (("masked", day.masked), ("passed by your word", day.passed))
        if counts
    ]
    return [head, *(f"            {part}" for part in parts)]


def _finding_lines(findings: Sequence[Finding], tz: tzinfo | None) -> list[str]:
    chars = short_id_chars([finding.turn_id for finding in findings])
    return [
        f"  {when(found.at, tz)}  turn {printable(found.turn_id[:chars])}"
        f"  {printable(f'{found.host} {found.model}').strip()}"
        f"  {_kind(found)} ({found.how})"
        for found in findings
    ]


def _kind(found: Finding) -> str:
    return found.kind.value + (f" x {found.count}" if found.count > 1 else "")


def _notes(report: AuditReport) -> Iterable[str]:
    if report.findings:
        total: Counter[str] = Counter()
        for found in report.findings:
            total[found.kind.value] += found.count
        yield f"in all: {words_of_names(total)}"
    if report.not_kept:
        calls = _things(report.not_kept, "call")
        yield f"{calls} whose text is not kept any more, or never was: sizes and hashes only"
    if report.calls:
        values = _things(report.values, "private value")
        yield f"looked for: {values} in the {_things(report.texts, 'turn')} that the log keeps, and"
        yield "            whatever the detector recognises in what was sent"
    if report.unchecked:
        yield f"{_things(report.unchecked, 'text')} could not be checked: the detector broke"


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{printable(name)} {count:,}" for name, count in counts.items())


def _things(count: int, name: str) -> str:
    return f"{count:,} {name}{'' if count == 1 else 's'}"
