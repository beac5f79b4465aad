"""What the tests of the core share: values with sensible defaults, and a log in memory."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from hypothesis import settings
from hypothesis import strategies as st

from hal.recorder import TurnRecorder
from hal.sessions.record import (
    CallRow,
    ContentRow,
    PolicyRow,
    PromptVersionRow,
    Row,
    TurnRow,
)
from hal.settings_reader import read_environment
from hal.types import Decision, Message, Plan, Route, Source, Target, Turn

T = TypeVar("T")
R = TypeVar("R", TurnRow, CallRow, ContentRow, PromptVersionRow, PolicyRow)

# The same examples in every run: a red test is red for everybody.
fixed = settings(derandomize=True, deadline=None, max_examples=80)

DEFAULTS = read_environment({"HOME": "/nowhere"})
CLOUD_ON = replace(DEFAULTS.cloud, api_key="xai-test", enabled=True)

LOCAL = Target("ollama", "big:30b", False, 32768)
SMALL = Target("ollama", "small:4b", False, 8192)
SIGHTED = Target("ollama", "eyes:7b", False, 16384, can_see=True)
CLOUD = Target("xai", "grok-4.3", True, 1_000_000, can_see=True)

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**400), 10**400)
    | st.floats()
    | st.text(st.characters(), max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4)
    ),
    max_leaves=12,
)


def turn(text: str = "How are you?", *earlier: Message, **changes: Any) -> Turn:
    """A turn of a known chat; `earlier` are the messages before it."""
    messages = (*earlier, Message("user", text))
    values = {"id": "turn-1", "messages": messages, "question": text, "chat_id": "chat-1"}
    return Turn(**{**values, **changes})


def decision(route: Route = Route.MODERATE, **changes: Any) -> Decision:
    values = {"confidence": 0.9, "source": Source.CLASSIFIER, "reason": "an ordinary question"}
    return Decision(**{"route": route, **values, **changes})


def plan(*targets: Target, route: Route = Route.MODERATE, **changes: Any) -> Plan:
    return Plan(targets or (LOCAL,), route, **changes)


@dataclass
class Clock:
    """Seconds that pass only when a test says so."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Rows:
    """A session log in memory."""

    rows: list[Row] = field(default_factory=list)
    changes: list[Callable[[sqlite3.Connection], None]] = field(default_factory=list)
    written_before_changes: list[int] = field(default_factory=list)

    def write(self, row: Row) -> Future[None]:
        self.rows.append(row)
        written: Future[None] = Future()
        written.set_result(None)
        return written

    def apply(self, change: Callable[[sqlite3.Connection], None]) -> Future[None]:
        self.changes.append(change)
        self.written_before_changes.append(len(self.rows))
        done: Future[None] = Future()
        done.set_result(None)
        return done

    def of(self, kind: type[R]) -> list[R]:
        return [row for row in self.rows if isinstance(row, kind)]

    @property
    def ended_calls(self) -> list[CallRow]:
        return [row for row in self.of(CallRow) if row.total_ms is not None]

    def last(self, kind: type[R]) -> R:
        return self.of(kind)[-1]


def recorder(rows: Rows | None = None, asked: Turn | None = None, **changes: Any) -> TurnRecorder:
    return TurnRecorder(asked or turn(), rows or Rows(), "policy-1", **changes)


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end on a fresh loop, ten seconds at most."""

    async def limited() -> T:
        async with asyncio.timeout(10):
            return await work

    return asyncio.run(limited())
