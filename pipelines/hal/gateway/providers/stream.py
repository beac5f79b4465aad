"""Drives one streamed reply: opens it, reads it, keeps the two timers, translates what breaks.

Knows no dialect: a `Reader` turns bytes into chunks and a bad status into an error.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import Protocol

import aiohttp

from ...errors import BadReply, ProviderError, Timeout
from ...types import ProviderChunk
from ...watchdog import Watchdog
from ..lines import LineTooLong, WireError
from .service import BREAKS, Service, connecting, reading

logger = logging.getLogger("hal.gateway")

# No total and no read limit of aiohttp's: an answer may take half an hour, and the timers below
# know a token from a keep-alive comment. Three seconds reach any host that is up.
REQUEST_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=3.0)
# The answer is complete and only the bill is missing: not worth a longer wait.
TAIL_S = 3.0
# The end of the body comes with the last bytes; with it the connection can be used again.
DRAIN_S = 0.05
# The words of an error are few and come at once.
ERROR_BODY_BYTES = 64 * 1024
ERROR_BODY_S = 2.0
# aiohttp closes a connection whose chunks are malformed, and leaves who reads from it waiting. So
# often looked at, it is as fast as a reset, and costs nothing.
ALIVE_S = 0.25

Opener = Callable[[], AbstractAsyncContextManager[aiohttp.ClientResponse]]


@dataclass(frozen=True, slots=True)
class Limits:
    """Longest wait for the first piece of an answer, and between two pieces; in seconds."""

    first_s: float
    gap_s: float


class Reader(Protocol):
    """One reply in one dialect, sans I/O.

    `pieces` counts what the model has said so far, shown or not: it renews the gap timer, as
    comments do not. `malformed` counts what was left out because it could not be read. `complete`:
    the answer is whole, though the usage may be missing. `ended`: nothing more is to be read.
    `feed` yields chunks; `end` closes a stream that just stopped, with the last chunks or with
    BadReply.
    """

    @property
    def pieces(self) -> int: ...

    @property
    def malformed(self) -> int: ...

    @property
    def complete(self) -> bool: ...

    @property
    def ended(self) -> bool: ...

    def feed(self, data: bytes) -> Iterator[ProviderChunk]: ...

    def end(self) -> Iterator[ProviderChunk]: ...

    def refusal(self, status: int, headers: Mapping[str, str], body: str) -> ProviderError: ...


async def read_answer(
    open_reply: Opener, reader: Reader, limits: Limits, service: Service
) -> AsyncIterator[ProviderChunk]:
    """The chunks of one reply. Closing or cancelling this closes the connection at once."""
    timer = _Timer(limits)
    with _told(service, reader, limits):
        async with AsyncExitStack() as stack:
            stack.callback(timer.close)
            with timer.limit():
                with connecting(service):
                    response = await stack.enter_async_context(open_reply())
                with reading(service):
                    await _check(response, reader, service)
            while not reader.ended:
                data = await _read(response, reader, timer, service)
                seen = reader.pieces
                for chunk in reader.feed(data) if data else reader.end():
                    yield chunk
                if reader.pieces > seen:
                    timer.renew()
            await _drain(response)


class _Timer:
    """When the next piece is due. Counts from the moment we begin to wait, not from the last
    piece: a slow consumer must not look like a stalled server."""

    def __init__(self, limits: Limits) -> None:
        self._now = asyncio.get_running_loop().time
        self._gap_s = limits.gap_s
        self._due = self._now() + limits.first_s
        self._watchdog = Watchdog()
        self.close = self._watchdog.close
        self.until = self._watchdog.until

    def limit(self) -> Watchdog:
        return self.until(self._due)

    def due(self, reader: Reader) -> float:
        return min(self._due, self._now() + TAIL_S) if reader.complete else self._due

    def renew(self) -> None:
        self._due = self._now() + self._gap_s


async def _read(
    response: aiohttp.ClientResponse, reader: Reader, timer: _Timer, service: Service
) -> bytes:
    try:
        with reading(service):
            return await _next_bytes(response, timer, timer.due(reader))
    except (TimeoutError, BadReply):
        if reader.complete:
            return b""  # the person has the whole answer: a lost tail is not worth an error
        raise


async def _next_bytes(response: aiohttp.ClientResponse, timer: _Timer, due: float) -> bytes:
    """What came, b"" at the end; raises TimeoutError when nothing has come until `due`."""
    now = asyncio.get_running_loop().time
    while True:
        try:
            with timer.until(min(due, now() + ALIVE_S)):
                return await response.content.readany()
        except TimeoutError:
            if now() >= due:
                raise
            if _is_closed(response):
                raise aiohttp.ClientPayloadError("malformed chunks") from None


def _is_closed(response: aiohttp.ClientResponse) -> bool:
    protocol = response.connection.protocol if response.connection else None
    return protocol is not None and not protocol.is_connected()


async def _check(response: aiohttp.ClientResponse, reader: Reader, service: Service) -> None:
    if not 200 <= response.status < 300:
        raise reader.refusal(response.status, response.headers, await _error_body(response))
    if response.content_type == "text/html":
        raise BadReply(
            f"{service.name} sent a web page instead of an answer.",
            f"Check the address {service.url}.",
            provider=service.provider,
            status=response.status,
        )


async def _error_body(response: aiohttp.ClientResponse) -> str:
    """What there is of it, soon: the status alone is already an answer."""
    body = bytearray()
    with suppress(*BREAKS):
        async with asyncio.timeout(ERROR_BODY_S):
            await read_into(body, response, ERROR_BODY_BYTES)
    return body.decode("utf-8", "replace")


async def read_into(body: bytearray, response: aiohttp.ClientResponse, max_bytes: int) -> None:
    """A body to its end, or until there is more of it than anybody wants."""
    while len(body) < max_bytes and (data := await response.content.readany()):
        body += data


async def _drain(response: aiohttp.ClientResponse) -> None:
    with suppress(*BREAKS):
        async with asyncio.timeout(DRAIN_S):
            await response.content.readany()


@contextmanager
def _told(service: Service, reader: Reader, limits: Limits) -> Iterator[None]:
    """What our own timers and decoders raise, in words; and what was left out, for the log."""
    try:
        yield
    except TimeoutError:
        raise _late(service, reader, limits) from None
    except WireError as error:
        raise _no_answer(service, error) from None
    finally:
        if reader.malformed:
            logger.warning("%s: %d malformed pieces in a reply", service.name, reader.malformed)


def _late(service: Service, reader: Reader, limits: Limits) -> Timeout:
    waited = (
        f"stopped talking for {limits.gap_s:g} s"
        if reader.pieces
        else f"sent no first token within {limits.first_s:g} s"
    )
    return Timeout(f"{service.name} {waited}.", provider=service.provider)


def _no_answer(service: Service, error: WireError) -> BadReply:
    what = "a line without end" if isinstance(error, LineTooLong) else str(error)
    return BadReply(f"{service.name} sent {what}.", provider=service.provider)
