"""Turns with a row in every table that can hang on one, written past the store."""

from __future__ import annotations

import sqlite3

from hal.database import transaction
from hal.sessions.columns import AnyRow
from hal.sessions.record import EgressContentRow, LookupRow
from hal.sessions.statements import save

from .rows import (
    NOON,
    call,
    case,
    comment,
    content,
    egress,
    score,
    shadow,
    shadow_content,
    turn,
)


def whole_turn(id: str, at: float = NOON, text: str = "text", **changes: object) -> list[AnyRow]:
    """A turn with a row in every table that can hang on one."""
    return [
        turn(id, started_at=at, outcome="done", **changes),
        call(f"call-{id}", turn_id=id, started_at=at),
        egress(f"egress-{id}", turn_id=id, at=at),
        EgressContentRow(egress_id=f"egress-{id}", created_at=at, body=f"{text} sent"),
        content(id, created_at=at, answer=f"{text} answered"),
        LookupRow(turn_id=id, created_at=at, detail={"queries": [f"{text} searched"]}),
        score(f"score-{id}", turn_id=id, created_at=at),
        comment(f"score-{id}", created_at=at, explanation=f"{text} commented"),
        case(id, created_at=at),
        shadow(f"shadow-{id}", turn_id=id, created_at=at),
        shadow_content(f"shadow-{id}", created_at=at, answer=f"{text} shadowed"),
    ]


def fill(log: sqlite3.Connection, *turns: list[AnyRow]) -> None:
    with transaction(log):
        for rows in turns:
            for row in rows:
                save(log, row)
