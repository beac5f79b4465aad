"""The server is killed, or the session log cannot be written: what still holds."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.servers import Say, Stall, Until

from .house import NANO, House
from .logbook import wait_until

pytestmark = pytest.mark.server
TEXT = "How do swifts sleep?"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with House(tmp_path_factory.mktemp("faults"), valves={"SPECULATE": False}) as running:
        yield running


@contextmanager
def locked(house: House) -> Iterator[None]:
    """Another process holds the database for writing."""
    with closing(sqlite3.connect(house.log.path, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            connection.execute("ROLLBACK")


def waiting(house: House) -> list[Path]:
    """The files of rows that the log could not take."""
    return list(house.log.path.parent.glob("sessions.sqlite.spool-*.jsonl"))


def test_killed_right_after_the_last_chunk(house: House) -> None:
    house.judge("COMPLEX", 0.95)
    with house.begin(house.turn(TEXT)) as stream:
        stream.until(lambda answer: b"[DONE]" in answer.raw)
        house.server.kill()
    (row,) = house.log.turns(house.chat)
    assert (row["outcome"], row["provider"]) == ("done", "xai")
    content = house.log.content(row["id"])
    assert content is not None
    assert content["answer"] == f"cloud: {TEXT}"
    assert len(house.log.of_turn("egress", row["id"])) == 1
    house.server.start()
    assert house.log.turns(house.chat)[0]["outcome"] == "done"


def test_killed_in_the_middle_of_a_turn(house: House) -> None:
    house.answer_with([Say("On the "), Stall()])
    with house.begin(house.turn(TEXT)) as stream:
        stream.until(lambda answer: answer.text)
        chat = house.chat
        wait_until(lambda: house.log.turns(chat))
        (row,) = house.log.turns(chat)
        wait_until(lambda: house.log.of_turn("call", row["id"]))
        house.server.kill()
    assert house.log.turns(chat)[0]["outcome"] == "running"
    house.reset_scripts()
    house.server.start()
    row = house.log.turn(chat, "cut", timeout_s=10)
    assert [c["outcome"] for c in house.log.of_turn("call", row["id"])] == ["cut"]
    assert house.ask(TEXT).text == f"{NANO}: {TEXT}"


def test_a_running_turn_of_a_living_server_is_not_cut_by_a_reload(house: House) -> None:
    go = threading.Event()
    house.answer_with([Say("a"), Until(go), Say("b")])
    with house.begin(house.turn(TEXT)) as stream:
        stream.until(lambda answer: answer.text)
        chat = house.chat
        house.server.reload()
        house.answer_with([Say("new")])
        house.ask(TEXT)
        assert house.log.turns(chat)[0]["outcome"] == "running"
        go.set()
        stream.rest()
    house.log.turn(chat, "done")


def test_another_process_that_closes_the_log_takes_nothing_away(house: House) -> None:
    """The last connection to a database removes its WAL file. Who is the last one is known by
    locks, and a process loses all of its locks on a file with the first descriptor it closes."""
    go = threading.Event()
    house.answer_with([Say("a"), Until(go)])
    with house.begin(house.turn(TEXT)) as stream:
        stream.until(lambda answer: answer.text)
        # The old code still has the log open while the new code opens it in the same process.
        house.server.reload()
        house.answer_with([Say("new")])
        house.ask(TEXT)
        go.set()
        stream.rest()
    for _ in range(2):
        with locked(house):
            pass
        house.ask(TEXT)
        assert house.logged()["outcome"] == "done"


def test_while_the_database_is_locked(house: House) -> None:
    with locked(house):
        local = house.ask(TEXT)
        assert (local.text, local.error) == (f"{NANO}: {TEXT}", None)
        house.judge("COMPLEX", 0.95)
        cloud = house.ask(TEXT)
        assert (cloud.text, cloud.error) == (f"{NANO}: {TEXT}", None)
        assert "The session log cannot take the entry, so nothing was sent." in cloud.statuses[2]
        assert house.xai.requests == []
        forced = house.ask(f"/cloud {TEXT}", stream=False)
        assert forced.text == f"{NANO}: {TEXT}"
        assert house.xai.requests == []
    # Afterwards all is as ever, and what could not be written then is written now.
    wait_until(lambda: house.ask(TEXT).text == f"cloud: {TEXT}", 20)
    wait_until(lambda: house.log.turns(house.chat))
    assert "egress_refused" in str([row["degradations"] for row in house.log.turns()])
    assert "never retrieved" not in house.server.log()


def test_killed_while_the_database_is_locked(house: House) -> None:
    """The answer was delivered, and the log could not take it: it waits in the file beside it."""
    with locked(house):
        with house.begin(house.turn(TEXT)) as stream:
            stream.until(lambda answer: b"[DONE]" in answer.raw)
            house.server.kill()
        chat = house.chat
        assert [row["outcome"] for row in house.log.turns(chat)] in ([], ["running"])
        assert len(waiting(house)) == 1
    house.server.start()
    row = house.log.turn(chat, "done", timeout_s=10)
    content = house.log.content(row["id"])
    assert content is not None
    assert content["answer"] == f"{NANO}: {TEXT}"
    wait_until(lambda: not waiting(house))


def test_a_damaged_log_costs_no_turn(house: House) -> None:
    house.ask(TEXT)
    house.server.stop()
    data = house.log.path.read_bytes()
    house.log.path.write_bytes(data[:4096] + b"\xff" * (len(data) - 4096))
    house.server.start()
    assert house.ask(TEXT).text == f"{NANO}: {TEXT}"
    assert house.logged()["outcome"] == "done"
    (aside,) = house.log.path.parent.glob("sessions.sqlite.damaged-*")
    house.server.wait_for_log(f"kept as {aside.name}")


def test_where_no_log_can_be_written_at_all(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The folder's place is taken by a file: no rights help there, not even root's."""
    folder = tmp_path_factory.mktemp("no-log")
    (folder / "taken").write_text("a file")
    env = {"HAL_DATA_DIR": str(folder / "taken" / "data")}
    with House(folder / "house", valves={"SPECULATE": False}, env=env) as house:
        local = house.ask(TEXT)
        assert (local.text, local.error) == (f"{NANO}: {TEXT}", None)
        house.judge("COMPLEX", 0.95)
        cloud = house.ask(TEXT)
        assert (cloud.text, cloud.error) == (f"{NANO}: {TEXT}", None)
        # Neither the log nor the budget can be kept there: no byte leaves.
        assert "kept local: the budget cannot be checked" in cloud.statuses[1]
        assert house.cloud_requests == []
        assert house.xai.requests == []
        assert "no decision in this chat yet" in house.ask("/why").text
        house.server.wait_for_log("The session log cannot be written")
        assert "Traceback" not in house.server.log()
        assert "never retrieved" not in house.server.log()
