"""The one door through which anything leaves this machine: a conversation, a search, a page's name.

Knows neither a dialect nor a database: it checks the plan, has the entry written down, and only
then sends. What may be private is decided elsewhere; a last look at the bytes can be plugged in.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from hashlib import sha256
from urllib.parse import unquote_plus, urlsplit
from uuid import uuid4

import aiohttp
from yarl import URL

from ..addresses import host_and_port
from ..errors import EgressRefused
from ..types import Plan, Target
from .ports import Call, EgressLog, permits

# A row in a local database takes milliseconds; beyond this the disk is in trouble, and the person
# who waits is better served by another target.
LOG_LIMIT_S = 2.0

LastLook = Callable[[bytes, Plan], Awaitable[Mapping[str, int]]]
# Pictures are kept by their hash in the row; their bytes would fill the log.
_IMAGE = re.compile(r"data:image/[\w.+-]{1,40};base64,[A-Za-z0-9+/=]*+")


class Egress:
    """Sends bytes to where the plan lets them go, after the log has taken the entry.

    `last_look` sees exactly what would travel and may raise EgressRefused; it says what private
    things are in it all the same, because the plan lets them pass. `clock` gives seconds since the
    epoch. The HTTP session belongs to the caller.
    """

    def __init__(
        self,
        http: aiohttp.ClientSession,
        log: EgressLog,
        *,
        last_look: LastLook | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._http = http
        self._log = log
        self._last_look = last_look
        self._clock = clock

    @asynccontextmanager
    async def post(  # noqa: PLR0913 - the request's four parts, and who sends it where
        self,
        url: str,
        headers: Mapping[str, str],
        body: bytes,
        *,
        call: Call,
        target: Target,
        timeout: aiohttp.ClientTimeout,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Yield the reply; leaving the block before its end closes the connection.

        Raises EgressRefused when nothing was sent, aiohttp's own errors afterwards. Redirects
        are not followed: they would carry the key and the conversation to a host nobody named.
        """
        self._check(call, target)
        passed = {} if self._last_look is None else await self._last_look(body, call.plan)
        row = self._row(url, body, call, target.provider, passed) | {"model": target.model}
        await self._write_down(row, _kept(body, call))
        async with self._http.post(
            url, data=body, headers=dict(headers), timeout=timeout, allow_redirects=False
        ) as response:
            yield response

    @asynccontextmanager
    async def get(  # noqa: PLR0913 - the request's parts, and who sends it where
        self,
        url: str,
        headers: Mapping[str, str],
        *,
        call: Call,
        provider: str,
        http: aiohttp.ClientSession,
        timeout: aiohttp.ClientTimeout,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Ask for one page ("web") or one search ("searxng"), on a session that reaches only that.

        `url` is encoded already and travels as it is. `call.purpose` names the request in the row.
        Raises as `post`; a redirect is the caller's to follow, each hop with a row of its own.
        """
        if not call.plan.enrich:
            raise EgressRefused("The plan of this turn does not search, so nothing was sent.")
        sent = _request_head(url, headers)
        passed: Mapping[str, int] = {}
        if self._last_look is not None:
            passed = await self._last_look(_readable(url, headers), call.plan)
        row = self._row(url, sent, call, provider, passed)
        await self._write_down(row, url if call.keeps_content else None)
        async with http.get(
            URL(url, encoded=True), headers=dict(headers), timeout=timeout, allow_redirects=False
        ) as response:
            yield response

    def _check(self, call: Call, target: Target) -> None:
        if not target.leaves_machine or not permits(call.plan, target):
            raise EgressRefused(
                f"The plan of this turn does not name {target.label}, so nothing was sent."
            )

    async def _write_down(self, row: Mapping[str, object], body: str | None) -> None:
        try:
            async with asyncio.timeout(LOG_LIMIT_S):
                await self._log.write_egress(row, body)
        except Exception as error:  # whatever the trouble of the log is: do not send
            raise EgressRefused(
                "The session log cannot take the entry, so nothing was sent.",
                "Check the disk that holds HAL_DATA_DIR.",
            ) from error

    def _row(
        self, url: str, body: bytes, call: Call, provider: str, passed: Mapping[str, int]
    ) -> dict[str, object]:
        return {
            "id": uuid4().hex,
            "turn_id": call.turn_id,
            "call_id": call.id,
            "at": self._clock(),
            "host": host_and_port(url),
            "provider": provider,
            "model": "",
            "purpose": call.purpose,
            "bytes": len(body),
            "sha256": sha256(body).hexdigest(),
            "masked": call.masked,
            "hashes": call.hashes,
            "passed": passed,
        }


def _kept(body: bytes, call: Call) -> str | None:
    if not call.keeps_content:
        return None
    return _IMAGE.sub("data:image/...", body.decode("utf-8", "replace"))


def _request_head(url: str, headers: Mapping[str, str]) -> bytes:
    """What a GET consists of: the row counts and hashes it."""
    lines = [f"GET {url}", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join(lines).encode()


def _readable(url: str, headers: Mapping[str, str]) -> bytes:
    """What the last look reads: the address as its server will decode it, and the headers.

    Not the server's own name, which says who is asked, and not the key to it.
    """
    parts = urlsplit(url)
    told = [value for name, value in headers.items() if name.lower() != "authorization"]
    return "\n".join([unquote_plus(parts.path), unquote_plus(parts.query), *told]).encode()
