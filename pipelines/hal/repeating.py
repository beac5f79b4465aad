"""Does the same thing again and again on the running loop, until it is told to stop.

Knows neither what it does nor for whom; starts no task and no thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Repeating:
    """Calls `action` every `every_s` seconds from its making on; made and stopped on the loop."""

    def __init__(self, every_s: float, action: Callable[[], object]) -> None:
        self._every_s, self._action = every_s, action
        self._loop = asyncio.get_running_loop()
        self._next = self._loop.call_later(every_s, self._run)

    def _run(self) -> None:
        # First: an action that raises must not be the last one.
        self._next = self._loop.call_later(self._every_s, self._run)
        self._action()

    def stop(self) -> None:
        """Do it no more; a second call does nothing."""
        self._next.cancel()
