"""What the recorder of a turn works with: the log that it writes to, one call as it goes on, and
the turn as it was in the end.

Knows rows, not SQL; nothing here waits.
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import Protocol

from .sessions.record import CallRow, LookupRow, Row, TurnRow
from .types import Outcome, ProviderChunk, Usage


class RowWriter(Protocol):
    """The session log as the recorder needs it: takes a row, answers when it is durable."""

    def write(self, row: Row) -> Future[None]: ...

    def apply(self, change: Callable[[sqlite3.Connection], None]) -> Future[None]: ...


class Citations(Protocol):
    """What an answer made of its sources: the numbers that it cites, and how many it made up."""

    @property
    def cited(self) -> tuple[int, ...]: ...

    @property
    def invalid(self) -> int: ...

    def chunks(
        self, source: AsyncIterator[ProviderChunk]
    ) -> AsyncGenerator[ProviderChunk, None]: ...


@dataclass(frozen=True, slots=True)
class FinishedTurn:
    """What a turn came to, for whoever looks on: rows without any text of the user's.

    `decided_ms`: from the start of the turn until it was decided, None when it never was.
    """

    row: TurnRow
    calls: tuple[CallRow, ...] = ()
    lookup: LookupRow | None = None
    decided_ms: float | None = None


@dataclass(slots=True)
class CallRecord:
    """One attempt at one target, as it goes on."""

    row: CallRow
    began: float
    clock: Callable[[], float]
    usage: Usage = field(default_factory=Usage)
    first_token_ms: float | None = None

    def token(self) -> None:
        if self.first_token_ms is None:
            self.first_token_ms = (self.clock() - self.began) * 1000

    def ended(self, outcome: Outcome, error_code: str = "") -> CallRow:
        return replace(
            self.row,
            first_token_ms=self.first_token_ms,
            total_ms=(self.clock() - self.began) * 1000,
            prompt_tokens=self.usage.prompt_tokens,
            completion_tokens=self.usage.completion_tokens,
            cached_tokens=self.usage.cached_tokens,
            reasoning_tokens=self.usage.reasoning_tokens,
            cost_usd=self.usage.cost_usd,
            is_estimate=self.usage.is_estimate,
            outcome=outcome,
            error_code=error_code,
        )
