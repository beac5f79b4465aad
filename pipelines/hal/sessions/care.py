"""The hourly care of the session log: what goes, in steps so small that no row has to wait.

Knows no thread and no queue: whoever owns the connection calls `step` when it is time.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict
from time import monotonic

from ..database import INCREMENTAL, WAL_KEPT_BYTES, transaction
from .operation import POLICY_KEY, ContentPolicy
from .process import ProcessMark
from .record import TurnRow
from .retention import (
    DAY_S,
    TEXTS,
    Retention,
    drop_texts,
    drop_turns,
    last_expired,
    shrink,
    used_bytes,
)
from .spool import Spool
from .statements import cut_dead, get_state, put_state
from .trouble import is_busy
from .trusted_clock import ClockView

CLOCK_KEY = "clock"
CARE_EVERY_S = 3600.0
# Between two steps others get the file: a step takes 5 to 50 ms, so they have half of the time.
_PAUSE_S = 0.02
# Who reads the whole log, as a report does, keeps the WAL file for some seconds.
_READERS_S = 1.0
_READERS_TRIES = 60
# 1 MB is given back in some milliseconds; what is below 4 MB is used again within days.
_FREED_PAGES = 256
_SPARE_PAGES = 1024
# A file without incremental vacuum is rewritten once: 64 MB take about half a second, in which
# the log is locked. A larger one keeps its size and uses its free pages again.
_REWRITE_MAX_BYTES = 64 * 1024 * 1024
_IDLE_S = 60.0

_Steps = Iterator[float]


class Care:
    """One round an hour, and one at once after `restart`; `warn` takes a sentence for people."""

    def __init__(
        self,
        process: ProcessMark,
        spool: Spool,
        clock: Callable[[], float],
        warn: Callable[[str], None],
    ) -> None:
        self.content = ContentPolicy(log_content=False, content_days=0)
        self.retention: Retention | None = None  # None: turns go by no rule
        self._process, self._spool, self._clock, self._warn = process, spool, clock, warn
        self._steps: _Steps | None = None
        self._due_at = 0.0
        self._has_traces = False  # what was deleted can still be read in the WAL file

    def restart(self) -> None:
        """Begin a new round at once, for new settings or a new file."""
        self._steps, self._due_at = None, 0.0

    def wait_s(self) -> float:
        """How long until there is something to do."""
        return max(0.0, self._due_at - monotonic())

    def step(self, connection: sqlite3.Connection, idle_s: float) -> None:
        """One transaction at most, if it is time. `idle_s`: since when nothing was written.

        Raises what the connection raises; only a lock held by another is no trouble: it waits.
        """
        if monotonic() < self._due_at:
            return
        steps = self._steps or self._round(connection, idle_s)
        self._steps = None  # a step that raises ends its round
        try:
            pause_s = next(steps, None)
        except sqlite3.OperationalError as error:
            if not is_busy(error):
                raise
            pause_s = _READERS_S
        else:
            self._steps = None if pause_s is None else steps
        self._due_at = monotonic() + (CARE_EVERY_S if pause_s is None else pause_s)

    def recall(self, connection: sqlite3.Connection) -> None:
        """Take in what dead writers could not write; before the dead are declared so."""
        found = self._spool.recall(connection, self._clock())
        if found.broken:
            self._warn(f"{found.broken} rows that had waited for the log could not be read.")

    def _round(self, connection: sqlite3.Connection, idle_s: float) -> _Steps:
        self.recall(connection)
        now_s = self._clock()
        clock = self._note(connection, now_s)
        yield _PAUSE_S
        for step in (
            *([self._by_age(connection, now_s)] if clock.is_trusted else []),
            self._by_size(connection),
        ):
            for _ in step:
                self._has_traces = True  # also if this round should break off
                yield _PAUSE_S
        yield from _give_back(connection, idle_s)
        if self._has_traces:
            yield from self._empty_wal(connection)

    def _note(self, connection: sqlite3.Connection, now_s: float) -> ClockView:
        """Cut what the dead left running, and note what readers and the next round must know."""
        with transaction(connection):
            before = ClockView.from_json(get_state(connection, CLOCK_KEY) or "")
            clock = (before or ClockView(_newest(connection, now_s))).look(now_s)
            cut_dead(connection, self._process, now_s if clock.is_trusted else 0.0)
            put_state(connection, CLOCK_KEY, clock.to_json(), now_s)
            put_state(connection, POLICY_KEY, json.dumps(asdict(self.content)), now_s)
        if not clock.is_trusted and (before is None or before.is_trusted):
            self._warn(
                "By this machine's clock nobody has looked at the session log for more than a"
                " month. In case the clock is wrong, nothing in it expires for a day."
            )
        return clock

    def _by_age(self, connection: sqlite3.Connection, now_s: float) -> Iterator[int]:
        before_s = now_s - max(self.content.content_days, 0) * DAY_S
        for texts in TEXTS:
            last = last_expired(connection, texts.table, "created_at", before_s, now_s)
            while last and (count := _run(connection, drop_texts, texts, last)):
                yield count
        if self.retention is None:
            return
        before_s = now_s - self.retention.days * DAY_S
        last = last_expired(connection, TurnRow.table, "started_at", before_s, now_s)
        while last and (count := _run(connection, drop_turns, last)):
            yield count

    def _by_size(self, connection: sqlite3.Connection) -> Iterator[int]:
        if self.retention is None:
            return
        limit = self.retention.max_bytes - WAL_KEPT_BYTES
        while used_bytes(connection) > limit and (count := _run(connection, shrink)):
            yield count

    def _empty_wal(self, connection: sqlite3.Connection) -> _Steps:
        """Write over what was deleted; while somebody still reads it, ask again."""
        for _ in range(_READERS_TRIES):
            if not _pragma(connection, "wal_checkpoint(TRUNCATE)"):
                self._has_traces = False
                return
            yield _READERS_S


def _run(connection: sqlite3.Connection, work: Callable[..., int], *values: object) -> int:
    with transaction(connection):
        return work(connection, *values)


def _newest(connection: sqlite3.Connection, now_s: float) -> float:
    """When the last turn began, for a log that has never been looked at before."""
    found = connection.execute(f"SELECT max(started_at) FROM {TurnRow.table}").fetchone()[0]  # noqa: S608
    return now_s if found is None else float(found)


def _give_back(connection: sqlite3.Connection, idle_s: float) -> _Steps:
    """Return free pages to the disk, a little at a time."""
    if not _pragma(connection, "auto_vacuum"):
        if idle_s > _IDLE_S and _size(connection) <= _REWRITE_MAX_BYTES:
            _rewrite(connection)
        return
    while _pragma(connection, "freelist_count") > _SPARE_PAGES:
        # `execute` takes one step of a statement without columns: that is one page.
        connection.executescript(f"PRAGMA incremental_vacuum({_FREED_PAGES})")
        yield _PAUSE_S


def _rewrite(connection: sqlite3.Connection) -> None:
    """Make a file of an earlier version one that can give pages back; else at the next round."""
    with suppress(sqlite3.OperationalError):
        connection.execute(f"PRAGMA auto_vacuum = {INCREMENTAL}")
        connection.execute("VACUUM")


def _size(connection: sqlite3.Connection) -> int:
    return _pragma(connection, "page_count") * _pragma(connection, "page_size")


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])
