"""The store: what is written when, what is replaced, what is kept and for how long."""

from __future__ import annotations

import asyncio
import stat
import threading
from concurrent.futures import Future
from pathlib import Path

import pytest

from hal.errors import EgressRefused
from hal.sessions.operation import LogUnavailable
from hal.sessions.reader import SessionReader
from hal.sessions.store import SessionStore

from .rows import DAY_S, NOON, SOON_S, call, content, egress, opened, prompt, sql, turn, wait_until


def test_nothing_happens_before_start(path: Path) -> None:
    before = threading.active_count()
    store = SessionStore(path, log_content=True, content_days=30)
    failed = store.write(turn())
    store.close()
    store.close()
    assert isinstance(failed.exception(0), LogUnavailable)
    assert not path.parent.exists()
    assert threading.active_count() == before


def test_what_is_written_can_be_read_at_once(path: Path) -> None:
    reader = SessionReader(path)
    with opened(path) as store:
        for row in (turn(), call(), content(), prompt()):
            store.write(row)
        store.write_egress(egress()).result(SOON_S)
        assert reader.turn("turn-1").outcome == "running"
        assert (reader.calls("turn-1"), reader.egress("turn-1")) == ([call()], [egress()])
        assert reader.content("turn-1") == content()
        assert reader.counts()["prompt_version"] == 1


def test_the_end_of_a_turn_replaces_its_beginning(path: Path) -> None:
    with opened(path) as store:
        store.write(turn(route="SIMPLE"))
        store.write(turn(route="SIMPLE", outcome="done", total_ms=12.5)).result(SOON_S)
    rows = SessionReader(path).turns()
    assert [(row.outcome, row.total_ms) for row in rows] == [("done", 12.5)]


def test_the_first_sighting_of_a_prompt_is_kept(path: Path) -> None:
    with opened(path) as store:
        store.write(prompt())
        store.write(prompt(first_seen=NOON + 1)).result(SOON_S)
    assert sql(path, "SELECT first_seen FROM prompt_version") == [(NOON,)]


def test_an_egress_row_cannot_be_written_over(path: Path) -> None:
    with opened(path) as store:
        store.write_egress(egress()).result(SOON_S)
        again = store.write_egress(egress(bytes=99))
        assert isinstance(again.exception(SOON_S), EgressRefused)
    assert SessionReader(path).egress("turn-1") == [egress()]


def test_a_bad_row_does_not_take_the_others_with_it(path: Path) -> None:
    with opened(path) as store:
        good = store.write(turn("a"))
        bad = store.write(turn("b", reason=object()))
        too_big = store.write(turn("c", prompt_tokens=2**70))
        last = store.write(turn("d", reason="half an emoji: \ud83d"))
        assert good.result(SOON_S) is None
        assert isinstance(bad.exception(SOON_S), LogUnavailable)
        assert isinstance(too_big.exception(SOON_S), LogUnavailable)
        assert last.result(SOON_S) is None
    assert {row.id for row in SessionReader(path).turns()} == {"a", "d"}


def test_the_coroutine_of_a_turn_can_wait(path: Path) -> None:
    async def send(store: SessionStore) -> str:
        await asyncio.wrap_future(store.write_egress(egress()))
        return SessionReader(path).egress("turn-1")[0].host

    with opened(path) as store:
        assert asyncio.run(send(store)) == "api.x.ai"


def test_a_cancelled_wait_still_logs_the_turn_but_no_egress_that_will_not_be(path: Path) -> None:
    with opened(path) as store:
        store.put_state("warm", "1").result(SOON_S)
        is_there, go = threading.Event(), threading.Event()
        store.put_state("a", "1").add_done_callback(lambda _: (is_there.set(), go.wait(SOON_S)))
        assert is_there.wait(SOON_S)
        assert store.write(turn()).cancel()
        assert store.write_egress(egress()).cancel()
        go.set()
        store.put_state("b", "1").result(SOON_S)
    counts = SessionReader(path).counts()
    assert (counts["turn"], counts["egress"]) == (1, 0)


def test_many_threads_write_and_all_of_it_arrives(path: Path) -> None:
    with opened(path) as store:
        futures: list[Future[None]] = []

        def write(thread: int) -> None:
            futures.extend([store.write(turn(f"{thread}-{n}")) for n in range(100)])

        threads = [threading.Thread(target=write, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for future in futures:
            future.result(SOON_S)
        assert SessionReader(path).counts()["turn"] == 800


def test_close_writes_what_waits_and_later_rows_fail_quietly(path: Path) -> None:
    store = SessionStore(path, log_content=True, content_days=30, clock=lambda: NOON)
    store.start()
    futures = [store.write(turn(str(n))) for n in range(500)]
    store.close()
    store.close()
    assert all(future.exception(0) is None for future in futures)
    assert isinstance(store.write(turn()).exception(0), LogUnavailable)
    assert isinstance(store.write_egress(egress()).exception(0), EgressRefused)
    store.configure(log_content=True, content_days=1)
    store.start()
    assert "hal-log" not in {thread.name for thread in threading.enumerate()}
    assert SessionReader(path).counts()["turn"] == 500


def test_close_from_a_callback_in_the_writer_thread_does_not_hang(path: Path) -> None:
    with opened(path) as store:
        done = threading.Event()
        store.write(turn()).add_done_callback(lambda _: (store.close(), done.set()))
        assert done.wait(SOON_S)


def test_a_defect_in_the_writer_leaves_nobody_waiting(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[BaseException | None] = []
    monkeypatch.setattr(threading, "excepthook", lambda args: seen.append(args.exc_value))
    with opened(path, clock=lambda: 1 / 0) as store:
        futures = [store.write_egress(egress(str(n))) for n in range(20)]
        outcomes = [future.exception(SOON_S) for future in futures]
        assert isinstance(store.write_egress(egress("late")).exception(SOON_S), EgressRefused)
    assert all(outcome is None or isinstance(outcome, EgressRefused) for outcome in outcomes)
    assert isinstance(seen[0], ZeroDivisionError)


def test_files_are_for_the_owner_only(path: Path) -> None:
    with opened(path) as store:
        store.write(turn()).result(SOON_S)
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert modes == dict.fromkeys(["sessions.db", "sessions.db-wal", "sessions.db-shm"], 0o600)


def test_state_is_replaced_by_key(path: Path) -> None:
    with opened(path) as store:
        store.put_state("calibration", '{"a": 1}')
        store.put_state("calibration", '{"a": 2}').result(SOON_S)
        assert SessionReader(path).get_state("calibration") == '{"a": 2}'
        assert SessionReader(path).get_state("other") is None


@pytest.mark.parametrize(("log_content", "days"), [(False, 30), (True, 0), (True, -1)])
def test_content_is_not_kept_when_it_is_off(path: Path, log_content: bool, days: int) -> None:
    with opened(path, log_content=log_content, content_days=days) as store:
        store.write(turn())
        assert store.write(content()).result(0) is None
        store.put_state("k", "1").result(SOON_S)
    assert SessionReader(path).counts()["content"] == 0
    assert b"Because." not in path.read_bytes()


def test_settings_change_while_it_runs(path: Path) -> None:
    reader = SessionReader(path)
    with opened(path, content_days=30) as store:
        store.write(content("old", created_at=NOON - 3 * DAY_S))
        store.write(content("new")).result(SOON_S)
        store.configure(log_content=True, content_days=2)
        store.put_state("k", "1").result(SOON_S)
        wait_until(lambda: reader.counts()["content"] == 1)
        store.configure(log_content=False, content_days=2)
        store.write(content("third"))
        store.write(turn()).result(SOON_S)
        wait_until(lambda: '"log_content": false' in (reader.get_state("content_policy") or ""))
    assert reader.content("old") is None
    assert reader.content("third") is None
    assert reader.content("new") == content("new")


def test_content_expires_at_start_and_leaves_no_trace(path: Path) -> None:
    with opened(path, content_days=1) as store:
        store.write(content(answer="a secret of yesterday"))
        store.write(content("fresh", created_at=NOON + DAY_S))
        store.write(turn(outcome="done")).result(SOON_S)
    with opened(path, content_days=1, clock=lambda: NOON + DAY_S) as store:
        wait_until(lambda: SessionReader(path).content("turn-1") is None)
    assert SessionReader(path).counts()["turn"] == 1
    assert SessionReader(path).content("fresh") is not None
    for file in path.parent.iterdir():
        assert b"a secret of yesterday" not in file.read_bytes()


def test_a_prompt_is_written_once_for_each_file(path: Path) -> None:
    with opened(path) as store:
        for _ in range(3):
            store.write(prompt()).result(SOON_S)
        assert sql(path, "SELECT count(*) FROM prompt_version") == [(1,)]
        for file in path.parent.glob(f"{path.name}*"):
            file.unlink()
        store.write(turn()).result(SOON_S)  # a new file begins, and nothing is known of the old one
        store.write(prompt()).result(SOON_S)
        assert sql(path, "SELECT count(*) FROM prompt_version") == [(1,)]
