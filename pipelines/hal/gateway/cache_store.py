"""The answer cache: what the gateway asks before it calls a model, and tells afterwards.

Never raises and never holds up a turn: trouble, of whatever kind, is a miss. Puts the pure rules
(`cache`, `cache_guard`), the vectors and the file together, and keeps what blocks off the loop.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from ..errors import HalError
from ..settings import CacheSettings
from ..types import Plan, Turn
from .cache import EXACT, SEMANTIC, Keys, is_regeneration, keys, may_be_kept, obstacle, user_key
from .cache_embedding import Embed, QuestionVectors
from .cache_file import CacheFile, Kept, Limits
from .cache_guard import difference
from .cache_vectors import cosine, nearest, sketch
from .ports import CachedAnswer

_log = logging.getLogger("hal.cache")

T = TypeVar("T")

# A local disk answers in a millisecond. A turn goes on without one that does not.
WAIT_S = 0.25
# Jobs behind a disk that hangs; more are misses at once.
BACKLOG_MAX = 64
# Sketches are blunt: of so many nearest ones the true cosine is computed, 1 ms in all.
CANDIDATES = 64
# Expired text is overwritten within the hour; until then it is only not given any more.
CARE_EVERY_S = 3600.0
# Who has something erased waits for it, also while another process writes.
ERASE_S = 5.0

_TROUBLE = (sqlite3.Error, OSError, HalError, ValueError, OverflowError)


@dataclass(frozen=True, slots=True)
class _Hit:
    kept: Kept
    kind: str
    similarity: float


class StoredAnswers:
    """An AnswerCache over a file. One per runtime; every method belongs to its event loop.

    Off: finds and keeps nothing, and lets what an earlier setting has kept grow old and go.
    """

    def __init__(
        self,
        path: Path,
        settings: CacheSettings,
        embed: Embed | None = None,
        *,
        limits: Limits | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._clock = clock
        self._file = CacheFile(path, clock, limits)
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="hal-cache")
        self._backlog = 0
        self._care_at_s = 0.0
        self._is_in_trouble = False
        self._is_closed = False
        self._vectors: QuestionVectors | None = None
        self.configure(settings, embed)

    def configure(
        self, settings: CacheSettings, embed: Embed | None = None, *, generation: str = ""
    ) -> None:
        """From the next turn on. `embed` asks `settings.embedding_model`; without it exact only.

        `generation` names what else shapes an answer, such as the think level: answers that were
        made under another one are not found.
        """
        if self._vectors is not None:
            self._vectors.close()
        self._settings, self._generation = settings, generation
        self._vectors = None
        if settings.mode == SEMANTIC and embed is not None:
            self._vectors = QuestionVectors(embed, settings.embedding_model)

    @property
    def is_on(self) -> bool:
        return self._settings.mode in (EXACT, SEMANTIC)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What somebody has to mend, in sentences."""
        warning = self._vectors.warning if self._vectors else None
        return (warning,) if warning else ()

    async def find(self, turn: Turn, plan: Plan) -> CachedAnswer | None:
        self._care()
        wanted = self._keys(turn, plan)
        if wanted is None or await self._run(partial(self._is_anew, wanted), True):
            return None
        hit = await self._run(partial(self._exact, wanted), None) or await self._similar(wanted)
        if hit is None:
            return None
        self._begin(partial(self._file.used, wanted, hit.kept.id), None)
        return self._given(hit)

    async def keep(self, turn: Turn, plan: Plan, answer: CachedAnswer) -> None:
        wanted = self._keys(turn, plan)
        if wanted is None or not may_be_kept(plan, answer):
            return
        vector = await self._vector(wanted)
        await self._run(partial(self._file.keep, wanted, answer, vector), None)

    async def forget(self, user_id: str | None) -> bool:
        """Overwrite all that is kept of a user; None: of those whom nobody named. True: done."""
        return await self._run(partial(_done, self._file.forget, user_key(user_id)), False, ERASE_S)

    async def clear(self) -> bool:
        """Remove the file. True: done."""
        return await self._run(partial(_done, self._file.clear), False, ERASE_S)

    async def close(self) -> None:
        """Let go of the file; from then on everything is a miss."""
        if self._is_closed:
            return
        if self._vectors is not None:
            self._vectors.close()
        await self._run(self._file.close, None)
        self._is_closed = True
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _keys(self, turn: Turn, plan: Plan) -> Keys | None:
        if not self.is_on or obstacle(turn, plan):
            return None
        model = self._settings.embedding_model
        return keys(turn, plan, embedding_model=model, generation=self._generation)

    @property
    def _oldest_s(self) -> float:
        return self._clock() - self._settings.hours * 3600

    async def _vector(self, wanted: Keys) -> bytes | None:
        if wanted.scope is None or self._vectors is None:
            return None
        return await self._vectors.get(wanted.question)

    async def _similar(self, wanted: Keys) -> _Hit | None:
        vector = await self._vector(wanted)
        if vector is None or wanted.scope is None:
            return None
        return await self._run(partial(self._nearest, wanted, wanted.scope, vector), None)

    def _is_anew(self, wanted: Keys) -> bool:
        """Whether the user asks for another answer to the same message."""
        asked = self._file.last_message(wanted.origin) if wanted.origin else None
        return asked is not None and is_regeneration(wanted, asked[0])

    def _exact(self, wanted: Keys) -> _Hit | None:
        """The answer to these very words."""
        kept = self._file.exact(wanted.exact, self._oldest_s)
        return _Hit(kept, EXACT, 1.0) if kept else None

    def _nearest(self, wanted: Keys, scope: bytes, vector: bytes) -> _Hit | None:
        """The answer to the most similar question that asks for the same."""
        near = nearest(sketch(vector), self._file.sketches(scope, self._oldest_s), CANDIDATES)
        scored = [(cosine(vector, one.vector), one) for one in self._file.candidates(near)]
        for similarity, one in sorted(scored, key=lambda pair: -pair[0]):
            if similarity < self._settings.similarity:
                return None
            if difference(wanted.question, one.question) is None:
                kept = self._file.by_id(one.id, self._oldest_s)
                return _Hit(kept, SEMANTIC, min(1.0, similarity)) if kept else None
        return None

    def _given(self, hit: _Hit) -> CachedAnswer:
        return CachedAnswer(
            kind=hit.kind,
            text=hit.kept.text,
            thinking=hit.kept.thinking,
            provider=hit.kept.provider,
            model=hit.kept.model,
            finish="stop",  # nothing else is kept
            similarity=hit.similarity,
            # Above zero on the coarsest clock, too: it says that the answer is not new.
            age_s=max(0.001, self._clock() - hit.kept.made_at),
        )

    def _care(self) -> None:
        now_s = asyncio.get_running_loop().time()
        if now_s >= self._care_at_s:
            self._care_at_s = now_s + CARE_EVERY_S
            self._begin(partial(self._file.expire, self._oldest_s), None)

    async def _run(self, work: Callable[[], T], otherwise: T, wait_s: float = WAIT_S) -> T:
        """What the work comes to; `otherwise` when it fails, or takes too long."""
        future = self._begin(work, otherwise)
        if future is None:
            return otherwise
        await asyncio.wait({future}, timeout=wait_s)
        return future.result() if future.done() and not future.cancelled() else otherwise

    def _begin(self, work: Callable[[], T], otherwise: T) -> asyncio.Future[T] | None:
        """Do it in the thread, after what was begun before; None when it hangs or is closed."""
        if self._is_closed or self._backlog >= BACKLOG_MAX:
            return None
        loop = asyncio.get_running_loop()
        future = loop.run_in_executor(self._executor, self._attempt, work, otherwise)
        self._backlog += 1
        future.add_done_callback(self._ended)
        return future

    def _ended(self, _future: asyncio.Future[T]) -> None:
        self._backlog -= 1

    def _attempt(self, work: Callable[[], T], otherwise: T) -> T:
        try:
            result = work()
        except _TROUBLE as error:
            if not self._is_in_trouble:  # once per outage, not once per turn
                said = type(error).__name__ if isinstance(error, ValueError) else error
                _log.warning("the answer cache cannot be used: %s", said)
            self._is_in_trouble = True
            return otherwise
        self._is_in_trouble = False
        return result


def _done(erase: Callable[..., None], *values: bytes) -> bool:
    erase(*values)
    return True
