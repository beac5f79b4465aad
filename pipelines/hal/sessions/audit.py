"""Reads the session log for an audit: what left this machine, and whether anything private did.

Goes through the whole log for values, and through the calls of the asked time for what they sent.
Holds one page of rows at a time, and of the texts only the private values. What counts as private,
and as by the user's word, is known to `hal.privacy.audit`.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from itertools import chain

from ..privacy.audit import Audit, Finding, Sent
from ..privacy.audit_values import CountingFind, HashOf, KeptText, KnownValues
from ..privacy.policy import Find
from .columns import decode
from .reader import SessionReader
from .record import EgressRow

# Before this schema the log knew no privacy, and kept nothing of what was sent.
_FIRST_WITH_PRIVACY = 3

_SENT = (
    "SELECT egress.rowid AS n, egress.*, turn.chat_id, turn.privacy_word, body FROM egress"
    " LEFT JOIN turn ON turn.id = egress.turn_id"
    " LEFT JOIN egress_content ON egress_id = egress.id"
    " WHERE egress.rowid > ? AND +egress.at >= ? ORDER BY n LIMIT ?"
)
_SENT_BEFORE = (
    "SELECT egress.rowid AS n, egress.*, turn.chat_id, '' AS privacy_word, NULL AS body FROM egress"
    " LEFT JOIN turn ON turn.id = egress.turn_id"
    " WHERE egress.rowid > ? AND +egress.at >= ? ORDER BY n LIMIT ?"
)
_MASKED = "SELECT rowid AS n, * FROM egress WHERE rowid > ? AND hashes <> '[]' ORDER BY n LIMIT ?"
# A text whose turn is gone counts as the user's, asked when it was written down.
_KEPT = (
    "SELECT content.rowid AS n, content.*, chat_id, leaves_machine,"
    " coalesce(started_at, created_at) AS asked_at FROM content"
    " LEFT JOIN turn ON turn.id = turn_id WHERE content.rowid > ? ORDER BY n LIMIT ?"
)

Say = Callable[[str, int], None]


@dataclass(frozen=True, slots=True)
class DayOfTarget:
    """What one target got on one day, in the zone that was asked for; counts are by kind."""

    day: str
    host: str
    model: str
    calls: int
    turns: int
    bytes: int
    masked: Mapping[str, int]
    passed: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class AuditReport:
    """`texts`: turns whose words the log keeps; `values`: private values in them. `not_kept`:
    calls whose bytes it does not keep; `unchecked`: texts that the detector broke on."""

    since: float | None
    days: tuple[DayOfTarget, ...] = ()
    findings: tuple[Finding, ...] = ()
    by_word: tuple[Finding, ...] = ()
    calls: int = 0
    not_kept: int = 0
    texts: int = 0
    values: int = 0
    unchecked: int = 0


def audit(  # noqa: PLR0913 - the log, the rules, and what a test has to be able to fix
    reader: SessionReader,
    find: Find,
    hash_of: HashOf | None = None,
    *,
    since: float | None = None,
    tz: tzinfo | None = None,
    say: Say = lambda _what, _count: None,
) -> AuditReport:
    """Everything that left from `since` (unix seconds) on. `say` is told of each text and call.

    Raises LogUnreadable or SchemaTooNew.
    """
    version = reader.version()
    calls = _sent(reader, version, since or 0.0)
    first = next(calls, None)
    if first is None:
        return AuditReport(since)
    counting = CountingFind(find)
    known = KnownValues(counting, hash_of)
    texts = _learn(reader, known, version, say)
    looked = Audit(known, counting)
    tally = _Tally(tz)
    for number, sent in enumerate(chain((first,), calls), 1):
        say("calls", number)
        tally.add(sent, looked.findings(sent))
    return tally.report(since, texts=texts, values=len(known), unchecked=counting.failed)


def _learn(reader: SessionReader, known: KnownValues, version: int, say: Say) -> int:
    if version >= _FIRST_WITH_PRIVACY:
        for row in reader.pages(_MASKED):
            entry = decode(EgressRow, dict(row))
            known.masked(entry.hashes, entry.at)
    count = 0
    for count, row in enumerate(reader.pages(_KEPT), 1):
        say("texts", count)
        known.learn(
            KeptText(
                chat_id=row["chat_id"],
                asked_at=row["asked_at"],
                answered_at=row["created_at"],
                question=row["question"],
                answer=row["answer"],
                is_from_cloud=bool(row["leaves_machine"]),
            )
        )
    return count


def _sent(reader: SessionReader, version: int, since: float) -> Iterator[Sent]:
    sql = _SENT if version >= _FIRST_WITH_PRIVACY else _SENT_BEFORE
    return map(_call, reader.pages(sql, since))


def _call(row: sqlite3.Row) -> Sent:
    entry = decode(EgressRow, dict(row))
    return Sent(
        id=entry.id,
        turn_id=entry.turn_id,
        chat_id=row["chat_id"],
        at=entry.at,
        host=entry.host,
        model=entry.model,
        bytes=entry.bytes,
        masked=entry.masked,
        passed=entry.passed,
        word=row["privacy_word"] or "",
        body=row["body"],
    )


@dataclass(slots=True)
class _Sum:
    calls: int = 0
    bytes: int = 0
    turns: set[str] = field(default_factory=set)
    masked: Counter[str] = field(default_factory=Counter)
    passed: Counter[str] = field(default_factory=Counter)

    def add(self, sent: Sent) -> None:
        self.calls += 1
        self.bytes += sent.bytes
        self.turns.add(sent.turn_id)
        self.masked.update(sent.masked)
        self.passed.update(sent.passed)


class _Tally:
    """Sums by day and target, and the findings in the order of the calls."""

    def __init__(self, tz: tzinfo | None) -> None:
        self._tz = tz
        self._sums: dict[tuple[str, str, str], _Sum] = {}
        self._findings: list[Finding] = []
        self._calls = self._not_kept = 0

    def add(self, sent: Sent, findings: tuple[Finding, ...]) -> None:
        day = datetime.fromtimestamp(sent.at, UTC).astimezone(self._tz).strftime("%Y-%m-%d")
        self._sums.setdefault((day, sent.host, sent.model), _Sum()).add(sent)
        self._findings += findings
        self._calls += 1
        self._not_kept += sent.body is None

    def report(
        self, since: float | None, *, texts: int, values: int, unchecked: int
    ) -> AuditReport:
        return AuditReport(
            since=since,
            days=tuple(self._days()),
            findings=tuple(found for found in self._findings if not found.is_by_word),
            by_word=tuple(found for found in self._findings if found.is_by_word),
            calls=self._calls,
            not_kept=self._not_kept,
            texts=texts,
            values=values,
            unchecked=unchecked,
        )

    def _days(self) -> Iterator[DayOfTarget]:
        for (day, host, model), each in sorted(self._sums.items()):
            yield DayOfTarget(
                day,
                host,
                model,
                each.calls,
                len(each.turns),
                each.bytes,
                dict(sorted(each.masked.items())),
                dict(sorted(each.passed.items())),
            )
