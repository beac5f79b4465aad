"""The vector of a question, within a deadline, and in words why there is none.

Knows no model's protocol and no file. The one who waits goes on without a vector when it is slow;
the embedding itself goes on, so that a model that had to be loaded first is there for the next.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence

from ..errors import HalError, ModelMissing
from .cache_vectors import NoVector, packed

_log = logging.getLogger("hal.cache")

Embed = Callable[[Sequence[str]], Awaitable[Sequence[Sequence[float]]]]
"""One vector for each text, in order; raises HalError."""

# all-minilm takes 5 to 30 ms on a CPU once it is loaded, and a local answer's first token 500 ms or
# more: who waits longer than this for a hit that may not come notices it.
DEADLINE_S = 0.3
# Loading it from a cold disk takes seconds; a server that takes longer than this will not answer.
LIMIT_S = 30.0
# After a failure nobody waits for a while: a turn must not pay the deadline again and again.
PAUSE_S = 10.0
# Those that turns are waiting for or will keep an answer with; 64 vectors are 100 kB.
QUESTIONS_MAX = 64


class QuestionVectors:
    """Lives on one event loop. `warning` says why there are no vectors, in words for the user, and
    begins with what is done `without` them."""

    def __init__(
        self,
        embed: Embed,
        model: str,
        deadline_s: float = DEADLINE_S,
        without: str = "The answer cache finds exact repetitions only",
    ) -> None:
        self.warning: str | None = None
        self._without = without
        self._embed, self._model, self._deadline_s = embed, model, deadline_s
        self._tasks: OrderedDict[str, asyncio.Task[bytes | None]] = OrderedDict()
        self._paused_until_s = 0.0

    async def get(self, question: str) -> bytes | None:
        """The packed vector, or None: not in time, or not at all."""
        task = self._tasks.get(question) or self._begun(question)
        if task is None:
            return None
        if not task.done():
            await asyncio.wait({task}, timeout=self._deadline_s)
        if not task.done():
            self._pause()
            return None
        return None if task.cancelled() else task.result()

    def close(self) -> None:
        """End what is still being asked."""
        for task in self._tasks.values():
            task.cancel()
        self._tasks.clear()

    def _begun(self, question: str) -> asyncio.Task[bytes | None] | None:
        loop = asyncio.get_running_loop()
        if loop.time() < self._paused_until_s:
            return None
        task = loop.create_task(self._ask(question))
        self._tasks[question] = task
        if len(self._tasks) > QUESTIONS_MAX:
            self._tasks.popitem(last=False)[1].cancel()
        return task

    async def _ask(self, question: str) -> bytes | None:
        try:
            async with asyncio.timeout(LIMIT_S):
                (vector,) = await self._embed([question])
            found = packed(vector)
        except HalError as error:
            self._failed(question, error.sentence, lasting=isinstance(error, ModelMissing))
        except (NoVector, ValueError, TypeError):
            self._failed(question, f"{self._model} sent no vector.", lasting=True)
        except TimeoutError:
            self._failed(question, f"{self._model} did not answer within {LIMIT_S:.0f} s.")
        else:
            self.warning = None
            return found
        return None

    def _failed(self, question: str, why: str, *, lasting: bool = False) -> None:
        """Only what somebody has to mend is said, and once: the rest is a miss like any other."""
        self._tasks.pop(question, None)
        self._pause()
        if lasting and self.warning is None:
            self.warning = f"{self._without}: {why}"
            _log.warning("%s", self.warning)

    def _pause(self) -> None:
        self._paused_until_s = asyncio.get_running_loop().time() + PAUSE_S
