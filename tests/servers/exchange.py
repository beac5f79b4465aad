"""Just enough HTTP/1.1, on asyncio streams, to send any bytes and to see the client leave.

Knows nothing of scripts or dialects. One `Connection` carries one exchange after the other.
"""

from __future__ import annotations

import asyncio
import contextlib
import http
import json
import socket
import struct
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

_READ_BYTES = 65_536


@dataclass(slots=True)
class RecordedRequest:
    """One request as it arrived, and what became of it. Times are `time.monotonic()` seconds.

    `finished`: the whole answer was sent. `aborted_at`: the client went away before that.
    Neither: still being answered, or cut by the script (then `ended_at` is set).
    """

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    connection: int
    arrived_at: float = field(default_factory=time.monotonic)
    status: int | None = None
    aborted_at: float | None = None
    ended_at: float | None = None
    finished: bool = False

    @property
    def json(self) -> Any:
        """The body as JSON; None where it is not."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


class Connection:
    """One client's connection: reads requests, writes bytes, notices that the client has gone."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._ahead = b""
        self._number = number

    async def read_request(self) -> RecordedRequest | None:
        """The next request; None when the client has closed the connection.

        What begins no request, such as the first bytes of TLS, is answered as web servers do:
        400, and the connection closes.
        """
        while b"\r\n\r\n" not in self._ahead:
            if not await self._fill():
                return None
            if not self._ahead[:1].isalpha():
                self._writer.write(_head(400, {"content-length": "0", "connection": "close"}))
                return None
        head, _, self._ahead = self._ahead.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {k.strip().lower(): v.strip() for k, _, v in (x.partition(":") for x in lines)}
        method, target, _ = first.split(" ", 2)
        body = await self._read_body(headers)
        parts = urlsplit(target)
        return RecordedRequest(method, parts.path, parts.query, headers, body, self._number)

    async def _read_body(self, headers: Mapping[str, str]) -> bytes:
        if "chunked" in headers.get("transfer-encoding", ""):
            return await self._read_chunks()
        return await self._take(int(headers.get("content-length", "0")))

    async def _read_chunks(self) -> bytes:
        body = b""
        while True:
            while b"\r\n" not in self._ahead:
                await self._need_more()
            line, _, self._ahead = self._ahead.partition(b"\r\n")
            size = int(line.split(b";")[0], 16)
            body += (await self._take(size + 2))[:size]
            if size == 0:
                return body

    async def _take(self, size: int) -> bytes:
        while len(self._ahead) < size:
            await self._need_more()
        taken, self._ahead = self._ahead[:size], self._ahead[size:]
        return taken

    async def _need_more(self) -> None:
        if not await self._fill():
            raise ConnectionResetError("the client left in mid-request")

    async def _fill(self) -> bool:
        data = await self._reader.read(_READ_BYTES)
        self._ahead += data
        return bool(data)

    async def client_gone(self) -> None:
        """Return as soon as the client has closed its end, or reset the connection."""
        with contextlib.suppress(ConnectionError):
            while await self._fill():
                pass

    async def write(self, data: bytes) -> None:
        """Send bytes as they are. Waits only when the client does not read."""
        self._writer.write(data)
        await self._writer.drain()

    @property
    def closing(self) -> bool:
        """True when no further exchange is possible."""
        return self._writer.is_closing()

    def close(self) -> None:
        """Close after what was written has gone out."""
        self._writer.close()

    def abort(self, reset: bool = False) -> None:
        """Close at once; with `reset` the client sees ECONNRESET rather than an end of file."""
        sock: socket.socket | None = self._writer.get_extra_info("socket")
        if reset and sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()


class Exchange:
    """The answer to one request: a whole reply, or a head and then chunks."""

    def __init__(self, connection: Connection, record: RecordedRequest) -> None:
        self.record = record
        self._connection = connection
        self.begun = False

    async def reply(self, code: int, body: bytes, headers: Mapping[str, str]) -> None:
        """Send a complete answer. A header given here wins over the implied ones."""
        implied = {"content-length": str(len(body))} | _lower(headers)
        data = _head(code, implied) + (b"" if self.record.method == "HEAD" else body)
        self._mark(code)
        await self._last(data)

    async def begin(self, code: int, headers: Mapping[str, str]) -> None:
        """Send the head of a chunked answer; does nothing when it was already sent."""
        if self.begun:
            return
        self._mark(code)
        chunked = {"transfer-encoding": "chunked"} | _lower(headers)
        await self._connection.write(_head(code, chunked))

    async def send(self, data: bytes) -> None:
        """Send body bytes as one chunk; the head must have been sent. b"" sends nothing."""
        if data:
            await self._connection.write(_chunk(data))

    async def end(self, data: bytes = b"") -> None:
        """Send the last bytes and the end of the body in one write."""
        await self._last((_chunk(data) if data else b"") + b"0\r\n\r\n")

    async def wire(self, data: bytes) -> None:
        """Send bytes without any framing. The connection cannot be used again."""
        self.begun = True
        await self._connection.write(data)

    def cut(self, reset: bool = False) -> None:
        """Close the connection in mid-answer."""
        self.record.ended_at = time.monotonic()
        self._connection.abort(reset)

    def close(self) -> None:
        """Close the connection after an answer without framing of its own; counts as finished."""
        self._done()
        self._connection.close()

    async def _last(self, data: bytes) -> None:
        self._done()  # before the client can have read the end: it may leave the moment it has
        await self._connection.write(data)

    def _mark(self, code: int) -> None:
        self.begun = True
        self.record.status = code

    def _done(self) -> None:
        self.record.finished = True
        self.record.ended_at = time.monotonic()


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _head(code: int, headers: Mapping[str, str]) -> bytes:
    known = {status.value: status.phrase for status in http.HTTPStatus}
    lines = [f"HTTP/1.1 {code} {known.get(code, 'Unknown')}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"
