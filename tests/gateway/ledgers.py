"""For the tests of the budget: a ledger that is always closed, a clock to set, and expenses."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from hal.gateway.ledger import Ledger
from hal.gateway.ledger_file import Spending, read_spending
from hal.gateway.ports import Expense
from hal.settings import BudgetSettings
from hal.types import Target

CLOUD = Target("xai", "grok-4.3", True, 1_000_000)
HERE = Target("ollama", "nemotron-3-nano:30b", False, 8192)
NO_CAPS = BudgetSettings(None, None, None, None, None, 0.8)
BERLIN = ZoneInfo("Europe/Berlin")


def caps(**changes: Any) -> BudgetSettings:
    return replace(NO_CAPS, **changes)


def local(text: str, tz: ZoneInfo = BERLIN, fold: int = 0) -> float:
    """Seconds since the epoch of a wall clock's time in a zone."""
    return datetime.fromisoformat(text).replace(tzinfo=tz, fold=fold).timestamp()


class Clock:
    """Stands still until a test sets it."""

    def __init__(self, text: str = "2026-11-20 12:00") -> None:
        self.now_s = local(text)

    def __call__(self) -> float:
        return self.now_s


def expense(call_id: str, estimate_usd: float | None = 0.1, **changes: Any) -> Expense:
    values = {"turn_id": f"turn-of-{call_id}", "user_id": "ann", "target": CLOUD, **changes}
    return Expense(call_id=call_id, estimate_usd=estimate_usd, **values)


@asynccontextmanager
async def opened(
    path: Path, limits: BudgetSettings = NO_CAPS, **options: Any
) -> AsyncIterator[Ledger]:
    """A started ledger, in Berlin, at a noon that stands still."""
    ledger = Ledger(path, limits, **{"clock": Clock(), "tz": BERLIN, **options})
    ledger.start()
    try:
        yield ledger
    finally:
        ledger.close()


def spending(path: Path, now_s: float | None = None) -> Spending:
    """What the file says, without any ledger."""
    return read_spending(path, Clock()() if now_s is None else now_s, BERLIN)


def today_usd(path: Path, now_s: float | None = None) -> float:
    return sum(spending(path, now_s).sums.today_usd.values())


def sql(path: Path, statement: str, *values: Any) -> list[tuple[Any, ...]]:
    """What another program sees in the file, or does to it."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        return connection.execute(statement, values).fetchall()
