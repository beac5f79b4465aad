"""`hal doctor` on the circuit breakers: what another process left, told as what it is by now."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from hal.commands.checks import gateway
from hal.commands.checks.result import Check
from hal.commands.doctor import _PARTS
from hal.errors import ConnectionRefused, HalError, OverBudget, Timeout, Unauthorized
from hal.gateway.breaker import PROBE_S
from hal.gateway.breakers import STATE_KEY, BreakerRegistry, Snapshot
from hal.sessions.process import Life, ProcessMark, this_process
from hal.sessions.store import SessionStore
from hal.types import Target
from tests.commands.test_doctor import FAIL, OK, WARN, context, states
from tests.core.things import CLOUD, LOCAL, Clock

WALL_S = 1_800_000_000.0


class Server:
    """What a server's breakers publish; the clock and the wall are the same, some years apart."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.told = ""
        self.registry = BreakerRegistry(
            self.clock, lambda: WALL_S + self.clock.now, publish=self.tell
        )
        self.registry.start()

    def tell(self, text: str) -> None:
        self.told = text

    def fail(self, error: HalError, target: Target = LOCAL) -> None:
        self.registry.admit(target)
        self.registry.failed(target, error)

    def report(self, after_s: float = 0.0, life: Life = Life.ALIVE) -> list[Check]:
        snapshot = Snapshot.from_json(self.told)
        assert snapshot is not None
        return list(gateway.report(snapshot, life, WALL_S + self.clock.now + after_s))

    def line(self, after_s: float = 0.0) -> Check:
        (check,) = self.report(after_s)
        return check


def test_it_is_part_of_the_doctor() -> None:
    assert gateway in _PARTS


def test_nothing_asked_yet() -> None:
    check = Server().line()
    assert (check.status, check.detail) == (OK, "all closed: nothing was asked yet")


def test_closed() -> None:
    server = Server()
    server.registry.admit(LOCAL)
    assert (server.line().name, server.line().detail) == ("breaker local big:30b", "closed")
    server.fail(OverBudget("x"))
    assert server.line().detail == "closed"
    server.fail(Timeout("x"))
    assert server.line().status is OK
    assert server.line().detail == "closed, 1 failure: it did not answer in time"
    server.fail(Timeout("x"))
    assert server.line().detail == "closed, 2 failures in a row: it did not answer in time"


@pytest.mark.parametrize(
    ("after_s", "detail"),
    [
        (10.0, "failing for 10 s: {cause}; open, tried again in 20 s"),
        (30.0, "failing for 30 s: {cause}; half-open, the next turn tries it"),
        (7200.0, "failing for 2 h: {cause}; half-open, the next turn tries it"),
    ],
)
def test_open_and_older_than_its_cooldown(after_s: float, detail: str) -> None:
    server = Server()
    for _ in range(3):
        server.fail(Timeout("x"))
    check = server.line(after_s)
    cause = "it did not answer in time (3 failures in a row)"
    assert (check.status, check.detail) == (WARN, detail.format(cause=cause))
    assert check.remedy


@pytest.mark.parametrize(
    ("after_s", "ending"),
    [(1.0, "a turn is trying it now"), (PROBE_S + 1, "the next turn tries it")],
)
def test_half_open(after_s: float, ending: str) -> None:
    server = Server()
    server.fail(ConnectionRefused("x"))
    server.clock.now += 3
    server.registry.admit(LOCAL)
    check = server.line(after_s)
    assert check.status is WARN
    assert "nothing listened there (1 failure); half-open, " in check.detail
    assert check.detail.endswith(ending)
    assert "ollama serve" in check.remedy


def test_each_target_has_a_line() -> None:
    server = Server()
    server.fail(Unauthorized("x"), CLOUD)
    server.fail(ConnectionRefused("x"), replace(LOCAL, host="http://gpu1", place="gpu1:80"))
    server.registry.admit(LOCAL)
    found = states(server.report())
    assert found == {
        "breaker xAI grok-4.3": WARN,
        "breaker local big:30b on gpu1:80": WARN,
        "breaker local big:30b": OK,
    }


def test_of_a_server_that_has_ended() -> None:
    server = Server()
    server.fail(Unauthorized("x"), CLOUD)
    server.registry.admit(LOCAL)
    (check,) = server.report(3600.0, Life.DEAD)
    assert check.status is OK
    assert check.detail == (
        "the server has ended; the next one begins with all of them closed. "
        "When it last told (1 h ago), xAI grok-4.3 was open (it did not accept the key)."
    )


def test_of_a_server_that_ended_in_good_health() -> None:
    server = Server()
    server.registry.admit(LOCAL)
    (check,) = server.report(3600.0, Life.DEAD)
    assert check.detail == "the server has ended; the next one begins with all of them closed."


def test_of_a_server_that_cannot_be_seen() -> None:
    server = Server()
    server.fail(ConnectionRefused("x"))
    first, second = server.report(2.0, Life.UNKNOWN)
    assert "told 2 s ago, by a server that cannot be seen from here" in first.detail
    assert "; open, tried again in " in second.detail


# --- through the session log --------------------------------------------------------------------


def publish(folder: Path, process: str) -> None:
    """What a server does: each change of its breakers goes into the log."""
    store = SessionStore(folder / "sessions.sqlite", log_content=False, content_days=1)
    store.start()
    registry = BreakerRegistry(
        time.monotonic,
        time.time,
        publish=lambda text: store.put_state(STATE_KEY, text).result(10),
        process=process,
    )
    registry.start()
    registry.admit(CLOUD)
    registry.failed(CLOUD, Unauthorized("x"))
    store.close()


def ended_process() -> str:
    """The mark of a process of this machine that has ended."""
    here = this_process()
    command = [sys.executable, "-c", "import os; print(os.getpid())"]
    pid = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return str(ProcessMark(here.boot, here.namespace, int(pid), here.start))


@pytest.mark.skipif(not this_process().start, reason="this system does not tell processes apart")
@pytest.mark.parametrize(("alive", "status"), [(True, WARN), (False, OK)])
def test_from_one_process_to_another(alive: bool, status: object, tmp_path: Path) -> None:
    publish(tmp_path, str(this_process()) if alive else ended_process())
    (check,) = gateway.checks(context(tmp_path))
    assert check.status is status
    assert ("tried again in 1 h" in check.detail) is alive
    assert "it did not accept the key" in check.detail


def test_no_server_yet(tmp_path: Path) -> None:
    (check,) = gateway.checks(context(tmp_path))
    assert (check.status, check.detail) == (OK, "no server has run on this data folder yet")


def test_a_state_that_cannot_be_read(tmp_path: Path) -> None:
    store = SessionStore(tmp_path / "sessions.sqlite", log_content=False, content_days=1)
    store.start()
    store.put_state(STATE_KEY, '{"version": 99}').result(10)
    store.close()
    assert states(list(gateway.checks(context(tmp_path)))) == {"breakers": WARN}


def test_a_log_that_cannot_be_read_is_no_crash(tmp_path: Path) -> None:
    (tmp_path / "sessions.sqlite").write_bytes(b"this is not a database at all" * 40)
    found = states(list(gateway.checks(context(tmp_path))))
    assert found == {"breakers": WARN}
    assert FAIL not in found.values()  # the check of the log itself says so
