"""The rows of shadow pairs: kept, read, cut and migrated like the rest of the log."""

from __future__ import annotations

import io
import sqlite3
from contextlib import closing
from datetime import UTC
from pathlib import Path

import pytest

from hal.database import transaction
from hal.sessions.commands import show_session
from hal.sessions.conventions import call_attributes
from hal.sessions.database import open_for_writing
from hal.sessions.process import this_process
from hal.sessions.reader import SessionReader
from hal.sessions.schema import SCHEMA, SHADOWS_SINCE
from hal.sessions.statements import cut_dead, save

from .rows import (
    NOON,
    SOON_S,
    call,
    content,
    opened,
    shadow,
    shadow_content,
    sql,
    turn,
)

DEAD = "another:1:2:3"


def test_the_step_from_the_version_before(path: Path) -> None:
    """What was there stays; what is new has its defaults, and can be written."""
    path.parent.mkdir(parents=True)
    with closing(sqlite3.connect(path, isolation_level=None)) as old:
        for step in SCHEMA.migrations[: SHADOWS_SINCE - 1]:
            step(old)
        old.execute(f"PRAGMA user_version = {SHADOWS_SINCE - 1}")
        old.execute("INSERT INTO turn (id, started_at, outcome) VALUES ('t', 1, 'done')")
        old.execute(
            "INSERT INTO content (turn_id, created_at, question, answer, thinking)"
            " VALUES ('t', 1, 'Why?', 'Because.', '')"
        )
    assert SessionReader(path).shadows("t") == []
    assert SessionReader(path).shadows_cost(0.0, 1.0) == 0.0
    with opened(path) as store:
        store.write(shadow(turn_id="t")).result(SOON_S)
    row, kept = SessionReader(path).turn("t"), SessionReader(path).content("t")
    assert row is not None
    assert (row.p_local_ok, row.gain, row.router_id, row.cascade) == (None, None, "", "")
    assert kept is not None
    assert (kept.answer, kept.draft) == ("Because.", "")
    assert [found.id for found, _ in SessionReader(path).shadows("t")] == ["shadow-1"]


@pytest.mark.parametrize(("keeps", "answer"), [(True, "Because of that."), (False, None)])
def test_the_text_is_kept_where_texts_are(path: Path, keeps: bool, answer: str | None) -> None:
    with opened(path, log_content=keeps) as store:
        store.write(turn())
        store.write(shadow())
        store.write(shadow_content())
        store.write(shadow(outcome="done")).result(SOON_S)
    assert [text for _, text in SessionReader(path).shadows("turn-1")] == [answer]


@pytest.mark.parametrize(
    ("owner", "outcome"),
    [(DEAD, "cut"), (str(this_process()), "running")],
    ids=["of a dead one", "of this one"],
)
def test_what_a_dead_process_left_running_is_cut(path: Path, owner: str, outcome: str) -> None:
    """The turn had ended, and stays as it was."""
    with closing(open_for_writing(path, 1.0)) as log, transaction(log):
        save(log, turn(outcome="done", process_id=owner))
        save(log, call("asked", outcome="running", purpose="shadow"))
        save(log, shadow(outcome="running", call_id="asked"))
        assert cut_dead(log, this_process(), NOON + 7200.0) == 0
    assert sql(path, "SELECT outcome FROM shadow") == [(outcome,)]
    assert sql(path, "SELECT outcome FROM call") == [(outcome,)]
    assert sql(path, "SELECT outcome FROM turn") == [("done",)]


def test_what_they_cost(path: Path) -> None:
    with opened(path) as store:
        for number, (left, cost) in enumerate([(True, 0.5), (False, 0.0), (True, None)]):
            id = f"turn-{number}"
            store.write(turn(id))
            store.write(call(f"a-{id}", turn_id=id, cost_usd=9.0))
            store.write(call(f"s-{id}", turn_id=id, purpose="shadow", cost_usd=cost))
            store.write(shadow(f"shadow-{id}", turn_id=id, leaves_machine=left))
        store.write(shadow("old", turn_id="turn-0", created_at=NOON - 1)).result(SOON_S)
    assert SessionReader(path).shadows_cost(NOON, 0.25) == 0.75


def test_the_page_of_a_turn(path: Path) -> None:
    with opened(path) as store:
        store.write(turn(cascade="escalated", p_local_ok=0.4, gain=0.21, router_id="router+ab"))
        store.write(content(draft="Perhaps \x1b[31mthis."))
        store.write(shadow(reason="disagreement", router_id="router+cd"))
        store.write(shadow_content(answer="That\x1b[2J.")).result(SOON_S)
    out = io.StringIO()
    reader = SessionReader(path)
    assert show_session(reader, "turn-1", as_json=False, out=out, now_s=NOON, tz=UTC) == 0
    page = out.getvalue()
    assert "router       local good enough 0.40, gain 0.21 (router+ab)" in page
    assert "draft        escalated" in page
    assert "draft:\n  Perhaps �[31mthis.\nanswer:\n  Because.\n" in page
    assert page.endswith(
        "\nshadow (shown to nobody)\n"
        "model        xai grok-4.3 (left the machine)\n"
        "chosen by    disagreement (router+cd), with probability 0.05\n"
        "outcome      done\n"
        "answer:\n  That�[2J.\n"
    )


def test_opentelemetry_can_tell_it_from_an_answer() -> None:
    attributes = call_attributes(call(purpose="shadow"))
    assert attributes["gen_ai.operation.name"] == "chat"
    assert attributes["hal.purpose"] == "shadow"
