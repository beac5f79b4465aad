"""Plays a script's steps on an exchange, in the dialect of the server.

Knows when bytes go out and when the answer ends; the dialect knows what they look like.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Protocol

from .exchange import Exchange
from .script import (
    Begin,
    Content,
    Cut,
    End,
    ErrorLine,
    Pause,
    Raw,
    Sleep,
    Stall,
    Status,
    Steps,
    Until,
    Wire,
)

JSON = {"content-type": "application/json"}
_POLL_S = 0.002


class Dialect(Protocol):
    """How one server's answers look. One object per request: it may count what it has sent."""

    content_type: str

    def opening(self) -> bytes:
        """What a stream starts with."""

    def frame(self, step: Content) -> bytes:
        """One step within a stream; b"" when it only shows at the end."""

    def closing(self) -> bytes:
        """What ends a stream that was not ended otherwise."""

    def whole(self, steps: Sequence[Content]) -> Status:
        """All steps as one answer."""


async def reply(exchange: Exchange, status: Status, extra: dict[str, str] | None = None) -> None:
    """Send a whole answer: a dict as JSON, text as HTML, bytes as they are."""
    body, headers = status.body, dict(extra or {})
    if isinstance(body, bytes):
        data = body
    elif isinstance(body, str):
        data, headers = body.encode(), headers | {"content-type": "text/html; charset=utf-8"}
    else:
        data, headers = json.dumps(body, ensure_ascii=False).encode(), headers | JSON
    await exchange.reply(status.code, data, headers | dict(status.headers))


async def play(
    steps: Steps, exchange: Exchange, dialect: Dialect, stream: bool, headers: dict[str, str]
) -> None:
    """Answer one request with a script, streamed or in one piece."""
    player = _Streamed if stream else _InOnePiece
    await player(exchange, dialect, headers).run(steps)


class _Streamed:
    """Each step goes out when its turn comes."""

    def __init__(self, exchange: Exchange, dialect: Dialect, headers: dict[str, str]) -> None:
        self._exchange = exchange
        self._dialect = dialect
        self._headers = headers | {"content-type": dialect.content_type}
        self._opened = False

    async def run(self, steps: Steps) -> None:
        """Play all steps, then end the stream unless one of them did."""
        for step in steps:
            if isinstance(step, Pause):
                await _pause(step)
            elif isinstance(step, Status | Cut | End | ErrorLine):
                await self._end_with(step)
                return
            else:
                await self._send(step)
        if self._exchange.begun and not self._exchange.record.status:
            self._exchange.close()  # everything was sent by hand
            return
        await self._open()
        await self._exchange.end(self._dialect.closing())

    async def _send(self, step: Begin | Raw | Wire | Content) -> None:
        match step:
            case Wire(data):
                await self._exchange.wire(data)
            case Begin(headers, code):
                await self._exchange.begin(code, self._headers | dict(headers))
            case Raw(data):
                await self._exchange.begin(200, self._headers)
                await self._exchange.send(data)
            case _:
                await self._open()
                await self._exchange.send(self._dialect.frame(step))

    async def _open(self) -> None:
        await self._exchange.begin(200, self._headers)
        if not self._opened:
            self._opened = True
            await self._exchange.send(self._dialect.opening())

    async def _end_with(self, step: Status | Cut | End | ErrorLine) -> None:
        match step:
            case Status():
                await reply(self._exchange, step, self._headers)
            case Cut(reset):
                self._exchange.cut(reset)
            case End():
                await self._exchange.begin(200, self._headers)
                await self._exchange.end()
            case ErrorLine():
                await self._open()
                await self._exchange.end(self._dialect.frame(step))


class _InOnePiece:
    """Pauses are kept; what is said comes out together at the end."""

    def __init__(self, exchange: Exchange, dialect: Dialect, headers: dict[str, str]) -> None:
        self._exchange = exchange
        self._dialect = dialect
        self._headers = headers
        self._said: list[Content] = []
        self._raw: bytes | None = None

    async def run(self, steps: Steps) -> None:
        """Play all steps, then send the answer unless one of them did."""
        for step in steps:
            if isinstance(step, Pause):
                await _pause(step)
            elif isinstance(step, Status | Cut | End):
                await self._end_with(step)
                return
            else:
                await self._keep(step)
        if self._exchange.begun:
            self._exchange.close()  # everything was sent by hand
            return
        await reply(self._exchange, self._answer(), self._headers)

    async def _keep(self, step: Begin | Raw | Wire | Content) -> None:
        match step:
            case Wire(data):
                await self._exchange.wire(data)
            case Raw(data):
                self._raw = (self._raw or b"") + data
            case Begin(headers):
                self._headers = self._headers | dict(headers)
            case _:
                self._said.append(step)

    async def _end_with(self, step: Status | Cut | End) -> None:
        match step:
            case Status():
                await reply(self._exchange, step, self._headers)
            case End():
                await reply(self._exchange, Status(200, self._raw or b""), self._headers | JSON)
            case Cut(reset):
                await self._half()
                self._exchange.cut(reset)

    async def _half(self) -> None:
        """A head that promises the whole answer, and the first half of it."""
        body = self._answer().body
        if not self._said or isinstance(body, bytes | str):
            return
        data = json.dumps(body, ensure_ascii=False).encode()
        head = f"HTTP/1.1 200 OK\r\ncontent-length: {len(data)}\r\n"
        head += "content-type: application/json\r\n\r\n"
        await self._exchange.wire(head.encode() + data[: len(data) // 2])

    def _answer(self) -> Status:
        if self._raw is not None:
            return Status(200, self._raw, JSON)
        return self._dialect.whole(self._said)


async def _pause(step: Pause) -> None:
    match step:
        case Sleep(seconds):
            await asyncio.sleep(seconds)
        case Stall():
            await asyncio.Event().wait()
        case Until(event):
            while not event.is_set():
                await asyncio.sleep(_POLL_S)
