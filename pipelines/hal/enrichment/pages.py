"""Reads one page of the web: asks for it, follows its redirects, takes what fits, has it extracted.

Knows HTTP and its ways to go wrong; trusts nothing that a server says. Every request, each hop of
a redirect too, passes the one door of `egress`. Cannot know whether what a page says is true.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from types import MappingProxyType
from urllib.parse import urljoin, urlsplit

import aiohttp
from yarl import URL

from .. import __version__
from ..errors import EgressRefused
from ..gateway.egress import Egress
from ..gateway.ports import Call
from .bodies import (
    MAX_ANNOUNCED_BYTES,
    BodyReader,
    Document,
    Extracted,
    Unreadable,
    check_content,
    is_gzipped,
    kind_of,
)
from .connections import Lookup, SystemLookup, open_session
from .extract import Extractor
from .targets import NOTHING_MORE, Forbidden, Permitted, check_url
from .types import Page

# A server that has not answered by then is not among the four that are waited for.
CONNECT_S, READ_S, PAGE_S = 2.0, 3.0, 5.0
# http to https, to www, to the article's new place.
MAX_REDIRECTS = 3
REDIRECTS = frozenset({301, 302, 303, 307, 308})
# Says who asks and why, so that a site can say no.
HEADERS = MappingProxyType(
    {
        "User-Agent": f"hal-auto/{__version__} (one page, for the question of one person)",
        "Accept": "text/html, application/xhtml+xml, text/plain;q=0.9, application/pdf;q=0.8",
        "Accept-Encoding": "gzip, identity",
    }
)
_TIMEOUT = aiohttp.ClientTimeout(
    total=None, connect=CONNECT_S, sock_connect=CONNECT_S, sock_read=READ_S
)
_PIECE_BYTES = 65_536


@dataclass(slots=True)
class _Visit:
    """How far one page has come."""

    url: str
    status: int | None = None
    kind: str = ""
    charset: str = ""
    body: BodyReader | None = None


class PageReader:
    """Reads pages, with connections of its own. One per runtime; `close` it.

    `permitted`: what may be reached although it is local, from the settings and nowhere else.
    `lookup`: how names are resolved. `clock`: seconds that only grow.
    """

    def __init__(
        self,
        egress: Egress,
        extractor: Extractor,
        *,
        permitted: Permitted = NOTHING_MORE,
        lookup: Lookup | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._egress = egress
        self._extractor = extractor
        self._permitted = permitted
        self._system = SystemLookup()
        self._lookup = lookup or self._system
        self._clock = clock
        self._http: aiohttp.ClientSession | None = None

    async def read(self, url: str, call: Call) -> Page:
        """The page, or why there is none. Never raises but on cancellation.

        Takes at most PAGE_S to fetch, and the extractor's own limit after that. The reasons:
        forbidden_* (`targets`), not_sent (`egress`), timeout, unreachable, certificate, reset,
        bad_reply, status N, redirects, type, encoding, too_large, empty, broken, and of the
        extractor no_text, pdf, parser, parser_timeout, parser_died, extractor (none can start).
        """
        began = self._clock()
        visit = _Visit(url)
        reason = ""
        extracted = Extracted()
        try:
            visit.url = check_url(url, self._permitted)
            self._extractor.warm()
            document = await self._document(visit, replace(call, purpose="page"))
            extracted = await self._extractor.extract(document, visit.url)
        except (Forbidden, Unreadable) as error:
            reason = error.reason
        except EgressRefused:
            reason = "not_sent"
        except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as error:
            reason = _reason(error)
        return Page(
            asked_url=url,
            url=visit.url,
            text=extracted.text,
            title=extracted.title,
            date=extracted.date,
            reason=reason or extracted.reason,
            status=visit.status,
            wire_bytes=visit.body.wire_bytes if visit.body else 0,
            took_ms=(self._clock() - began) * 1000,
            is_cut=extracted.is_cut,
        )

    async def close(self) -> None:
        """Close the connections. The extractor belongs to the caller."""
        if self._http is not None:
            await self._http.close()
        self._system.close()

    async def _document(self, visit: _Visit, call: Call) -> Document:
        """Raises Forbidden, Unreadable, EgressRefused, TimeoutError and aiohttp's errors."""
        broken = False
        try:
            async with asyncio.timeout(PAGE_S):
                await self._follow(visit, call)
        except (TimeoutError, aiohttp.ClientError, OSError):
            if visit.body is None:
                raise
            broken = True  # what came may be enough
        body = visit.body or BodyReader(gzipped=False)
        data, is_cut = body.taken(broken=broken)
        check_content(visit.kind, data)
        return Document(visit.kind, visit.charset, data, is_cut)

    async def _follow(self, visit: _Visit, call: Call) -> None:
        for _ in range(MAX_REDIRECTS + 1):
            target = await self._hop(visit, call)
            if target is None:
                return
            visit.url = check_url(target, self._permitted)
        raise Unreadable("redirects")

    async def _hop(self, visit: _Visit, call: Call) -> str | None:
        """Where it points to; None when the body has been taken."""
        if URL(visit.url, encoded=True).raw_host != urlsplit(visit.url).hostname:
            raise Forbidden("forbidden_host")  # two parsers, two hosts: no URL to rely on
        async with self._egress.get(
            visit.url, HEADERS, call=call, provider="web", http=self._session(), timeout=_TIMEOUT
        ) as response:
            visit.status = response.status
            place = response.headers.get("Location", "")
            if response.status in REDIRECTS and place:
                return urljoin(visit.url, place)
            if response.status != 200:
                raise Unreadable(f"status {response.status}")
            await _take(response, visit)
        return None

    def _session(self) -> aiohttp.ClientSession:
        if self._http is None:
            self._http = open_session(self._lookup, self._permitted)
        return self._http


async def _take(response: aiohttp.ClientResponse, visit: _Visit) -> None:
    """The body, as far as it is wanted. Raises Unreadable before the first byte of it if not."""
    visit.kind, visit.charset = kind_of(response.headers.get("Content-Type", ""))
    if (response.content_length or 0) > MAX_ANNOUNCED_BYTES:
        raise Unreadable("too_large")
    if set(response.headers.getall("Transfer-Encoding", [])) - {"chunked", "Chunked"}:
        raise Unreadable("encoding")
    gzipped = is_gzipped(response.headers.getall("Content-Encoding", []))
    visit.body = body = BodyReader(gzipped=gzipped)
    while not body.is_full and (piece := await response.content.read(_PIECE_BYTES)):
        body.feed(piece)


def _reason(error: Exception) -> str:
    """A word for what went wrong on the way."""
    if isinstance(error, TimeoutError):
        return "timeout"
    if isinstance(error, aiohttp.ClientSSLError | aiohttp.ClientConnectorCertificateError):
        return "certificate"
    if isinstance(error, aiohttp.ClientConnectorError):
        return "unreachable"
    if isinstance(error, aiohttp.ClientOSError | aiohttp.ServerDisconnectedError):
        return "reset"
    if isinstance(error, aiohttp.ClientPayloadError):
        return "broken"
    return "unreachable" if isinstance(error, OSError) else "bad_reply"
