"""Reads the pages of one turn, all at once, and stops waiting when enough of them are there.

Knows only that pages are read by somebody, and when to go on; nothing of HTTP. Keeps what was
read for a while, in memory only: a page that was fetched without cookies is the same for everyone.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

from ..gateway.ports import Call
from .types import Page
from .urls import canonical_url

logger = logging.getLogger("hal.enrichment")

# Four pages answer nearly every question; the rest are for when one of them is empty.
WANT = 4
# So long a better page may still overtake a worse one. With 0.8 s to rewrite the question and 1 s
# to search, the model then begins after about 4 s.
PATIENCE_S = 1.8
# What a person who waits for an answer is asked to wait for reading.
DEADLINE_S = 8.0
# Less is a cookie notice; the search engine's excerpt says more.
GOOD_CHARS = 200
# A question and its follow-ups; news older than this is asked for again.
KEPT_S = 1800.0
# Some 6,000 pages of the usual length.
KEPT_BYTES = 64_000_000


class Reader(Protocol):
    """Whoever reads one page. Never raises but on cancellation."""

    async def read(self, url: str, call: Call) -> Page: ...


class PageCache:
    """The pages that were read last, up to a size and an age; the longest unused one goes first.

    `clock`: seconds that only grow.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        *,
        kept_s: float = KEPT_S,
        kept_bytes: int = KEPT_BYTES,
    ) -> None:
        self._clock = clock
        self._kept_s = kept_s
        self._kept_bytes = kept_bytes
        self._pages: OrderedDict[str, tuple[Page, float]] = OrderedDict()
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._pages)

    def find(self, url: str) -> Page | None:
        """The page as it was read, under whatever spelling of its address; None if too old."""
        key = canonical_url(url)
        page, kept_at = self._pages.get(key, (None, 0.0))
        if page is None:
            return None
        if self._clock() - kept_at > self._kept_s:
            self._drop(key)
            return None
        self._pages.move_to_end(key)
        return replace(page, asked_url=url, took_ms=0.0, wire_bytes=0)

    def keep(self, page: Page) -> None:
        """Remember a page that was read well; others are worth another try."""
        key = canonical_url(page.asked_url)
        if not key or not is_good(page) or _size(page) > self._kept_bytes:
            return
        if key in self._pages:
            self._drop(key)
        self._pages[key] = (page, self._clock())
        self.bytes += _size(page)
        while self.bytes > self._kept_bytes:
            self._drop(next(iter(self._pages)))

    def _drop(self, key: str) -> None:
        page, _ = self._pages.pop(key)
        self.bytes -= _size(page)


async def read_pages(  # noqa: PLR0913 - what to read, who reads, and four limits with defaults
    urls: Sequence[str],
    reader: Reader,
    call: Call,
    *,
    cache: PageCache | None = None,
    want: int = WANT,
    patience_s: float = PATIENCE_S,
    deadline_s: float = DEADLINE_S,
) -> list[Page]:
    """One page for each URL, in their order. Never raises but on cancellation.

    Goes on when all are read, when `want` are good and `patience_s` have passed, or at the
    deadline. What is not there by then has the reason "late", or "deadline".
    """
    loop = asyncio.get_running_loop()
    began = loop.time()
    found = [cache.find(url) if cache else None for url in urls]
    tasks = {
        asyncio.create_task(reader.read(url, call)): index
        for index, url in enumerate(urls)
        if found[index] is None
    }
    try:
        await _enough(tasks, found, want, began + patience_s, began + deadline_s)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    took_s = loop.time() - began
    reason = "deadline" if took_s >= deadline_s else "late"
    for index in tasks.values():
        page = found[index]
        if cache is not None and page is not None:
            cache.keep(page)
    return [
        page or Page(url, url, reason=reason, took_ms=took_s * 1000)
        for url, page in zip(urls, found, strict=True)
    ]


async def _enough(
    tasks: dict[asyncio.Task[Page], int],
    found: list[Page | None],
    want: int,
    patient_until: float,
    deadline: float,
) -> None:
    """Fill `found` until it is enough. Times are the loop's."""
    waiting = set(tasks)
    while waiting:
        good = sum(is_good(page) for page in found if page)
        until = min(patient_until, deadline) if good >= want else deadline
        left_s = until - asyncio.get_running_loop().time()
        if left_s <= 0:
            return
        done, waiting = await asyncio.wait(
            waiting, timeout=left_s, return_when=asyncio.FIRST_COMPLETED
        )
        for task in done:
            found[tasks[task]] = _result(task)


def _result(task: asyncio.Task[Page]) -> Page | None:
    """A mistake of ours in reading one page must not cost the others."""
    error = task.exception()
    if error is None:
        return task.result()
    logger.error("reading a page failed", exc_info=error)
    return None


def is_good(page: Page) -> bool:
    """Whether there is something to read."""
    return len(page.text) >= GOOD_CHARS


def _size(page: Page) -> int:
    """In bytes, nearly: the text is what counts."""
    return sys.getsizeof(page.text) + sys.getsizeof(page.title) + 2 * sys.getsizeof(page.url)
