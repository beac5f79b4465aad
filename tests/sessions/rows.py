"""Rows with sensible values, and a store that is always closed, for the tests of the log."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from hal.sessions.record import (
    CallRow,
    CaseRow,
    ContentRow,
    EgressRow,
    PolicyRow,
    PromptVersionRow,
    ScoreContentRow,
    ScoreRow,
    ShadowContentRow,
    ShadowRow,
    TurnRow,
)
from hal.sessions.store import SessionStore

NOON = 1_772_366_400.0  # 2026-03-01 12:00 UTC
DAY_S = 86_400.0
SOON_S = 10.0  # how long a test waits for what takes milliseconds


def turn(id: str = "turn-1", **changes: Any) -> TurnRow:
    return TurnRow(**{"id": id, "started_at": NOON, "chat_id": "chat-1", **changes})


def call(id: str = "call-1", **changes: Any) -> CallRow:
    values = {"turn_id": "turn-1", "n": 1, "purpose": "answer", "provider": "ollama"}
    return CallRow(**{"id": id, "model": "m", "started_at": NOON, **values, **changes})


def egress(id: str = "egress-1", **changes: Any) -> EgressRow:
    values = {"turn_id": "turn-1", "at": NOON, "host": "api.x.ai", "bytes": 12, "sha256": "ab" * 32}
    return EgressRow(**{"id": id, **values, **changes})


def content(turn_id: str = "turn-1", **changes: Any) -> ContentRow:
    values = {"created_at": NOON, "question": "Why?", "answer": "Because."}
    return ContentRow(**{"turn_id": turn_id, **values, **changes})


def prompt(**changes: Any) -> PromptVersionRow:
    values = {"id": "classify@1+abcdef01", "name": "classify", "version": "1", "sha256": "ab" * 32}
    return PromptVersionRow(**{**values, "text": "Say.", "first_seen": NOON, **changes})


def score(id: str = "score-1", **changes: Any) -> ScoreRow:
    values = {"turn_id": "turn-1", "created_at": NOON, "name": "user_thumb", "value": -1.0}
    return ScoreRow(**{"id": id, "source": "human", **values, **changes})


def comment(score_id: str = "score-1", **changes: Any) -> ScoreContentRow:
    values = {"created_at": NOON, "explanation": "Not what I asked."}
    return ScoreContentRow(**{"score_id": score_id, **values, **changes})


def policy(id: str = "policy-1", **changes: Any) -> PolicyRow:
    values = {"first_seen": NOON, "settings": {"cloud.confidence": 0.6}}
    return PolicyRow(**{"id": id, **values, **changes})


def case(turn_id: str = "turn-1", **changes: Any) -> CaseRow:
    values = {"created_at": NOON, "expected": "ENRICH", "weight": 0.8, "sources": ("override",)}
    return CaseRow(**{"turn_id": turn_id, **values, **changes})


def shadow(id: str = "shadow-1", **changes: Any) -> ShadowRow:
    values = {"turn_id": "turn-1", "created_at": NOON, "reason": "anchor", "propensity": 0.05}
    target = {"provider": "xai", "model": "grok-4.3", "leaves_machine": True, "outcome": "done"}
    return ShadowRow(**{"id": id, **values, **target, **changes})


def shadow_content(shadow_id: str = "shadow-1", **changes: Any) -> ShadowContentRow:
    values = {"created_at": NOON, "answer": "Because of that."}
    return ShadowContentRow(**{"shadow_id": shadow_id, **values, **changes})


@contextmanager
def opened(path: Path, **options: Any) -> Iterator[SessionStore]:
    """A started store; `clock` stands still at NOON unless the test says otherwise."""
    settings = {"log_content": True, "content_days": 30, "clock": lambda: NOON, **options}
    store = SessionStore(path, **settings)
    store.start()
    try:
        yield store
    finally:
        store.close()


def sql(path: Path, statement: str, *values: Any) -> list[tuple[Any, ...]]:
    """What another program sees in the file, or does to it."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        return connection.execute(statement, values).fetchall()


def wait_until(is_so: Callable[[], bool]) -> None:
    pause = threading.Event()
    for _ in range(int(SOON_S / 0.01)):
        if is_so():
            return
        pause.wait(0.01)
    raise AssertionError("it did not come about")
