"""The side of the budget that touches the disk: sums and inserts, and keeps what cannot be written.

Blocking: everything but the attributes belongs to one thread. Knows no loop and no provider. What
the file cannot take waits in memory: money is not lost to a full disk.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from datetime import tzinfo
from pathlib import Path
from typing import TypeVar

from ..errors import HalError, OverBudget
from ..settings import BudgetSettings
from .budget import SHARE_TURNS, Period, Spent, refusal
from .ledger_file import LedgerFile
from .ledger_rows import Entry, Sums, add_turns, put, read_sums, read_turn_usd

_log = logging.getLogger("hal.budget")
T = TypeVar("T")

# A refresh is for the next question, not for this one: it does not wait long for a lock.
REFRESH_LIMIT_S = 0.25
# Where turns went is written with the next amount, or when so many wait: a kill costs no more than
# these, and a local turn writes nothing.
ENDED_TURNS = 20
# Calls during an outage without a cap. 3 MB, months of a household.
UNSAVED_MAX = 10_000
# A reader of `warnings` wants the last few, not a diary.
_WARNINGS_MAX = 20
_OUTAGES = (sqlite3.Error, OSError, HalError)
_REMEDY = "Nothing was sent. `hal doctor` shows what is wrong with budget.sqlite."


class LedgerWriter:
    """`sums`, `trouble`, `read_at` (monotonic, 0.0: never) and `warnings` may be read, and `ended`
    appended to, from any thread. `deadline`s are monotonic seconds.
    """

    def __init__(self, path: Path, clock: Callable[[], float], tz: tzinfo | None) -> None:
        self.sums: Sums | None = None
        self.trouble = ""
        self.read_at = 0.0
        self.warnings: tuple[str, ...] = ()
        self.ended: deque[bool] = deque(maxlen=SHARE_TURNS)
        self._clock, self._tz = clock, tz
        self._file = LedgerFile(path, clock, self.warn)
        self._unsaved: dict[str, Entry] = {}

    @property
    def period(self) -> Period:
        return Period.at(self._clock(), self._tz)

    def reserve(self, entry: Entry, caps: BudgetSettings, deadline: float) -> OverBudget | None:
        """Sum and insert in one transaction; why the call must not be made, None when it may."""

        def work(connection: sqlite3.Connection, known: Sums) -> tuple[Sums, OverBudget | None]:
            no = refusal(caps, _spent_before(connection, known, entry), entry.estimate_usd)
            if no is None:
                put(connection, entry)
                known = known.with_entry(entry)
            return known, no

        try:
            known, no = self._write(work, deadline)
        except _OUTAGES as error:
            self._in_trouble(error)
            return self._reserve_in_memory(entry, caps)
        self._know(known)
        return no

    def save(self, entry: Entry, deadline: float) -> None:
        """Settle a call, or try to: it is kept until it could be written."""
        self._keep(entry)
        self._catch_up(deadline)

    def refresh(self) -> None:
        """Read the sums; write first what waits, or when the file was in trouble."""
        deadline = time.monotonic() + REFRESH_LIMIT_S
        if self.trouble or self._unsaved or len(self.ended) >= ENDED_TURNS:
            self._catch_up(deadline)
            return
        try:
            period = self.period
            self._know(self._file.read(lambda c: read_sums(c, period), REFRESH_LIMIT_S))
        except _OUTAGES as error:
            self._in_trouble(error)

    def close(self, deadline: float) -> None:
        """Write what waits, and let go of the file."""
        if self._unsaved or self.ended:
            self._catch_up(deadline)
        if self._unsaved:
            self.warn(f"Amounts that could not be written to budget.sqlite: {len(self._unsaved)}.")
        self._file.close()

    def warn(self, message: str) -> None:
        _log.warning(message)
        if message not in self.warnings:
            self.warnings = (*self.warnings, message)[-_WARNINGS_MAX:]

    def _catch_up(self, deadline: float) -> None:
        try:
            self._know(self._write(lambda _, known: known, deadline))
        except _OUTAGES as error:
            self._in_trouble(error)

    def _write(self, work: Callable[[sqlite3.Connection, Sums], T], deadline: float) -> T:
        """Write what waits, then do `work`, which is given the sums. All of it or nothing."""
        ended, period = tuple(self.ended), self.period

        def all_of_it(connection: sqlite3.Connection) -> T:
            for entry in self._unsaved.values():
                put(connection, entry)
            add_turns(connection, ended)
            return work(connection, read_sums(connection, period))

        result = self._file.write(all_of_it, deadline - time.monotonic())
        self._unsaved.clear()
        for _ in range(min(len(ended), len(self.ended))):
            self.ended.popleft()
        return result

    def _reserve_in_memory(self, entry: Entry, caps: BudgetSettings) -> OverBudget | None:
        """Without a cap on sums there is nothing to check; with one, nothing may be sent."""
        if caps.has_caps:
            return unchecked(self.trouble)
        no = refusal(caps, Spent(), entry.estimate_usd)
        if no is None:
            self._keep(entry)
        return no

    def _keep(self, entry: Entry) -> None:
        self._unsaved[entry.call_id] = entry
        if len(self._unsaved) > UNSAVED_MAX:
            del self._unsaved[next(iter(self._unsaved))]

    def _know(self, known: Sums) -> None:
        self.sums, self.read_at = known, time.monotonic()
        if self.trouble:
            self.trouble = ""
            _log.info("the budget can be kept again")

    def _in_trouble(self, error: Exception) -> None:
        words = str(error).rstrip(".") or type(error).__name__
        if not self.trouble:  # once per outage, not once per attempt
            self.warn(
                f"The budget cannot be kept on disk: {words}. While a cap is set, no turn goes to "
                "the cloud; without one, spending is counted in memory."
            )
        self.trouble, self.read_at = words, time.monotonic()


def unchecked(why: str) -> OverBudget:
    """A cap is set, and nobody can say whether it is passed."""
    return OverBudget(f"The budget cannot be checked: {why}.", _REMEDY)


def _spent_before(connection: sqlite3.Connection, known: Sums, entry: Entry) -> Spent:
    """What counts against this call. Its own turn is counted once, however many calls it makes."""
    others = replace(known, open_turns=known.open_turns - {entry.turn_id})
    spent = others.spent(entry.user_id, known.period)
    return replace(spent, turn_usd=read_turn_usd(connection, entry.turn_id))
