"""Asks SearXNG: every query at once, through the one door, within seconds, and never raises.

Whatever goes wrong comes back as a sentence (`problems`). Knows HTTP and the order of tries; what
a reply means stands in `found`, what a search is about in `rewrite`. SearXNG is the user's own
server and may be on this machine; the pages it names are strangers', and are not asked here.
"""

from __future__ import annotations

import asyncio
import zlib
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from time import monotonic
from types import MappingProxyType
from urllib.parse import urlencode

import aiohttp

from ..addresses import user_of, without_user
from ..errors import EgressRefused
from ..gateway.egress import Egress
from ..gateway.ports import Call
from . import problems
from .found import MAX_HITS, Found, error_in, read_reply
from .memory import Health, SearchMemory
from .problems import Problem
from .types import Freshness, Results, Search

# Warm, SearXNG takes as long as its slowest engine: up to its own limit of 3 s, and some more.
TIMEOUT_S = 4.0
# A page of ten results is 20 KB; with hundreds of engines, some hundred.
MAX_BYTES = 2_000_000
# Below this a search for "the past day" has missed, rather than found, what there is.
ENOUGH_HITS = 3
# A server that restarts, or a connection that was closed while it was idle, is back by then.
RETRY_AFTER_S = 0.2
_READ_BYTES = 65_536
# zlib's marks for "gzip, with its header" (RFC 1952).
_GZIP = 16 + zlib.MAX_WBITS

# What SearXNG's limiter asks of a browser (searx/botdetection): HTML among what is accepted, a
# language, gzip, and a name that is none of a script's; aiohttp's own says "Python". Always
# English: the reasons of engines come in this language, and the search's own is a parameter.
HEADERS: Mapping[str, str] = MappingProxyType(
    {
        "Accept": "application/json, text/html;q=0.5",
        "Accept-Language": "en",
        "Accept-Encoding": "gzip",
        "User-Agent": "hal-auto/0.1 (one search for one question of a person)",
    }
)


def searxng_session() -> aiohttp.ClientSession:
    """What `SearxngClient` needs: no proxy, no cookies, and bytes as they come, so that what
    unpacks to gigabytes does not. The caller closes it."""
    return aiohttp.ClientSession(
        auto_decompress=False, trust_env=False, cookie_jar=aiohttp.DummyCookieJar()
    )


@dataclass(frozen=True, slots=True)
class _Reply:
    status: int
    content_type: str
    body: bytes


class _TooLarge(Exception):
    """More than MAX_BYTES, packed or unpacked."""


class SearxngClient:
    """One per address of a SearXNG; remembers what it found and how the server fared.

    `http` comes from `searxng_session`. `clock` only moves forward, in seconds.
    """

    def __init__(
        self,
        egress: Egress,
        http: aiohttp.ClientSession,
        url: str,
        *,
        clock: Callable[[], float] = monotonic,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self._egress, self._http = egress, http
        self._url, self._headers = without_user(url).rstrip("/"), _headers(url)
        self._clock, self._timeout_s = clock, timeout_s
        self._memory, self._health = SearchMemory(clock), Health(clock)

    async def search(self, search: Search, call: Call) -> tuple[Results, ...]:
        """One Results per query, in their order. Raises nothing but CancelledError."""
        asked = replace(call, purpose="search")
        known = {query: self._memory.get(_key(query, search)) for query in search.queries}
        new = [query for query, results in known.items() if results is None]
        made = dict(zip(new, await self._ask_all(new, search, asked), strict=True)) if new else {}
        return tuple(known[query] or made[query] for query in search.queries)

    async def _ask_all(self, queries: list[str], search: Search, call: Call) -> list[Results]:
        refusal = self._health.refusal()
        if refusal is not None:
            return [Results(query, problem=refusal) for query in queries]
        try:
            found = await asyncio.gather(*(self._query(query, search, call) for query in queries))
        except BaseException:
            self._health.gave_up()
            raise
        self._health.tell([results.problem for results in found])
        for results in found:
            self._memory.put(_key(results.query, search), results)
        return found

    async def _query(self, query: str, search: Search, call: Call) -> Results:
        """As it was meant, and once more for any time and language when that finds too little."""
        began = self._clock()
        wide = Search((query,))
        results = await self._try(query, search, call)
        is_narrow = (search.freshness, search.language) != (wide.freshness, wide.language)
        has_missed = results.problem is None or results.problem.code == "no_hits"
        if is_narrow and has_missed and len(results.hits) < ENOUGH_HITS:
            more = await self._try(query, wide, call)
            results = _joined(results, more) if more.hits else results
        return replace(results, took_ms=(self._clock() - began) * 1000)

    async def _try(self, query: str, search: Search, call: Call) -> Results:
        reply = await self._fetch(_address(self._url, query, search), call)
        if isinstance(reply, Problem):
            return Results(query, problem=reply)
        detail = error_in(reply.body) if reply.status == HTTPStatus.BAD_REQUEST else ""
        problem = problems.of_reply(self._url, reply.status, reply.content_type, detail)
        if problem is not None:
            return Results(query, problem=problem)
        found = read_reply(reply.body)
        if found is None:
            return Results(query, problem=problems.malformed(self._url))
        return Results(query, found.hits, _emptiness(found), found.unresponsive)

    async def _fetch(self, address: str, call: Call) -> _Reply | Problem:
        """One GET within the time limit, once more when the connection failed."""
        try:
            async with asyncio.timeout(self._timeout_s):
                try:
                    return await self._get(address, call)
                except TimeoutError:  # aiohttp's own count as connection errors, too
                    raise
                except aiohttp.ClientConnectionError:
                    await asyncio.sleep(RETRY_AFTER_S)
                    return await self._get(address, call)
        except Exception as error:  # noqa: BLE001 - whatever a search meets, the turn goes on
            return self._problem(error)

    async def _get(self, address: str, call: Call) -> _Reply:
        async with self._egress.get(
            address,
            self._headers,
            call=call,
            provider="searxng",
            http=self._http,
            timeout=aiohttp.ClientTimeout(total=self._timeout_s),
        ) as response:
            body = await _read(response)
            return _Reply(response.status, response.headers.get("Content-Type", ""), body)

    def _problem(self, error: Exception) -> Problem:
        if isinstance(error, EgressRefused):
            return problems.held_back(error.sentence)
        if isinstance(error, TimeoutError):  # aiohttp's are among them
            return problems.timed_out(self._url, self._timeout_s)
        if isinstance(error, _TooLarge):
            return problems.too_large(self._url, MAX_BYTES)
        if isinstance(error, aiohttp.ClientConnectorError):
            is_refused = isinstance(error.os_error, ConnectionRefusedError)
            return (problems.refused if is_refused else problems.unreachable)(self._url)
        if isinstance(error, aiohttp.ClientConnectionError | aiohttp.ClientPayloadError):
            return problems.broke_off(self._url)
        return problems.malformed(self._url)


def _emptiness(found: Found) -> Problem | None:
    """Why there are no results, where there are none."""
    if found.hits:
        return None
    return problems.engines_failed(found.unresponsive) if found.unresponsive else problems.no_hits()


def _key(query: str, search: Search) -> tuple[str, Freshness, str]:
    return query.casefold(), search.freshness, search.language


def _headers(url: str) -> Mapping[str, str]:
    """With the password that stands in the address, as that must not stand in a row of the log."""
    user = user_of(url)
    if user is None:
        return HEADERS
    told = b64encode(":".join(user).encode()).decode()
    return {**HEADERS, "Authorization": f"Basic {told}"}


def _address(url: str, query: str, search: Search) -> str:
    """Page 1; `all` languages, or SearXNG would guess one from our headers."""
    fields = {"q": query, "format": "json", "pageno": "1", "language": search.language or "all"}
    if search.freshness is not Freshness.ANY:
        fields["time_range"] = search.freshness.value
    return f"{url}/search?{urlencode(fields)}"


def _joined(narrow: Results, wide: Results) -> Results:
    """What is as new as was asked stays in front."""
    new = {hit.url for hit in narrow.hits}
    hits = [*narrow.hits, *(hit for hit in wide.hits if hit.url not in new)][:MAX_HITS]
    ranked = tuple(replace(hit, rank=rank) for rank, hit in enumerate(hits, start=1))
    return replace(wide, hits=ranked, relaxed=True)


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """The body, unpacked as it comes: neither side of it ever grows beyond MAX_BYTES."""
    is_packed = "gzip" in response.headers.get("Content-Encoding", "").lower()
    unpacker = zlib.decompressobj(_GZIP) if is_packed else None
    body, wire_bytes = bytearray(), 0
    async for chunk in response.content.iter_chunked(_READ_BYTES):
        wire_bytes += len(chunk)
        room = MAX_BYTES + 1 - len(body)
        body += unpacker.decompress(chunk, room) if unpacker else chunk
        if max(wire_bytes, len(body)) > MAX_BYTES:
            raise _TooLarge
    return bytes(body)
