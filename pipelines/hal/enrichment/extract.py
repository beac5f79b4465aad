"""The extractor as the server sees it: documents go to processes of their own, text comes back.

Knows processes and time limits, and nothing of HTML: none of the parsers is imported here. A
document that takes too long, or too much memory, costs its process, not the turn.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from .bodies import MAX_TEXT_CHARS, MAX_TITLE_CHARS, Document, Extracted
from .worker_process import WorkerProcess

logger = logging.getLogger("hal.enrichment")

# An ordinary page takes 40 ms, the slowest of 181 real ones half a second.
LIMIT_S = 2.0
# To import the parsers takes 1 s, on a busy machine a few.
START_LIMIT_S = 15.0
# One that a bad page holds for two seconds, and one for all others.
PROCESSES = 2
# A machine without trafilatura has none in a second either.
RETRY_START_S = 60.0
_ISO_DATE_CHARS = 10
_WORD_CHARS = 40

T = TypeVar("T")


class Extractor:
    """Up to two processes, started when they are needed, replaced when they die.

    One per runtime. `problem` is a sentence for the user while no process can be started.
    `starts` counts those that were.
    """

    def __init__(
        self,
        *,
        limit_s: float = LIMIT_S,
        start_limit_s: float = START_LIMIT_S,
        processes: int = PROCESSES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.problem = ""
        self.starts = 0
        self._limit_s = limit_s
        self._start_limit_s = start_limit_s
        self._clock = clock
        self._failed_at = float("-inf")
        self._slots = asyncio.Semaphore(processes)
        self._idle: list[WorkerProcess] = []
        self._busy: set[WorkerProcess] = set()
        self._jobs: set[asyncio.Task[Extracted]] = set()
        self._threads = ThreadPoolExecutor(processes, thread_name_prefix="hal-extract")
        self._is_closed = False

    @property
    def processes(self) -> tuple[WorkerProcess, ...]:
        """Those that run."""
        return (*self._idle, *self._busy)

    def warm(self) -> None:
        """Have a process started while the pages are still on their way. Returns at once."""
        if not self._idle and not self._jobs and not self._is_closed:
            self._begin(None, "")

    async def extract(self, document: Document, url: str) -> Extracted:
        """What this document says. Never raises but on cancellation.

        A caller that goes away leaves the document to its time limit: the process is worth more.
        """
        return await asyncio.shield(self._begin(document, url))

    async def close(self) -> None:
        """End all processes; what is being read comes to nothing."""
        self._is_closed = True
        for process in self.processes:
            process.kill()
        await asyncio.gather(*self._jobs, return_exceptions=True)
        for process in self._idle:
            process.close()
        self._idle.clear()
        self._threads.shutdown(wait=True)

    def _begin(self, document: Document | None, url: str) -> asyncio.Task[Extracted]:
        job = asyncio.get_running_loop().create_task(self._run(document, url))
        self._jobs.add(job)
        job.add_done_callback(self._jobs.discard)
        return job

    async def _run(self, document: Document | None, url: str) -> Extracted:
        """`document` None: only have a process ready."""
        async with self._slots:
            process = await self._ready()
            if process is None:
                return Extracted(reason="extractor")
            try:
                return Extracted() if document is None else await self._ask(process, document, url)
            finally:
                self._put_back(process)

    async def _ask(self, process: WorkerProcess, document: Document, url: str) -> Extracted:
        order = {"kind": document.kind, "charset": document.charset, "url": url}
        reply = await self._within(
            self._limit_s, process, lambda: process.ask(order, document.data)
        )
        if reply is None:
            return Extracted(reason="parser_timeout")
        if "text" not in reply:
            process.kill()  # it is dead or talks nonsense
            return Extracted(reason="parser_died")
        if reply.get("is_last"):
            process.kill()
        return _extracted(reply, document)

    async def _ready(self) -> WorkerProcess | None:
        """An idle process that lives, or a new one; None when there is none to be had."""
        while self._idle:
            process = self._idle.pop()
            if process.is_alive:
                self._busy.add(process)
                return process
            process.close()
        if self._is_closed or self._clock() - self._failed_at < RETRY_START_S:
            return None
        return await self._start()

    async def _start(self) -> WorkerProcess | None:
        self.starts += 1
        try:
            process = WorkerProcess()
        except OSError as error:
            self._failed(str(error))
            return None
        self._busy.add(process)
        greeting = await self._within(self._start_limit_s, process, process.greeting)
        if greeting is not None and greeting.get("ready"):
            self.problem = ""
            return process
        process.kill()
        self._put_back(process)
        why = "it took too long to start" if greeting is None else "it ended at once"
        self._failed(str((greeting or {}).get("error") or why)[:200])
        return None

    def _failed(self, why: str) -> None:
        if not self._is_closed:
            self._failed_at = self._clock()
            self.problem = (
                f"Web pages cannot be read, only the search engine's excerpts: {why}. Run "
                "`pip install 'trafilatura>=2.3.1' lxml_html_clean` where hal-auto runs."
            )
            logger.warning("%s", self.problem)

    def _put_back(self, process: WorkerProcess) -> None:
        self._busy.discard(process)
        if process.is_alive and not self._is_closed:
            self._idle.append(process)
        else:
            process.close()

    async def _within(
        self, limit_s: float, process: WorkerProcess, ask: Callable[[], T]
    ) -> T | None:
        """The reply; None when it took too long, and then the process is dead."""
        work = asyncio.get_running_loop().run_in_executor(self._threads, ask)
        try:
            async with asyncio.timeout(limit_s):
                return await asyncio.shield(work)
        except TimeoutError:
            process.kill()
            await work  # the thread sees the end of its pipe now
            return None
        except asyncio.CancelledError:  # the loop ends; half a reply must not be the next one's
            process.kill()
            raise


def _extracted(reply: dict[str, Any], document: Document) -> Extracted:
    """The reply in its shape, whatever a process in a hostile page's hands has made of it."""

    def words(name: str, limit: int) -> str:
        value = reply.get(name)
        return value[:limit] if isinstance(value, str) else ""

    return Extracted(
        words("text", MAX_TEXT_CHARS),
        words("title", MAX_TITLE_CHARS),
        words("date", _ISO_DATE_CHARS),
        words("reason", _WORD_CHARS),
        bool(reply.get("is_cut")) or document.is_cut,
    )
