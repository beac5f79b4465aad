"""The ledger in trouble: processes that are killed, and files that cannot be read or written.

With a cap set nothing is sent that cannot be counted; without one, turns go on and money is
counted in memory until the file takes it.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

import hal.gateway.ledger
from hal.database import open_for_writing
from hal.errors import OverBudget
from hal.gateway.ledger import SETTLE_WAIT_S, Ledger
from hal.gateway.ledger_rows import SCHEMA
from hal.gateway.ports import Level

from .helpers import run
from .ledgers import BERLIN, NO_CAPS, caps, expense, opened, spending, sql, today_usd

DAY = caps(daily_usd=1.0)
SHORT_S = 0.05  # instead of the 2 s that a real ledger waits for a lock
PROCESSES, TRIES = 4, 15


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "budget.sqlite"


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A turn does not wait long for the first look at the file; these tests do."""
    monkeypatch.setattr(hal.gateway.ledger, "FIRST_LOAD_S", 30.0)


async def unchecked(ledger: Ledger, call_id: str) -> str:
    with pytest.raises(OverBudget, match="cannot be checked") as caught:
        await ledger.reserve(expense(call_id, 0.01))
    assert "Nothing was sent" in caught.value.remedy
    return caught.value.sentence


# --- processes ----------------------------------------------------------------------------------

# Tries to reserve a dime again and again, and says how often it could.
GREEDY = """
import asyncio, sys
from pathlib import Path
from hal.errors import OverBudget
from tests.gateway.ledgers import caps, expense, opened

async def main(path, name, tries):
    async with opened(path, caps(daily_usd=2.0)) as ledger:
        await ledger.standing(None, 0.1)
        print("ready", flush=True)
        sys.stdin.readline()
        went = 0
        for number in range(tries):
            try:
                await ledger.reserve(expense(f"{name}-{number}", 0.1))
            except OverBudget as error:
                assert "used up" in str(error), error
            else:
                went += 1
        print(went, flush=True)

asyncio.run(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
"""

# Reserves, says so, and waits to be killed.
DOOMED = """
import asyncio, sys
from pathlib import Path
from tests.gateway.ledgers import expense, opened

async def main(path):
    async with opened(path) as ledger:
        await ledger.reserve(expense("settled", 0.3))
        await ledger.settle("settled", 0.2, is_estimate=False)
        await ledger.reserve(expense("open", 0.5))
        print("reserved", flush=True)
        sys.stdin.readline()

asyncio.run(main(Path(sys.argv[1])))
"""


@contextmanager
def child(script: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(script), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def told(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def go_on(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("go on\n")
    process.stdin.flush()


def test_a_reservation_of_a_killed_process_counts_as_spent(path: Path) -> None:
    with child(DOOMED, str(path)) as process:
        assert told(process) == "reserved"
        process.send_signal(signal.SIGKILL)
        process.wait(10)

    async def test() -> None:
        async with opened(path, DAY) as ledger:
            assert (await ledger.standing("ann", 0.31)).level is Level.HARD
            assert (await ledger.standing("ann", 0.29)).level is Level.FREE

    run(test())
    assert dict(sql(path, "SELECT call_id, amount_usd FROM expense")) == {
        "settled": 0.2,
        "open": 0.5,
    }
    assert (spending(path).open_calls, spending(path).open_usd) == (1, 0.5)
    assert sql(path, "PRAGMA integrity_check") == [("ok",)]


def test_processes_cannot_pass_a_cap_together(path: Path) -> None:
    with (
        child(GREEDY, str(path), "a", str(TRIES)) as a,
        child(GREEDY, str(path), "b", str(TRIES)) as b,
        child(GREEDY, str(path), "c", str(TRIES)) as c,
        child(GREEDY, str(path), "d", str(TRIES)) as d,
    ):
        processes = (a, b, c, d)
        assert [told(process) for process in processes] == ["ready"] * PROCESSES
        for process in processes:
            go_on(process)
        went = [int(told(process)) for process in processes]
        assert [process.wait(10) for process in processes] == [0] * PROCESSES
    assert sum(went) == 20
    assert today_usd(path) == pytest.approx(2.0)


def test_who_finds_a_new_file_that_is_being_made_waits(path: Path) -> None:
    """SQLite does not wait for a lock while it switches a file to WAL, so that we have to."""
    path.parent.mkdir()
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    ready = threading.Timer(0.1, other.execute, ["ROLLBACK"])
    ready.start()
    with closing(open_for_writing(path, 5.0, SCHEMA.check, SCHEMA.migrate)) as connection:
        assert ready.finished.is_set()
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    ready.join()
    other.close()


def test_nobody_waits_for_a_new_file_for_ever(path: Path) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            open_for_writing(path, SHORT_S, SCHEMA.check, SCHEMA.migrate)


# --- a lock -------------------------------------------------------------------------------------


@contextmanager
def locked(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield other
        other.execute("ROLLBACK")


def test_under_a_cap_a_locked_file_lets_nothing_out(path: Path) -> None:
    async def test() -> None:
        async with opened(path, DAY, busy_timeout_s=SHORT_S) as ledger:
            await ledger.standing("ann", 0.1)
            with locked(path):
                assert "database is locked" in await unchecked(ledger, "a")
                standing = await ledger.standing("ann", 0.1)
                assert standing.level is Level.HARD
                assert "cannot be checked (database is locked)" in standing.note
            await ledger.reserve(expense("b"))
            assert (await ledger.standing("ann", 0.1)).level is Level.FREE
            assert len(ledger.warnings) == 1
        assert dict(sql(path, "SELECT call_id, amount_usd FROM expense")) == {"b": 0.1}

    run(test())


def test_without_a_cap_turns_go_on_and_are_counted_afterwards(path: Path) -> None:
    async def test() -> None:
        async with opened(path, busy_timeout_s=SHORT_S) as ledger:
            await ledger.reserve(expense("before"))
            with locked(path):
                await ledger.reserve(expense("a", 0.3))
                await ledger.settle("a", 0.2, is_estimate=False)
                await ledger.settle("before", 0.05, is_estimate=False)
                began = time.monotonic()
                for number in range(50):  # nobody waits for the lock again
                    await ledger.reserve(expense(str(number), 0.01))
                assert time.monotonic() - began < 50 * SHORT_S
            assert len(ledger.warnings) == 1
        assert today_usd(path) == pytest.approx(0.05 + 0.2 + 50 * 0.01)
        assert sql(path, "SELECT state FROM expense WHERE call_id = 'a'") == [("settled",)]

    run(test())


def test_a_turn_is_not_held_up_by_settling_and_the_amount_is_not_lost(path: Path) -> None:
    async def test() -> None:
        async with opened(path, DAY) as ledger:  # waits for a lock for 2 s
            await ledger.reserve(expense("a", 0.1))
            with locked(path):
                began = time.monotonic()
                await ledger.settle("a", 0.7, is_estimate=False)
                assert time.monotonic() - began < 1.0 + SETTLE_WAIT_S
                assert today_usd(path) == pytest.approx(0.1)
            await ledger.reserve(expense("b", 0.2))
            assert (await ledger.standing("ann", 0.2)).level is Level.HARD
        assert today_usd(path) == pytest.approx(0.9)

    run(test())


def test_a_crowd_waits_for_a_lock_once_and_not_one_by_one(path: Path) -> None:
    async def test() -> None:
        async with opened(path, DAY, busy_timeout_s=0.2) as ledger:
            await ledger.standing("ann", 0.1)
            with locked(path):
                began = time.monotonic()
                calls = (ledger.reserve(expense(str(number), 0.01)) for number in range(30))
                errors = await asyncio.gather(*calls, return_exceptions=True)
                assert time.monotonic() - began < 30 * 0.2
            assert {type(error) for error in errors} == {OverBudget}
        assert today_usd(path) == 0.0

    run(test())


def test_who_stops_waiting_for_a_lock_leaves_no_reservation(path: Path) -> None:
    async def test() -> None:
        async with opened(path, DAY) as ledger:
            await ledger.standing("ann", 0.1)
            with locked(path):
                waiting = asyncio.create_task(ledger.reserve(expense("a", 0.9)))
                behind = asyncio.create_task(ledger.reserve(expense("b", 0.9)))
                await asyncio.sleep(0.1)
                waiting.cancel()
                behind.cancel()
                ended = await asyncio.gather(waiting, behind, return_exceptions=True)
                assert [type(error) for error in ended] == [asyncio.CancelledError] * 2
            await ledger.reserve(expense("c", 0.9))
        assert today_usd(path) == pytest.approx(0.9)
        assert spending(path).open_calls == 1

    run(test())


# --- a full disk, no place, and a file that is none ---------------------------------------------

FULL_DISK = """
import asyncio, resource, signal, sys
from pathlib import Path
from hal.errors import OverBudget
from tests.gateway.ledgers import NO_CAPS, caps, expense, opened, sql

path = Path(sys.argv[1])
unlimited = resource.RLIM_INFINITY
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

async def main():
    async with opened(path, caps(daily_usd=1.0)) as ledger:
        await ledger.reserve(expense("before", 0.3))
        sql(path, "PRAGMA wal_checkpoint(TRUNCATE)")
        # SQLite cannot make a file any longer: to it, that is a full disk.
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, unlimited))
        try:
            await ledger.reserve(expense("capped", 0.1))
        except OverBudget as error:
            print("cannot be checked" in str(error), end=" ")
        await ledger.settle("before", 0.2, is_estimate=False)
        ledger.configure(NO_CAPS)
        await ledger.reserve(expense("free", 0.4))
        resource.setrlimit(resource.RLIMIT_FSIZE, (unlimited, unlimited))
        ledger.configure(caps(daily_usd=1.0))
        await ledger.reserve(expense("after", 0.1))
        print(len(ledger.warnings))

asyncio.run(main())
"""


def test_a_full_disk_lets_nothing_out_under_a_cap_and_loses_nothing(path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(FULL_DISK), str(path)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.stdout.split() == ["True", "1"], done.stderr
    assert dict(sql(path, "SELECT call_id, amount_usd FROM expense")) == {
        "before": 0.2,
        "free": 0.4,
        "after": 0.1,
    }


def in_the_way(path: Path) -> None:
    path.parent.write_text("a file where the folder should be")


def a_folder(path: Path) -> None:
    path.mkdir(parents=True)


def read_only(path: Path) -> None:
    async def make() -> None:
        async with opened(path) as ledger:
            await ledger.standing("ann", 0.1)

    run(make())
    path.parent.chmod(0o500)
    if os.access(path.parent, os.W_OK):
        path.parent.chmod(0o700)
        pytest.skip("to this user nothing is read-only")


@pytest.mark.parametrize("trouble", [in_the_way, a_folder, read_only])
def test_a_place_that_cannot_be_written(path: Path, trouble: Callable[[Path], None]) -> None:
    trouble(path)

    async def test() -> None:
        async with opened(path, DAY, busy_timeout_s=SHORT_S) as ledger:
            assert (await ledger.standing("ann", 0.1)).level is Level.HARD
            await unchecked(ledger, "a")
            ledger.configure(caps(turn_usd=0.5))
            await ledger.reserve(expense("b", 0.4))
            await ledger.settle("b", 0.2, is_estimate=False)
            with pytest.raises(OverBudget, match="TURN_BUDGET_USD"):
                await ledger.reserve(expense("c", 0.6))
        assert "could not be written to budget.sqlite: 1" in ledger.warnings[-1]

    run(test())


async def fill(path: Path) -> None:
    async with opened(path) as ledger:
        for number in range(100):
            await ledger.reserve(expense(f"old-{number}", 0.01))


@pytest.mark.parametrize(
    "harm",
    [
        pytest.param(lambda data: b"this is no database, and quite long enough" * 40, id="no-db"),
        pytest.param(lambda data: data[: len(data) // 2], id="half-of-it"),
        pytest.param(lambda data: data[:4096] + b"\xff" * (len(data) - 4096), id="pages-gone"),
        pytest.param(lambda data: data[:100] + b"\xff" * 3996 + data[4096:], id="schema-gone"),
    ],
)
def test_a_damaged_file_is_kept_aside_and_a_new_one_begun(
    path: Path, harm: Callable[[bytes], bytes]
) -> None:
    async def test() -> None:
        await fill(path)
        harmed = harm(path.read_bytes())
        path.write_bytes(harmed)
        async with opened(path, DAY) as ledger:
            assert (await ledger.standing("ann", 0.1)).level is Level.FREE
            await ledger.reserve(expense("new"))
            (warning,) = ledger.warnings
        (aside,) = path.parent.glob("budget.sqlite.damaged-20261120T110000Z")
        assert aside.read_bytes() == harmed
        assert aside.name in warning
        assert dict(sql(path, "SELECT call_id, amount_usd FROM expense")) == {"new": 0.1}

    run(test())


def test_damage_under_a_running_ledger_does_not_lose_its_own_calls(path: Path) -> None:
    async def test() -> None:
        async with opened(path, DAY) as ledger:
            await ledger.reserve(expense("a", 0.4))
            sql(path, "PRAGMA wal_checkpoint(TRUNCATE)")
            with path.open("r+b") as file:
                file.write(b"\xff" * path.stat().st_size)
            await ledger.settle("a", 0.3, is_estimate=False)
            await ledger.reserve(expense("b", 0.2))
            assert len(ledger.warnings) == 1
        assert today_usd(path) == pytest.approx(0.5)

    run(test())


def test_removing_the_file_begins_the_budget_anew(path: Path) -> None:
    async def test() -> None:
        async with opened(path, DAY) as ledger:
            await ledger.reserve(expense("a", 1.0))
            for file in list(path.parent.iterdir()):
                file.unlink()
            await ledger.reserve(expense("b", 1.0))
            assert ledger.warnings == ()
        assert today_usd(path) == pytest.approx(1.0)

    run(test())


def test_a_newer_file_is_left_alone(path: Path) -> None:
    async def test() -> None:
        await fill(path)
        sql(path, f"PRAGMA user_version = {SCHEMA.version + 1}")
        before = path.read_bytes()
        async with opened(path, DAY) as ledger:
            assert "schema" in await unchecked(ledger, "a")
            assert "schema" in (await ledger.standing("ann", 0.1)).note
            ledger.configure(NO_CAPS)
            await ledger.reserve(expense("b"))
        assert path.read_bytes() == before
        assert not list(path.parent.glob("*damaged*"))

    run(test())


def test_warnings_name_no_user(path: Path) -> None:
    async def test() -> None:
        async with opened(path, DAY, busy_timeout_s=SHORT_S) as ledger:
            await ledger.standing("ann", 0.1)
            with locked(path):
                await ledger.settle("a-secret-call", 0.1, is_estimate=False)
                with pytest.raises(OverBudget) as caught:
                    await ledger.reserve(expense("b", user_id="a-secret-user"))
        assert "secret" not in f"{ledger.warnings}{caught.value.sentence}"

    run(test())


def test_a_ledger_that_waits_for_a_lock_can_be_closed(path: Path) -> None:
    async def test() -> None:
        ledger = Ledger(path, DAY, tz=BERLIN, busy_timeout_s=0.3)
        await ledger.reserve(expense("a", 0.1))
        with locked(path):
            await ledger.settle("a", 0.2, is_estimate=False)
            ledger.close()
            assert "could not be written to budget.sqlite: 1" in ledger.warnings[-1]

    run(test())
    assert sql(path, "SELECT amount_usd FROM expense") == [(0.1,)]  # the estimate counts
