"""The watchdog times out, and gets out of the way of every other way to end."""

from __future__ import annotations

import asyncio

import pytest

from hal.watchdog import Watchdog
from tests.core.things import run


def now() -> float:
    return asyncio.get_running_loop().time()


def test_a_wait_that_is_too_long() -> None:
    async def work() -> float:
        watchdog, began = Watchdog(), now()
        with pytest.raises(TimeoutError), watchdog.until(now() + 0.05):
            await asyncio.sleep(5)
        task = asyncio.current_task()
        assert task is not None
        assert task.cancelling() == 0
        return now() - began

    assert 0.05 <= run(work()) < 1


def test_many_short_waits_take_one_timer() -> None:
    async def work() -> None:
        watchdog = Watchdog()
        armed = []
        real = watchdog._loop.call_at
        watchdog._loop.call_at = lambda *a: armed.append(a) or real(*a)  # type: ignore[method-assign,func-returns-value]
        try:
            due = now() + 60
            for _ in range(100):
                with watchdog.until(due):
                    await asyncio.sleep(0)
        finally:
            del watchdog._loop.call_at
        assert len(armed) == 1
        watchdog.close()

    # asyncio's own loop: uvloop's methods cannot be replaced.
    run(work())


def test_a_due_time_that_moves_on() -> None:
    async def work() -> None:
        watchdog = Watchdog()
        for _ in range(6):
            with watchdog.until(now() + 0.1):
                await asyncio.sleep(0.03)
        with pytest.raises(TimeoutError), watchdog.until(now() + 0.1):
            await asyncio.sleep(5)

    run(work())


def test_a_due_time_that_comes_nearer() -> None:
    async def work() -> None:
        watchdog = Watchdog()
        with watchdog.until(now() + 60):
            await asyncio.sleep(0)
        with pytest.raises(TimeoutError), watchdog.until(now() + 0.02):
            await asyncio.sleep(5)

    run(work())


def test_it_does_not_fire_while_nobody_waits_and_works_afterwards() -> None:
    async def work() -> None:
        watchdog = Watchdog()
        with watchdog.until(now() + 0.02):
            pass
        await asyncio.sleep(0.05)
        with pytest.raises(TimeoutError), watchdog.until(now() + 0.02):
            await asyncio.sleep(5)
        with pytest.raises(TimeoutError), watchdog.until(now() - 1):
            await asyncio.sleep(5)

    run(work())


def test_a_cancellation_from_outside_is_one() -> None:
    async def wait() -> None:
        with Watchdog().until(now() + 60):
            await asyncio.sleep(60)

    async def work() -> None:
        task = asyncio.create_task(wait())
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(work())


def test_both_at_once_is_a_cancellation() -> None:
    async def wait(begun: asyncio.Event) -> None:
        with Watchdog().until(now()):
            begun.set()
            await asyncio.sleep(60)

    async def work() -> None:
        begun = asyncio.Event()
        task = asyncio.create_task(wait(begun))
        await begun.wait()
        task.cancel()
        with pytest.raises((asyncio.CancelledError, TimeoutError)):
            await task
        assert task.done()

    run(work())


def test_another_error_passes() -> None:
    async def work() -> None:
        with pytest.raises(LookupError), Watchdog().until(now() + 1):
            raise LookupError

    run(work())
