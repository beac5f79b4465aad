"""Something that is done again and again on the loop."""

from __future__ import annotations

import asyncio

from hal.repeating import Repeating
from tests.core.things import run


def test_it_goes_on_until_it_is_stopped() -> None:
    async def work() -> int:
        calls, third = [0], asyncio.Event()

        def count() -> None:
            calls[0] += 1
            if calls[0] == 3:
                third.set()

        repeating = Repeating(0.001, count)
        await third.wait()
        repeating.stop()
        repeating.stop()
        await asyncio.sleep(0.02)
        return calls[0]

    assert run(work()) == 3


def test_an_error_is_not_the_end_of_it() -> None:
    async def work() -> int:
        errors, third = [0], asyncio.Event()

        def fail() -> None:
            raise KeyError

        def note(_loop: asyncio.AbstractEventLoop, _context: dict[str, object]) -> None:
            errors[0] += 1
            if errors[0] == 3:
                third.set()

        asyncio.get_running_loop().set_exception_handler(note)
        repeating = Repeating(0.001, fail)
        await third.wait()
        repeating.stop()
        return errors[0]

    assert run(work()) == 3
