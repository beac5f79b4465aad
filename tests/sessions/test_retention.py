"""What leaves the log: by age, by size, and never by a clock that was set."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hal.database import open_for_writing as open_plainly
from hal.sessions import retention
from hal.sessions.care import Care
from hal.sessions.database import open_for_writing
from hal.sessions.operation import ContentPolicy
from hal.sessions.process import this_process
from hal.sessions.reader import SessionReader
from hal.sessions.record import ROWS, EgressRow
from hal.sessions.retention import Retention, count_turns, delete_turns, last_expired
from hal.sessions.schema import SCHEMA
from hal.sessions.spool import Spool
from hal.sessions.statements import save
from hal.settings_reader import read_environment

from .rows import (
    DAY_S,
    NOON,
    SOON_S,
    egress,
    opened,
    policy,
    prompt,
    turn,
    wait_until,
)
from .whole_turns import fill, whole_turn

KEEP_ALL = Retention(days=36_500, max_bytes=1 << 50)
YEAR_2099 = 4_070_908_800.0


@pytest.fixture
def log(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(open_for_writing(path, 1.0)) as connection:
        yield connection


def ids(log: sqlite3.Connection) -> list[str]:
    return [id for (id,) in log.execute("SELECT id FROM turn ORDER BY rowid")]


def counts(log: sqlite3.Connection) -> dict[str, int]:
    return {
        kind.table: log.execute(f"SELECT count(*) FROM {kind.table}").fetchone()[0]  # noqa: S608
        for kind in ROWS
    }


def care_of(
    log: sqlite3.Connection,
    path: Path,
    now: Callable[[], float],
    keeps: Retention = KEEP_ALL,
    days: int = 30,
    warn: Callable[[str], None] = lambda _: None,
    between: Callable[[], None] = lambda: None,
) -> int:
    """One whole round without its pauses; how many steps it took."""
    care = Care(this_process(), Spool(path, this_process()), now, warn)
    care.content, care.retention = ContentPolicy(log_content=True, content_days=days), keeps
    steps = 0
    while True:
        care.step(log, idle_s=3600.0)
        assert not log.in_transaction
        steps += 1
        between()
        if care.wait_s() > 60:
            return steps
        care._due_at = 0.0  # the pauses are for others


def test_the_settings_say_how_much_is_kept() -> None:
    usual, odd = (
        read_environment({"HOME": "/", **values}).log
        for values in ({}, {"HAL_LOG_DAYS": "0", "HAL_LOG_MAX_MB": "1"})
    )
    assert (usual.days, usual.max_bytes) == (365, 2048 << 20)
    assert (odd.days, odd.max_bytes) == (1, 64 << 20)


def test_a_turn_goes_with_all_that_hangs_on_it(log: sqlite3.Connection) -> None:
    fill(log, whole_turn("a"), whole_turn("b"), [policy(), prompt()])
    expected = {t: 1 for t in counts(log) if t not in ("policy", "prompt_version")}
    assert count_turns(log, "id = ?", ("a",)) == expected
    assert delete_turns(log, "id = ?", ("a",)) == expected
    assert counts(log) == dict.fromkeys(counts(log), 1)
    assert ids(log) == ["b"]
    left = log.execute("SELECT egress_id FROM egress_content").fetchall()
    assert left == [("egress-b",)]


def test_every_table_of_the_log_is_thought_of(log: sqlite3.Connection) -> None:
    """A table that somebody adds must go with its turn, or be one that belongs to none."""
    fill(log, whole_turn("a"), [policy(), prompt()])
    delete_turns(log, "true")
    assert {t for t, count in counts(log).items() if count} == {"policy", "prompt_version"}


def test_texts_go_by_their_age_and_turns_by_theirs(log: sqlite3.Connection, path: Path) -> None:
    fill(
        log,
        whole_turn("year", NOON - 370 * DAY_S),
        whole_turn("months", NOON - 100 * DAY_S),
        whole_turn("days", NOON - 3 * DAY_S),
    )
    care_of(log, path, lambda: NOON, Retention(365, 1 << 50))
    assert ids(log) == ["months", "days"]
    for table in ("content", "egress_content", "score_content"):
        assert counts(log)[table] == 1
    assert [row for (row,) in log.execute("SELECT detail FROM lookup")] == [
        "{}",
        '{"queries": ["text searched"]}',
    ]
    assert (counts(log)["egress"], counts(log)["score"], counts(log)["call"]) == (2, 2, 2)


def test_nothing_of_what_went_is_left_in_any_file(path: Path) -> None:
    with opened(path) as store:
        for row in whole_turn("old", NOON - 31 * DAY_S, "fortuna"):
            store.write_egress(row) if isinstance(row, EgressRow) else store.write(row)
        store.write(turn("new")).result(SOON_S)
        store.configure(log_content=True, content_days=30)  # the hourly care, now
        wait_until(lambda: not any(b"fortuna" in f.read_bytes() for f in path.parent.iterdir()))
    assert SessionReader(path).counts()["turn"] == 2


def test_a_running_turn_stays(log: sqlite3.Connection, path: Path) -> None:
    rows = whole_turn("running", NOON - 400 * DAY_S)
    rows[0] = turn("running", started_at=NOON - 400 * DAY_S, process_id=str(this_process()))
    fill(log, rows, whole_turn("ended", NOON - 399 * DAY_S), [turn("young")])
    care_of(log, path, lambda: NOON, Retention(365, 1 << 50))
    assert ids(log) == ["running", "young"]


@pytest.mark.parametrize(
    ("ages_days", "gone"),
    [
        pytest.param([40, 35, 31, 10, 1], 3, id="in-order"),
        pytest.param([10, 5, 1], 0, id="all-young"),
        pytest.param([60, 50, 40], 3, id="all-old"),
        pytest.param([], 0, id="none"),
        pytest.param([40, 20_000, 20_000, 10], 1, id="no-battery-after-an-old-one"),
        pytest.param([40, 10, 20_000, 20_000, 1], 1, id="no-battery-between-young-ones"),
        pytest.param([20_000, 20_000, 1], 0, id="no-battery-at-first"),
        pytest.param([40, 10, 400, 400, 1], 1, id="set-back-by-a-year"),
        pytest.param([50, -26_000, 45, 40, 10], 4, id="ahead-for-a-while"),
        pytest.param([50, 10, -26_000, 5], 1, id="ahead-and-still-young"),
        pytest.param([10, 5, 300, 299], 0, id="an-old-log-imported"),
    ],
)
def test_a_row_is_as_old_as_the_youngest_before_it(
    log: sqlite3.Connection, ages_days: list[float], gone: int
) -> None:
    for number, age in enumerate(ages_days):
        save(log, turn(str(number), started_at=NOON - age * DAY_S))
    assert last_expired(log, "turn", "started_at", NOON - 30 * DAY_S, NOON) == gone


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    ages=st.lists(st.integers(0, 80), max_size=12),
    clock=st.lists(st.sampled_from([0, -30_000, 400, 20_000]), max_size=12),
)
def test_no_time_of_day_makes_a_young_row_go(ages: list[int], clock: list[int]) -> None:
    """Rows in the order of their true age, some with a clock that was off by any number of days."""
    ages = sorted(ages, reverse=True)
    off = [*clock, *[0] * len(ages)]
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as memory:
        SCHEMA.migrate(memory)
        for number, age in enumerate(ages):
            save(memory, turn(str(number), started_at=NOON - (age + off[number]) * DAY_S))
        last = last_expired(memory, "turn", "started_at", NOON - 30 * DAY_S, NOON)
    young_and_true = [n for n, age in enumerate(ages, 1) if age < 30 and not off[n - 1]]
    assert not young_and_true or last < young_and_true[0]
    if not any(off[: len(ages)]):
        assert last == sum(age >= 30 for age in ages)


def test_a_clock_that_leaps_ahead_expires_nothing_for_a_day(
    log: sqlite3.Connection, path: Path
) -> None:
    fill(log, whole_turn("a"), whole_turn("b", NOON + 60))
    said: list[str] = []
    keeps = Retention(365, 1 << 50)
    care_of(log, path, lambda: NOON + 120, keeps, warn=said.append)
    assert said == []
    for hours in (0, 1, 23):
        care_of(log, path, lambda h=hours: YEAR_2099 + h * 3600, keeps, warn=said.append)
    assert (ids(log), counts(log)["content"]) == (["a", "b"], 2)
    assert len(said) == 1
    assert "In case the clock is wrong" in said[0]
    # Set right again, all goes on; had it really been 2099, the day would have ended the wait.
    care_of(log, path, lambda: NOON + 240, keeps)
    assert (ids(log), counts(log)["content"]) == (["a", "b"], 2)
    for hours in (0, 24):
        care_of(log, path, lambda h=hours: YEAR_2099 + h * 3600, keeps)
    assert (ids(log), counts(log)["content"]) == ([], 0)


def test_a_clock_without_battery_deletes_nothing(log: sqlite3.Connection, path: Path) -> None:
    fill(log, whole_turn("a", NOON - DAY_S))
    care_of(log, path, lambda: NOON, Retention(1, 1 << 50), days=1)
    fill(log, whole_turn("b", NOON), whole_turn("c", 5.0))
    care_of(log, path, lambda: 60.0, Retention(1, 1 << 50), days=1)
    assert ids(log) == ["b", "c"]
    care_of(log, path, lambda: NOON + 3600, Retention(1, 1 << 50), days=1)
    assert ids(log) == ["b", "c"]
    care_of(log, path, lambda: NOON + 2 * DAY_S, Retention(1, 1 << 50), days=1)
    assert ids(log) == ["c"]


def sized(log: sqlite3.Connection, turns: int, bytes_each: int = 20_000) -> None:
    fill(log, *(whole_turn(f"{n:04}", NOON + n, "x" * bytes_each) for n in range(turns)))


def test_by_size_the_oldest_texts_go_first(log: sqlite3.Connection, path: Path) -> None:
    sized(log, 400)
    before = retention.used_bytes(log)
    limit = before // 2
    monitor = care_of(log, path, lambda: NOON, Retention(36_500, limit + (16 << 20)))
    assert retention.used_bytes(log) <= limit
    assert len(ids(log)) == 400
    kept = [id for (id,) in log.execute("SELECT turn_id FROM content ORDER BY rowid")]
    assert kept == [f"{n:04}" for n in range(400 - len(kept), 400)]
    assert len(kept) > 100
    assert monitor > 4
    assert path.stat().st_size <= before * 0.6


def test_then_the_oldest_turns_but_never_the_last_hundred(
    log: sqlite3.Connection, path: Path
) -> None:
    sized(log, 350, 5_000)
    care_of(log, path, lambda: NOON, Retention(36_500, 16 << 20))
    assert ids(log) == [f"{n:04}" for n in range(250, 350)]
    assert counts(log)["content"] == 100


def test_one_step_never_deletes_more_than_a_batch(log: sqlite3.Connection, path: Path) -> None:
    fill(log, *(whole_turn(f"{n:04}", NOON - 400 * DAY_S + n) for n in range(450)), [turn()])
    seen = [counts(log)]
    care_of(
        log, path, lambda: NOON, Retention(365, 1 << 50), between=lambda: seen.append(counts(log))
    )
    assert seen[-1]["turn"] == 1
    for earlier, later in pairwise(seen):
        assert earlier["turn"] - later["turn"] <= retention.BATCH_TURNS
        assert earlier["content"] - later["content"] <= retention.BATCH_TURNS


def test_egress_rows_are_written_between_two_steps(path: Path) -> None:
    with closing(open_for_writing(path, 1.0)) as log:
        fill(log, *(whole_turn(f"{n:04}", NOON - 400 * DAY_S + n) for n in range(1500)), [turn()])
    with opened(path, retention=Retention(365, 1 << 50)) as store:
        left = []
        for number in range(20):
            store.write_egress(egress(f"new-{number}", turn_id="new")).result(SOON_S)
            left.append(SessionReader(path).counts()["turn"])
        assert left[-1] > 0, "the care was over before the last egress row: no test of anything"
        wait_until(lambda: SessionReader(path).counts()["turn"] == 1)
    assert SessionReader(path).counts()["egress"] == 20


def test_a_reader_that_takes_its_time_does_not_hold_up_the_writer(path: Path) -> None:
    with closing(open_for_writing(path, 1.0)) as log:
        fill(log, *(whole_turn(f"{n}", NOON - 400 * DAY_S + n) for n in range(20)), [turn()])
        with opened(path, retention=Retention(365, 1 << 50)) as store:
            log.execute("BEGIN")
            assert log.execute("SELECT count(*) FROM state").fetchone()
            wait_until(lambda: SessionReader(path).counts()["turn"] == 1)
            for number in range(10):
                store.write_egress(egress(f"new-{number}")).result(SOON_S)
            log.execute("COMMIT")
        assert store.warnings == ()


def test_a_round_that_breaks_off_leaves_no_trace_in_the_end(path: Path) -> None:
    with closing(open_for_writing(path, 0.01)) as log:
        fill(log, whole_turn("a", NOON - 40 * DAY_S, "fortuna"), [turn("young")])
        care = Care(this_process(), Spool(path, this_process()), lambda: NOON, lambda _: None)
        care.content = ContentPolicy(log_content=True, content_days=30)
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            for number in range(12):  # the steps that delete, and every second one meets a lock
                if number % 2:
                    other.execute("BEGIN IMMEDIATE")
                care.step(log, 0.0)
                care._due_at = 0.0
                if number % 2:
                    other.execute("ROLLBACK")
        while care.wait_s() < 60:
            care.step(log, 0.0)
        assert counts(log)["content"] == 0
        assert [f for f in path.parent.iterdir() if b"fortuna" in f.read_bytes()] == []


def test_free_pages_go_back_to_the_disk(log: sqlite3.Connection, path: Path) -> None:
    sized(log, 400)
    log.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    full = path.stat().st_size
    delete_turns(log, "true")
    care_of(log, path, lambda: NOON)
    log.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    assert path.stat().st_size < full / 4
    assert log.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_file_of_an_earlier_version_learns_to_give_pages_back(path: Path) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path, isolation_level=None)) as old:
        old.execute("PRAGMA journal_mode = WAL")
        for number, step in enumerate(SCHEMA.migrations, 1):
            step(old)
            old.execute(f"PRAGMA user_version = {number}")
    with closing(open_for_writing(path, 1.0)) as log:
        assert log.execute("PRAGMA auto_vacuum").fetchone() == (0,)
        fill(log, whole_turn("a"), whole_turn("b"))
        care_of(log, path, lambda: NOON)
        assert log.execute("PRAGMA auto_vacuum").fetchone() == (2,)
        assert ids(log) == ["a", "b"]
    with closing(open_plainly(path, 1.0, SCHEMA.check, SCHEMA.migrate)) as again:
        assert again.execute("PRAGMA auto_vacuum").fetchone() == (2,)


def test_a_lock_in_the_middle_of_the_care_is_no_trouble(path: Path) -> None:
    with closing(open_for_writing(path, 0.01)) as log:
        fill(log, whole_turn("a", NOON - 400 * DAY_S), [turn("young")])
        care = Care(this_process(), Spool(path, this_process()), lambda: NOON, lambda _: None)
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            care.step(log, 0.0)
            assert 0 < care.wait_s() < 5
            other.execute("ROLLBACK")
        care_of(log, path, lambda: NOON, Retention(365, 1 << 50))
        assert ids(log) == ["young"]
