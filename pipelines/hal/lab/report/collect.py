"""Makes a report of a log: asks, adds up, and puts the parts together.

Knows which question gives which figure; knows no SQL, no clock and no page.
"""

from __future__ import annotations

import sqlite3
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, tzinfo
from heapq import nsmallest
from math import inf, nextafter

from ...gateway.budget import Period as BudgetPeriod
from ...sessions.cases import suspicion
from ...sessions.record import RUNNING
from ...sessions.schema import VERSION
from ...sessions.summary import Kind
from ...settings import BudgetSettings
from ...types import Outcome
from . import opinions as scores
from .figures import Cap, Report, Suspect, Version
from .opinions import Opinion
from .outside import causes, egress, searches
from .period import Period, slot_of
from .queries import Queries, bounds
from .tally import Tally, Times, is_answered, is_task, target_of
from .words import money

SUSPECTS = 10
# More than are shown: the rows themselves say more than the scores by which these are chosen.
_CANDIDATES, _CANDIDATES_EACH = 200, 50
# Of a cap: what a last turn would not have fitted into.
_REACHED = 0.95
# The year 2100: what is dated later, or before 1970, was dated by a clock that was not set.
_END = 4_102_444_800.0
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a report is to be about. `since`, `until`: unix seconds, None for all there is; `tz`
    None is the zone of this machine; `caps`: the budget in force."""

    now_s: float
    caps: BudgetSettings
    since: float | None = None
    until: float | None = None
    tz: tzinfo | None = None
    with_texts: bool = False


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Days that one slot shows."""

    first: date
    begin: float
    end: float


def collect(
    connection: sqlite3.Connection | None, asked: Asked, say: Say = lambda _what: None
) -> Report:
    """The report of this snapshot; None, or an empty log, gives an empty one. `say` is told what
    is being read. Raises sqlite3.Error."""
    ends = None if connection is None else bounds(connection)
    if connection is None or ends is None:
        return Report(asked.now_s, asked.since, asked.until)
    since = max(ends[0], 0.0, asked.since if asked.since is not None else 0.0)
    until = min(nextafter(ends[1], inf), _END, asked.until if asked.until is not None else _END)
    if since >= until:
        return Report(asked.now_s, asked.since, asked.until)
    return _Collection(connection, asked, Period(since, until, asked.tz), say).report()


class _Collection:
    """One report in the making."""

    def __init__(
        self, connection: sqlite3.Connection, asked: Asked, period: Period, say: Say
    ) -> None:
        self._connection, self._asked, self._period, self._say = connection, asked, period, say
        self._queries = Queries(connection, period.since, period.until)
        self._kinds = list(self._queries.kinds())
        self._tally = Tally(period.unit)
        self._opinions = scores.Tally()
        self._scored: set[str] = set()
        self._doubts: dict[str, float] = {}

    def report(self) -> Report:
        self._say("scores")
        said = scores.newest(self._queries.scores())
        self._scored = set(said)  # goes through a page in C, as a view of the keys would not
        stretches = list(self._stretches())
        for stretch in stretches:
            self._tally.open_slot(stretch.first)
        self._say("turns")
        for key, kind in self._kinds:
            self._add(key, kind, stretches, said)
        totals = self._tally.totals()
        self._say("what left, and searches")
        return Report(
            made_at=self._asked.now_s,
            since=self._asked.since,
            until=self._asked.until,
            first=self._period.since,
            last=self._period.until,
            notes=tuple(self._notes()),
            totals=totals,
            routes=self._tally.routes(),
            targets=self._tally.targets(),
            unit=self._period.unit,
            slots=self._tally.slots(),
            bins=self._opinions.bins(),
            deciders=self._tally.counted("source"),
            causes=(*self._tally.causes(), *causes(self._queries)),
            caps=tuple(self._caps()),
            cache=self._tally.counted("cache"),
            searches=searches(self._queries),
            egress=egress(self._queries, self._cloud_keys()),
            quality=self._opinions.quality(totals.turns),
            versions=tuple(self._versions()),
            suspects=tuple(self._suspects()),
        )

    def _stretches(self) -> Iterator[_Stretch]:
        begun: _Stretch | None = None
        for day in self._period.days():
            first = slot_of(day.date, self._period.unit)
            if begun is not None and begun.first == first:
                begun = _Stretch(first, begun.begin, day.end)
                continue
            if begun is not None:
                yield begun
            begun = _Stretch(first, day.begin, day.end)
        if begun is not None:
            yield begun

    def _add(
        self, key: str, kind: Kind, stretches: Sequence[_Stretch], said: dict[str, list[Opinion]]
    ) -> None:
        turns, confidence = 0, 0.0
        for stretch in stretches:
            sums = self._queries.sums(key, stretch.begin, stretch.end)
            self._tally.add(kind, stretch.first, sums)
            turns += sums.turns
            confidence += sums.confidence
        if not turns or is_task(kind) or kind.outcome == RUNNING:
            return
        self._opinions.decided(kind, turns, confidence)
        times, target = Times(), target_of(kind)
        for page in self._queries.times(key):
            ids, *columns = zip(*page, strict=True)
            times.count(*columns)
            about = {
                id: scores.about_turns(kind, said[id]) for id in self._scored.intersection(ids)
            }
            self._opinions.add(kind, target, list(about.values()))
            self._doubts |= {id: doubt for id in about if (doubt := scores.doubt(about[id]))}
        for timer in self._tally.timers(kind):
            timer.add(kind, times)

    def _cloud_keys(self) -> list[str]:
        return [
            key
            for key, kind in self._kinds
            if kind.leaves_machine and is_answered(kind) and kind.outcome != RUNNING
        ]

    def _notes(self) -> Iterator[str]:
        (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        if version < VERSION:
            yield (
                f"This log has schema {version}, today's is {VERSION}: what it lacks reads as"
                " nothing. A start of the server brings it up to date."
            )
        if self._asked.since is not None and self._asked.since < self._period.since:
            yield "The log begins later than what was asked for."
        count, cost = self._queries.shadows()
        if count:
            yield (
                f"Shadow pairs: {count:,} more {'answer' if count == 1 else 'answers'} by the other"
                f" model, which nobody saw, for {money(cost)}. The budget counts it, the costs of"
                " turns here do not."
            )

    def _caps(self) -> Iterator[Cap]:
        caps, now = self._asked.caps, BudgetPeriod.at(self._asked.now_s, self._asked.tz)
        spent = self._spent(self._period.since, self._period.until)
        end = nextafter(self._asked.now_s, inf)
        for name, usd, begin, chars in (
            ("day", caps.daily_usd, now.day_s, 10),
            ("month", caps.monthly_usd, now.month_s, 7),
        ):
            by_name: dict[str, float] = defaultdict(float)
            for day, amount in spent.items():
                by_name[day.isoformat()[:chars]] += amount
            most = max(by_name.items(), key=lambda item: (item[1], item[0]), default=("", 0.0))
            reached = [each for each in by_name.values() if usd and each >= _REACHED * usd]
            now_usd = sum(self._spent(begin, end).values())
            yield Cap(name, usd, now_usd, most[1], most[0], len(reached))

    def _spent(self, since: float, until: float) -> dict[date, float]:
        """By day, in the zone that was asked for."""
        days = list(Period(since, until, self._asked.tz).days())
        begins = [day.begin for day in days]
        spent: dict[date, float] = defaultdict(float)
        for key, kind in self._kinds:
            if kind.leaves_machine:
                for at, usd in self._queries.payments(key, since, until):
                    spent[days[bisect_right(begins, at) - 1].date] += usd
        return spent

    def _versions(self) -> Iterator[Version]:
        in_use = self._queries.in_use()
        for kind, id, first_seen in self._queries.versions():
            yield Version(kind, id, first_seen, id in in_use)

    def _suspects(self) -> Iterator[Suspect]:
        queries = self._queries
        found = []
        for turn in queries.turns(self._candidates()):
            about = queries.scores_of(turn.id)
            signals = sorted(
                {score.name for score in about if score.value is None or score.value < 0}
            )
            signs = (*signals, *turn.degradations, turn.error_code)
            shown = tuple(sign for sign in signs if sign)
            found.append(Suspect(turn, suspicion(turn, about), shown))
        found.sort(key=lambda each: (-each.suspicion, -each.turn.started_at, each.turn.id))
        for each in found[:SUSPECTS]:
            if each.suspicion > 0:
                text = queries.question(each.turn.id) if self._asked.with_texts else ""
                yield Suspect(each.turn, each.suspicion, each.signals, text)

    def _candidates(self) -> list[str]:
        """By what scores say, and the newest of those that failed or took another way."""
        worst = nsmallest(_CANDIDATES, self._doubts.items(), key=lambda item: (-item[1], item[0]))
        ids = [id for id, _ in worst]
        bad = {Outcome.FAILED, Outcome.CUT}
        for key, kind in self._kinds:
            if kind.outcome in bad and not is_task(kind):
                ids += self._queries.newest(key, _CANDIDATES_EACH)
        ids += self._queries.newest_troubled(_CANDIDATES_EACH)
        return list(dict.fromkeys(ids))
