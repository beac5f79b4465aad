"""Pieces that are written straight to the connection, against the same pieces when pulled."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from hal.asgi import Event
from hal.outlets import Direct, Handover, Piece, Pulled, Source
from tests.core.things import run

SOON_S = 5.0
PIECES = [
    Piece("data: 1", 1),
    Piece("data: 2\n\ndata: é", 2),
    Piece("data: \N{GRINNING FACE}", 3),
    Piece("data: no text"),
]


class Connection:
    """What the server's `send` writes; `gate` closed: the client reads nothing."""

    def __init__(self) -> None:
        self.got: list[Event] = []
        self.gate = asyncio.Event()
        self.gate.set()

    @property
    def body(self) -> bytes:
        return b"".join(event["body"] for event in self.got)

    async def send(self, event: Event) -> None:
        await self.gate.wait()
        self.got.append(event)


class Turn:
    """The source of one outlet, and what became of it."""

    def __init__(self) -> None:
        self.alive, self.cancelled = True, 0
        self.source = Source(lambda: self.alive, self._cancel, "data: it died")

    def _cancel(self) -> None:
        self.cancelled += 1


def from_a_thread(work: Callable[[], None]) -> Coroutine[Any, Any, None]:
    return asyncio.to_thread(work)


def pulled(pieces: list[Piece]) -> bytes:
    """The bytes that the server makes of what it pulls: every item and a blank line."""
    outlet = Pulled()
    for piece in pieces:
        outlet.put(piece)
    outlet.end()
    return "".join(f"{item}\n\n" for item in outlet.pieces(Turn().source)).encode()


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(SOON_S):
        while not condition():
            await asyncio.sleep(0.001)


def new(look_s: float = SOON_S) -> Direct:
    return Direct(Handover(asyncio.get_running_loop()), look_s)


@pytest.mark.parametrize("pause_s", [0.0, 0.005], ids=["at once", "one by one"])
def test_the_same_bytes_as_when_pulled(pause_s: float) -> None:
    async def work() -> tuple[bytes, bool, int, int]:
        outlet, connection, turn = new(), Connection(), Turn()

        def produce() -> None:
            for piece in PIECES:
                outlet.put(piece)
                if pause_s:
                    threading.Event().wait(pause_s)
            outlet.end()

        await asyncio.gather(outlet.write(turn.source, connection.send), from_a_thread(produce))
        all_go_on = all(event["more_body"] for event in connection.got)
        return connection.body, all_go_on, outlet.chars, turn.cancelled

    assert run(work()) == (pulled(PIECES), True, 6, 1)


def test_what_waits_at_the_beginning_is_written_and_an_empty_turn_writes_nothing() -> None:
    async def work() -> list[bytes]:
        bodies = []
        for pieces in (PIECES, []):
            outlet, connection = new(), Connection()
            for piece in pieces:
                outlet.put(piece)
            outlet.end()
            await outlet.write(Turn().source, connection.send)
            bodies.append(connection.body)
        return bodies

    assert run(work()) == [pulled(PIECES), b""]


def test_a_slow_reader_gets_all_in_fewer_writes() -> None:
    async def work() -> tuple[int, bytes, bool]:
        outlet, connection, turn = new(), Connection(), Turn()
        writing = asyncio.create_task(outlet.write(turn.source, connection.send))
        connection.gate.clear()
        outlet.put(PIECES[0])
        await asyncio.sleep(0.02)  # this one is on its way, and the next ones wait behind it
        for piece in PIECES[1:]:
            outlet.put(piece)
        await asyncio.sleep(0.02)
        stalled = outlet.stalled_s() >= 0.01 and outlet.chars == 0
        outlet.end()
        connection.gate.set()
        await writing
        return len(connection.got), connection.body, stalled

    assert run(work()) == (2, pulled(PIECES), True)


def test_nothing_stalls_while_nothing_waits() -> None:
    async def work() -> float:
        outlet, connection = new(), Connection()
        writing = asyncio.create_task(outlet.write(Turn().source, connection.send))
        await asyncio.sleep(0.05)
        outlet.put(PIECES[0])
        just_put = outlet.stalled_s()
        outlet.end()
        await writing
        return just_put

    assert run(work()) < 0.04


@pytest.mark.parametrize("blocked", [False, True], ids=["while waiting", "in a blocked write"])
def test_after_the_client_has_left_nothing_is_written_or_counted(blocked: bool) -> None:
    async def work() -> tuple[int, int, int]:
        outlet, connection, turn = new(), Connection(), Turn()
        writing = asyncio.create_task(outlet.write(turn.source, connection.send))
        outlet.put(PIECES[0])
        await until(lambda: connection.got)
        if blocked:
            connection.gate.clear()
            outlet.put(PIECES[1])
            await asyncio.sleep(0.01)
        outlet.close()
        connection.gate.set()
        outlet.put(PIECES[2])
        await asyncio.wait_for(writing, SOON_S)
        return len(connection.got), outlet.chars, turn.cancelled

    # A lost connection takes what was on its way: sent, but not delivered.
    assert run(work()) == (2 if blocked else 1, 1, 1)


def test_a_server_that_gives_up_cancels_the_turn() -> None:
    async def work() -> int:
        outlet, turn = new(), Turn()
        writing = asyncio.create_task(outlet.write(turn.source, Connection().send))
        await asyncio.sleep(0.01)
        writing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writing
        return turn.cancelled

    assert run(work()) == 1


def test_a_send_that_fails_cancels_the_turn() -> None:
    async def work() -> int:
        async def send(event: Event) -> None:
            raise OSError("gone")

        outlet, turn = new(), Turn()
        outlet.put(PIECES[0])
        with pytest.raises(OSError, match="gone"):
            await outlet.write(turn.source, send)
        return turn.cancelled

    assert run(work()) == 1


def test_a_loop_that_has_died_is_said_once() -> None:
    async def work() -> bytes:
        outlet, connection, turn = new(look_s=0.01), Connection(), Turn()
        writing = asyncio.create_task(outlet.write(turn.source, connection.send))
        await asyncio.sleep(0.05)  # some looks at a loop that lives
        assert not connection.got
        turn.alive = False
        await asyncio.wait_for(writing, SOON_S)
        return connection.body

    assert run(work()) == b"data: it died\n\n"


def test_many_handovers_share_a_wake_up() -> None:
    async def work() -> tuple[int, list[int]]:
        wake_ups, seen = 0, list[int]()
        loop = asyncio.get_running_loop()

        class Counting:
            def call_soon_threadsafe(self, callback: Callable[[], None]) -> None:
                nonlocal wake_ups
                wake_ups += 1
                loop.call_soon_threadsafe(callback)

        handover = Handover(Counting())  # type: ignore[arg-type]
        for number in range(100):
            handover.call(lambda n=number: seen.append(n))  # type: ignore[misc]
        await until(lambda: len(seen) == 100)
        return wake_ups, seen

    assert run(work()) == (1, list(range(100)))


def test_no_handover_is_lost_between_threads() -> None:
    async def work() -> int:
        handover, seen = Handover(asyncio.get_running_loop()), list[int]()

        def produce() -> None:
            for number in range(3000):
                handover.call(lambda n=number: seen.append(n))  # type: ignore[misc]

        await asyncio.gather(*(from_a_thread(produce) for _ in range(4)))
        await until(lambda: len(seen) == 12000)
        return len(seen)

    assert run(work()) == 12000


@pytest.fixture
def closed_loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    loop.close()
    return loop


def test_a_server_that_has_ended_is_no_error(closed_loop: asyncio.AbstractEventLoop) -> None:
    outlet = Direct(Handover(closed_loop))
    outlet.put(PIECES[0])
    outlet.end()
