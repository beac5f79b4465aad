"""Turns that have ended, with sensible values, for the tests of the live view."""

from __future__ import annotations

from typing import Any

from hal.recording import FinishedTurn
from hal.sessions.record import CallRow, EgressRow, LookupRow, TurnRow

NOON = 1_772_366_400.0  # 2026-03-01 12:00 UTC
TURN_ID = "3f9a21bc5d6e4f708192a3b4c5d6e7f8"
# In no column that is passed on may any of it turn up.
TEXT = "MY-VERY-OWN-WORDS"

# Every column in which a person's words, or words about them, can stand.
PERSONAL: dict[str, Any] = {
    "message_id": TEXT,
    "user_message_id": TEXT,
    "session_id": TEXT,
    "user_id": TEXT,
    "task": TEXT,
    "reason": TEXT,
    "notes": (TEXT,),
    "features_json": TEXT,
    "probabilities": {TEXT: 1.0},
}


def row(**changes: Any) -> TurnRow:
    values: dict[str, Any] = {
        "chat_id": "chat-1",
        "policy_id": "policy-1",
        "route": "MODERATE",
        "source": "classifier",
        "confidence": 0.914,
        "prompt_id": "classify@1+abcdef01",
        "provider": "ollama",
        "model": "nemotron-3-nano:30b",
        "outcome": "done",
        "classify_ms": 120.4,
        "first_token_ms": 420.0,
        "total_ms": 1830.0,
        "cost_usd": 0.0,
        "prompt_tokens": 812,
        "completion_tokens": 304,
        "finish_reason": "stop",
    }
    return TurnRow(**{"id": TURN_ID, "started_at": NOON, **values, **PERSONAL, **changes})


def call(**changes: Any) -> CallRow:
    values: dict[str, Any] = {
        "turn_id": TURN_ID,
        "n": 1,
        "purpose": "answer",
        "provider": "ollama",
        "model": "nemotron-3-nano:30b",
        "host": "http://me:secret@127.0.0.1:11434",
        "first_token_ms": 280.0,
        "total_ms": 1690.0,
        "outcome": "done",
        "cost_usd": 0.0,
        "prompt_tokens": 812,
        "completion_tokens": 304,
    }
    return CallRow(**{"id": "call-1", "started_at": NOON + 0.14, **values, **changes})


def lookup(**changes: Any) -> LookupRow:
    values: dict[str, Any] = {
        "queries": 2,
        "hits": 12,
        "pages": 4,
        "pages_read": 3,
        "sources": 3,
        "cited": (1, 3),
        "problem": TEXT,
        "detail": {"queries": [TEXT]},
        "total_ms": 2500.0,
    }
    return LookupRow(**{"turn_id": TURN_ID, "created_at": NOON + 2.7, **values, **changes})


def egress(**changes: Any) -> EgressRow:
    values: dict[str, Any] = {
        "host": "api.x.ai",
        "bytes": 1200,
        "sha256": "ab" * 32,
        "provider": "xai",
        "model": "grok-4.3",
        "purpose": "answer",
    }
    return EgressRow(**{"id": "egress-1", "turn_id": TURN_ID, "at": NOON, **values, **changes})


def finished(*calls: CallRow, **changes: Any) -> FinishedTurn:
    """One turn with one local call, decided after 140 ms."""
    return FinishedTurn(row(**changes), calls or (call(),), None, 140.0)
