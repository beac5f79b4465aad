"""What the budget keeps: one row for each call that may cost something, and where turns went.

Knows sums, not caps, no file and no thread, and holds no user's text: ids, models, amounts and
times only.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from math import isfinite

from ..database import Schema
from ..sessions.columns import clean_text
from .budget import API_USER, SHARE_TURNS, Period, Spent
from .ports import Expense


class State(StrEnum):
    """RESERVED: set aside before the call. ABANDONED: and nobody ever said what it cost."""

    RESERVED = "reserved"
    SETTLED = "settled"
    ABANDONED = "abandoned"


@dataclass(frozen=True, slots=True)
class Entry:
    """One call. `amount_usd` is what counts: the estimate until the cost is known.

    It counts for the day on which it was reserved, `at_s`, however long the answer takes.
    `estimate_usd` None: the price was not known, and nothing could be set aside.
    """

    call_id: str
    turn_id: str
    user_id: str
    provider: str
    model: str
    at_s: float
    estimate_usd: float | None
    amount_usd: float
    state: State = State.RESERVED
    is_estimate: bool = True
    settled_at_s: float | None = None

    @classmethod
    def reserved(cls, expense: Expense, now_s: float) -> Entry:
        estimate = expense.estimate_usd
        known = estimate is not None and isfinite(estimate)
        return cls(
            expense.call_id,
            clean_text(expense.turn_id),
            clean_text(expense.user_id) if expense.user_id is not None else API_USER,
            expense.target.provider,
            expense.target.model,
            now_s,
            estimate if known else None,
            max(0.0, estimate) if estimate is not None and known else 0.0,
        )

    @classmethod
    def unknown(cls, call_id: str, now_s: float) -> Entry:
        """For a cost that is told of a call which was never announced: money is not lost."""
        return cls(call_id, "", API_USER, "", "", now_s, None, 0.0)

    def settled(self, cost_usd: float, is_estimate: bool, now_s: float) -> Entry:
        """With the cost in place of the estimate; what is no amount of money leaves it."""
        usable = isfinite(cost_usd) and cost_usd >= 0
        return replace(
            self,
            amount_usd=cost_usd if usable else self.amount_usd,
            state=State.SETTLED,
            is_estimate=is_estimate or not usable,
            settled_at_s=now_s,
        )


@dataclass(frozen=True, slots=True)
class Sums:
    """What the file says at one moment. `today_usd` by user; `turns`: which of the last ones left
    this machine, the newest last; `open_turns`: those with a call that is not settled."""

    period: Period
    month_usd: float = 0.0
    today_usd: Mapping[str, float] = field(default_factory=dict)
    turns: tuple[bool, ...] = ()
    open_turns: frozenset[str] = frozenset()

    def with_entry(self, entry: Entry) -> Sums:
        """After this reservation, which is of the same day."""
        user_usd = self.today_usd.get(entry.user_id, 0.0) + entry.amount_usd
        return replace(
            self,
            month_usd=self.month_usd + entry.amount_usd,
            today_usd={**self.today_usd, entry.user_id: user_usd},
            open_turns=self.open_turns | {entry.turn_id},
        )

    def spent(self, user_id: str, period: Period, ended: Iterable[bool] = ()) -> Spent:
        """For a turn of this user in this period; `ended`: turns that the file has not seen.

        A day that is over counts no more, although nobody has read the file since. A clock that
        went back changes nothing.
        """
        new_day = period.day_s > self.period.day_s
        new_month = period.month_s > self.period.month_s
        turns = (*self.turns, *ended)[-SHARE_TURNS:]
        return Spent(
            today_usd=0.0 if new_day else sum(self.today_usd.values()),
            month_usd=0.0 if new_month else self.month_usd,
            user_today_usd=0.0 if new_day else self.today_usd.get(user_id, 0.0),
            recent_turns=len(turns) + len(self.open_turns),
            recent_cloud_turns=sum(turns) + len(self.open_turns),
        )


def _tables(connection: sqlite3.Connection) -> None:
    for statement in _TABLES:
        connection.execute(statement)


_TABLES = (
    """
    CREATE TABLE expense (
        call_id TEXT PRIMARY KEY, turn_id TEXT NOT NULL, user_id TEXT NOT NULL,
        provider TEXT NOT NULL, model TEXT NOT NULL, reserved_at REAL NOT NULL,
        estimate_usd REAL, amount_usd REAL NOT NULL, state TEXT NOT NULL,
        is_estimate INTEGER NOT NULL, settled_at REAL
    )""",
    # Holds all that a sum reads.
    "CREATE INDEX expense_day ON expense (reserved_at, user_id, amount_usd)",
    "CREATE INDEX expense_turn ON expense (turn_id)",
    # Holds the few open ones only.
    "CREATE INDEX expense_open ON expense (turn_id, reserved_at) WHERE state = 'reserved'",
    "CREATE TABLE recent_turn (n INTEGER PRIMARY KEY, leaves_machine INTEGER NOT NULL)",
)
SCHEMA = Schema("The file of the budget", (_tables,))

_PUT = """
INSERT INTO expense (call_id, turn_id, user_id, provider, model, reserved_at,
    estimate_usd, amount_usd, state, is_estimate, settled_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (call_id) DO UPDATE SET amount_usd = excluded.amount_usd, state = excluded.state,
    is_estimate = excluded.is_estimate, settled_at = excluded.settled_at
-- What a call really cost is not replaced by a guess.
WHERE expense.state <> 'settled' OR expense.is_estimate OR NOT excluded.is_estimate
"""


def put(connection: sqlite3.Connection, entry: Entry) -> None:
    """Add a call, or settle the one with this id; who made it, and when, stays as it was."""
    row = (
        entry.call_id,
        entry.turn_id,
        entry.user_id,
        entry.provider,
        entry.model,
        entry.at_s,
        entry.estimate_usd,
        entry.amount_usd,
        entry.state,
        entry.is_estimate,
        entry.settled_at_s,
    )
    connection.execute(_PUT, row)


def add_turns(connection: sqlite3.Connection, ended: Iterable[bool]) -> None:
    """Note where turns went, the newest last, and keep as many as the share looks at."""
    rows = [(leaves,) for leaves in ended]
    if rows:
        connection.executemany("INSERT INTO recent_turn (leaves_machine) VALUES (?)", rows)
        connection.execute(
            "DELETE FROM recent_turn WHERE n <= (SELECT max(n) FROM recent_turn) - ?",
            (SHARE_TURNS,),
        )


def read_sums(connection: sqlite3.Connection, period: Period) -> Sums:
    """What counts in this period. A row from the future, before a clock went back, counts too."""
    (month_usd,) = connection.execute(
        "SELECT total(amount_usd) FROM expense WHERE reserved_at >= ?", (period.month_s,)
    ).fetchone()
    today = connection.execute(
        "SELECT user_id, total(amount_usd) FROM expense WHERE reserved_at >= ? GROUP BY user_id",
        (period.day_s,),
    ).fetchall()
    turns = connection.execute("SELECT leaves_machine FROM recent_turn ORDER BY n").fetchall()
    opened = connection.execute(
        "SELECT DISTINCT turn_id FROM expense WHERE state = 'reserved'"
    ).fetchall()
    return Sums(
        period,
        month_usd,
        {user: amount for user, amount in today},
        tuple(bool(leaves) for (leaves,) in turns),
        frozenset(turn for (turn,) in opened),
    )


def read_turn_usd(connection: sqlite3.Connection, turn_id: str) -> float:
    """What the calls of a turn came to so far."""
    (amount,) = connection.execute(
        "SELECT total(amount_usd) FROM expense WHERE turn_id = ?", (turn_id,)
    ).fetchone()
    return float(amount)
