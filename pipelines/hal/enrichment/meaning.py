"""How near passages are to a question by their meaning, by a local embedding model.

Knows no model's protocol. Never raises and never holds up a turn for longer than its deadline:
without it passages are compared by their words alone, and a word of ours says why.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from ..errors import HalError
from ..gateway.cache_embedding import LIMIT_S, Embed
from ..gateway.cache_vectors import NoVector, cosine, packed

# all-minilm takes 5 to 30 ms for a text on a CPU, and there are up to sixty; who waits for sources
# has waited for seconds already.
DEADLINE_S = 1.5

USED = "used"


class PassageMeaning:
    """Lives on one event loop. One call at a time: one that is late loads the model for the next
    turn, which must not wait in line behind it."""

    def __init__(self, embed: Embed, deadline_s: float = DEADLINE_S) -> None:
        self._embed, self._deadline_s = embed, deadline_s
        self._task: asyncio.Task[Mapping[str, float]] | None = None

    async def nearness(
        self, question: str, texts: Sequence[str], within_s: float
    ) -> tuple[Mapping[str, float], str]:
        """The cosine of each text with the question, -1 to 1, and "used"; or nothing, and why:
        "timeout", "busy", "no_vector", "internal" or the code of an error."""
        if not texts:
            return {}, USED
        if self._task is not None and not self._task.done():
            return {}, "busy"
        task = self._task = asyncio.create_task(self._compare(question, texts))
        try:
            await asyncio.wait({task}, timeout=min(within_s, self._deadline_s))
        except asyncio.CancelledError:  # Stop is for this work, too
            task.cancel()
            raise
        if task.done():
            return _result(task)
        task.add_done_callback(_seen)
        return {}, "timeout"

    def close(self) -> None:
        """End what is still being asked."""
        if self._task is not None:
            self._task.cancel()

    async def _compare(self, question: str, texts: Sequence[str]) -> Mapping[str, float]:
        async with asyncio.timeout(LIMIT_S):
            vectors = await self._embed([question, *texts])
        # 384 numbers each: 60 cosines take about a millisecond.
        first, *others = [packed(vector) for vector in vectors]
        if len(others) != len(texts) or any(len(other) != len(first) for other in others):
            raise NoVector("not one vector for each text, all of one length")
        return {text: cosine(first, other) for text, other in zip(texts, others, strict=True)}


def _result(task: asyncio.Task[Mapping[str, float]]) -> tuple[Mapping[str, float], str]:
    if task.cancelled():
        return {}, "busy"
    error = task.exception()
    if error is None:
        return task.result(), USED
    if isinstance(error, HalError):
        return {}, error.code
    is_vector = isinstance(error, ValueError | TypeError)  # NoVector is one of the first
    return {}, "no_vector" if is_vector else "internal"


def _seen(task: asyncio.Task[Mapping[str, float]]) -> None:
    """What went wrong after nobody waited any more is of no use to anybody."""
    if not task.cancelled():
        task.exception()
