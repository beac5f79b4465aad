"""What a search came to, in the log: as it was written, and without its words when they expire."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hal.sessions.reader import SessionReader
from hal.sessions.record import LookupRow
from tests.server.logbook import wait_until

from .rows import DAY_S, NOON, SOON_S, opened, sql, turn

SECRET = "what nobody else may read"
DETAIL = {"queries": [SECRET], "pages": [{"url": "https://a.example/", "fate": "cited"}]}


def lookup(turn_id: str = "turn-1", **changes: Any) -> LookupRow:
    values = {"queries": 1, "hits": 9, "pages": 4, "pages_read": 3, "sources": 3, "cited": (1, 3)}
    values |= {"invalid": 2, "rewritten_by": "model", "freshness": "week", "detail": DETAIL}
    return LookupRow(**{"turn_id": turn_id, "created_at": NOON, **values, **changes})


@pytest.mark.parametrize(
    "row",
    [
        lookup(),
        lookup(cited=(), sources=0, problem="SearXNG is out. Start it."),
        lookup(rewrite_ms=1.5, search_ms=2.5, read_ms=3.5, total_ms=8.0, material_tokens=700),
        LookupRow(turn_id="turn-1", created_at=NOON),
    ],
    ids=["cited", "failed", "times", "empty"],
)
def test_it_comes_back_as_it_was(path: Path, row: LookupRow) -> None:
    with opened(path) as store:
        store.write(row).result(SOON_S)
        assert SessionReader(path).lookup("turn-1") == row
        assert SessionReader(path).lookup("another") is None


def test_the_last_state_of_a_search_stays(path: Path) -> None:
    with opened(path) as store:
        store.write(lookup(cited=()))
        store.write(lookup(cited=(2,))).result(SOON_S)
        assert sql(path, "SELECT cited FROM lookup") == [("[2]",)]


def test_its_words_expire_and_its_numbers_stay(path: Path) -> None:
    with opened(path, content_days=1) as store:
        store.write(lookup())
        store.write(lookup("fresh", created_at=NOON + DAY_S))
        store.write(turn(outcome="done")).result(SOON_S)
    with opened(path, content_days=1, clock=lambda: NOON + DAY_S) as store:
        wait_until(lambda: SessionReader(path).lookup("turn-1") == lookup(detail={}), SOON_S)
        store.put_state("k", "1").result(SOON_S)
        assert SessionReader(path).lookup("fresh") == lookup("fresh", created_at=NOON + DAY_S)
        store.configure(log_content=True, content_days=0)
        wait_until(lambda: json.loads(sql(path, _DETAIL)[0][0]) == {}, SOON_S)
    for file in path.parent.iterdir():
        assert SECRET.encode() not in file.read_bytes()


_DETAIL = "SELECT detail FROM lookup WHERE turn_id = 'fresh'"
