"""The pages of `sample_pages` on loopback, as sites of eight owners, and a search over them.

Each owner has an address of its own (127.0.0.2 and on, which Linux has without being told). Every
search gives its results new addresses, so that no cache knows a page. `pace` makes it as slow as
the web, with one page of each search that never comes.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
import re
import socket
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs

from .base import ScriptedServer
from .exchange import Exchange, RecordedRequest
from .play import reply
from .sample_pages import SITES, SamplePage, pages
from .script import Status

RESULTS = 10
# A search engine does not know what a question is about: without this, the page with the answer
# would be the first nearly always; with it, in about three of four searches.
NOISE_WORDS = 3.0
_FIRST_ADDRESS = 2
_SERIAL = re.compile(r"/v[0-9]{1,6}(?=/)")


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds that a search takes, and the shortest and longest that a page takes."""

    search_s: float = 0.0
    page_s: tuple[float, float] = (0.0, 0.0)
    one_hangs: bool = False


def has_addresses() -> bool:
    """Whether this machine has all of 127/8, as Linux has."""
    with socket.socket() as probe, contextlib.suppress(OSError):
        probe.bind((_address(SITES - 1), 0))
        return True
    return False


class SampleSite:
    """All sites and their search, with the `with`. `url`: of the search, for SearXNG."""

    def __init__(self) -> None:
        self.pace = Pace()
        self.pages = pages()
        self.hanging: set[str] = set()
        self._serials = itertools.count(1)
        self._search = _Search(self)
        self._owners = [_Owner(self, number) for number in range(SITES)]
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        with self._stack as stack:
            for server in (self._search, *self._owners):
                stack.enter_context(server)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, exc, tb)

    @property
    def url(self) -> str:
        return self._search.url

    @property
    def hosts(self) -> str:
        """For the valve SEARCH_LOCAL_HOSTS."""
        return " ".join(owner.url.removeprefix("http://") for owner in self._owners)

    @property
    def queries(self) -> list[str]:
        return [parse_qs(request.query)["q"][0] for request in self._search.asked("/find")]

    def page_at(self, url: str) -> SamplePage | None:
        """The page that a result of any search points to."""
        for owner in self._owners:
            if url.startswith(f"{owner.url}/"):
                return owner.pages.get(_SERIAL.sub("", url.removeprefix(owner.url)))
        return None

    def find(self, query: str) -> list[dict[str, Any]]:
        """The ten pages that share most words with the query, give or take a few words."""
        asked = frozenset(re.findall(r"\w+", query.lower()))
        rng = random.Random(query)
        worth = {
            (page.site, page.path): len(asked & page.words) + rng.uniform(0, NOISE_WORDS)
            for page in self.pages
        }
        ranked = sorted(self.pages, key=lambda page: -worth[page.site, page.path])
        serial = next(self._serials)
        rows = [
            {
                "url": f"{self._owners[page.site].url}/v{serial}{page.path}",
                "title": page.title,
                "text": page.excerpt,
            }
            for page in ranked[:RESULTS]
        ]
        if self.pace.one_hangs:  # one of those that will be read
            self.hanging.add(rng.choice(rows[:4])["url"])
        return rows


class _Search(ScriptedServer):
    """/find?q=WORDS as JSON."""

    def __init__(self, site: SampleSite) -> None:
        super().__init__()
        self._site = site

    async def handle(self, request: RecordedRequest, exchange: Exchange) -> None:
        await asyncio.sleep(self._site.pace.search_s)
        query = parse_qs(request.query).get("q", [""])[0]
        await reply(exchange, Status(200, {"results": self._site.find(query)}))


class _Owner(ScriptedServer):
    """The pages of one owner."""

    def __init__(self, site: SampleSite, number: int) -> None:
        super().__init__()
        self.host = _address(number)
        self.pages = {page.path: page for page in site.pages if page.site == number}
        self._site = site

    async def handle(self, request: RecordedRequest, exchange: Exchange) -> None:
        page = self.pages.get(_SERIAL.sub("", request.path))
        if page is None:
            await exchange.reply(404, b"not here", {"content-type": "text/html"})
            return
        if f"{self.url}{request.path}" in self._site.hanging:
            await asyncio.Event().wait()  # until the client leaves: the base cancels us then
        await asyncio.sleep(random.Random(request.path).uniform(*self._site.pace.page_s))
        kind, body = page.body()
        await exchange.reply(200, body, {"content-type": kind})


def _address(number: int) -> str:
    return f"127.0.0.{_FIRST_ADDRESS + number}"
