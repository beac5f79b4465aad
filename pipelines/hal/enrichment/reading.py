"""Reads the pages of one turn, all at once, and stops waiting when enough of them are there.

Knows only that pages are read by somebody, and when to go on; nothing of HTTP. Keeps what was
read for a while, in memory only: a page that was fetched without cookies is the same for everyone.
"""

from __future__ import annotations

import asyncio
import logging
import math
import sys
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from ..gateway.ports import Call
from .types import Page
from .urls import canonical_url

logger = logging.getLogger("hal.enrichment")

# Four pages answer nearly every question; the rest are for when one of them is empty.
WANT = 4
# So long a better page may still overtake a worse one.
PATIENCE_S = 1.8
# Three will do where one of the three best results is among them: the fourth is the one that most
# turns would wait for, about 0.25 s at the median where pages take 0.3 to 3 s. Not before most
# pages of a quick web had their chance, and a fourth that is nearly there is let in.
FEW = 3
BEST = 3
FEW_PATIENCE_S = 1.2
GRACE_S = 0.2
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


@dataclass(frozen=True, slots=True)
class Limits:
    """When it is enough: `want` good pages and `patience_s` since the beginning; or `few` with one
    of the `best` first URLs among them, `few_patience_s` since the beginning and `grace_s` since
    they are there. Seconds."""

    want: int = WANT
    patience_s: float = PATIENCE_S
    few: int = FEW
    best: int = BEST
    few_patience_s: float = FEW_PATIENCE_S
    grace_s: float = GRACE_S


async def read_pages(  # noqa: PLR0913 - what to read, who reads and who is told, and the limits
    urls: Sequence[str],
    reader: Reader,
    call: Call,
    *,
    cache: PageCache | None = None,
    limits: Limits | None = None,
    deadline_s: float = DEADLINE_S,
    came: Callable[[Page], None] = lambda _page: None,
) -> list[Page]:
    """One page for each URL, in their order; `urls`: the best first. Never raises but on
    cancellation.

    Goes on when all are read, when it is enough, or at the deadline. What is not there by then has
    the reason "late", or "deadline". `came` is told each page that is there as it comes, so that a
    reading that is cancelled leaves a trace.
    """
    began = asyncio.get_running_loop().time()
    found = [cache.find(url) if cache else None for url in urls]
    for page in filter(None, found):
        came(page)
    tasks = {
        asyncio.create_task(reader.read(url, call)): index
        for index, url in enumerate(urls)
        if found[index] is None
    }

    def arrived(index: int, page: Page) -> None:
        found[index] = page
        came(page)
        if cache is not None:
            cache.keep(page)

    try:
        await _enough(tasks, found, limits or Limits(), began + deadline_s, arrived)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    took_s = asyncio.get_running_loop().time() - began
    reason = "deadline" if took_s >= deadline_s else "late"
    return [
        page or Page(url, url, reason=reason, took_ms=took_s * 1000)
        for url, page in zip(urls, found, strict=True)
    ]


async def _enough(
    tasks: Mapping[asyncio.Task[Page], int],
    found: Sequence[Page | None],
    limits: Limits,
    deadline: float,
    arrived: Callable[[int, Page], None],
) -> None:
    """Tell of each page that comes until it is enough. `deadline` is the loop's time."""
    loop = asyncio.get_running_loop()
    began, few_since, waiting = loop.time(), math.inf, set(tasks)
    while waiting:
        if _are_few_enough(found, limits):
            few_since = min(few_since, loop.time())
        is_enough = sum(is_good(page) for page in found if page) >= limits.want
        patient = began + limits.patience_s if is_enough else deadline
        few_until = max(began + limits.few_patience_s, few_since + limits.grace_s)
        until = min(deadline, patient, few_until)
        done, waiting = await asyncio.wait(
            waiting, timeout=max(0.0, until - loop.time()), return_when=asyncio.FIRST_COMPLETED
        )
        if not done:
            return
        for task in done:
            if (page := _result(task)) is not None:
                arrived(tasks[task], page)


def _are_few_enough(found: Sequence[Page | None], limits: Limits) -> bool:
    good = [index for index, page in enumerate(found) if page and is_good(page)]
    return len(good) >= limits.few and any(index < limits.best for index in good)


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
