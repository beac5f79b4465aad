"""A small web on loopback, most of it hostile: pages, traps, names under a test's control.

Knows nothing of what reads it. `WebServer` serves what a test puts into it; `Canary` counts who
comes where nobody may; `Names` is a resolver that says what the test wants it to say.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import zlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from .base import ScriptedServer
from .exchange import Exchange, RecordedRequest
from .ports import HOST

HTML = {"content-type": "text/html; charset=utf-8"}
# Long enough for what an article is taken for.
SENTENCES = (
    "The old mill on the river was built in 1781 and has four wheels. "
    "Its last miller ground rye for the whole valley until the bridge came down. "
    "Since then the village keeps it in order and opens it on Sundays. "
)

Answer = Callable[[Exchange], Awaitable[None]]


def article(text: str = SENTENCES, title: str = "The old mill", head: str = "") -> bytes:
    """A page as a village paper would print it."""
    return (
        f"<!doctype html><html><head><title>{title}</title>{head}</head><body><nav><a href='/'>Home"
        f"</a></nav><article><h1>{title}</h1><p>{text}</p><p>{SENTENCES}</p></article></body></html>"
    ).encode()


def page(
    body: bytes | None = None, headers: Mapping[str, str] | None = None, status: int = 200
) -> Answer:
    """A whole reply. A header given here wins; `content-length` may lie."""

    async def answer(exchange: Exchange) -> None:
        await exchange.reply(
            status, article() if body is None else body, HTML | {**(headers or {})}
        )

    return answer


def redirect(target: str, status: int = 302) -> Answer:
    return page(b"", {"location": target}, status)


def wire(*pieces: bytes, gap_s: float = 0.0, stays_open: bool = False) -> Answer:
    """Bytes as they are, then the end of the connection, or silence."""

    async def answer(exchange: Exchange) -> None:
        for piece in pieces:
            await exchange.wire(piece)
            await asyncio.sleep(gap_s)
        if stays_open:
            await asyncio.Event().wait()
        exchange.close()

    return answer


def endless(piece: bytes, head: bytes = b"", gap_s: float = 0.0) -> Answer:
    """The same bytes until the client leaves."""

    async def answer(exchange: Exchange) -> None:
        await exchange.wire(head)
        while True:
            await exchange.wire(piece)
            await asyncio.sleep(gap_s)

    return answer


def head(status: str = "200 OK", **headers: str) -> bytes:
    """The head of a reply, for `wire`; HTML without a length unless it says otherwise."""
    lines = {"content_type": "text/html"} | headers
    text = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in lines.items())
    return f"HTTP/1.1 {status}\r\n{text}\r\n".encode()


def bomb(megabytes: int = 30) -> bytes:
    """So much HTML in a thousandth of its size."""
    packer = zlib.compressobj(wbits=31)
    pieces = [packer.compress(b"<p>" + b"a" * 1_000_000) for _ in range(megabytes)]
    return b"".join([*pieces, packer.flush()])


class WebServer(ScriptedServer):
    """Serves what is put into `pages` by path; 404 for everything else."""

    def __init__(self, pages: Mapping[str, Answer] | None = None) -> None:
        super().__init__()
        self.pages: dict[str, Answer] = dict(pages or {})

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    async def handle(self, request: RecordedRequest, exchange: Exchange) -> None:
        await self.pages.get(request.path, page(b"not here", status=404))(exchange)


class Canary:
    """Listens on loopback, IPv4 and IPv6, at one port, and answers nobody.

    The system accepts connections without a thread of ours: `visits` takes and counts them.
    """

    def __init__(self) -> None:
        self._sockets: list[socket.socket] = []
        self.port = 0

    def __enter__(self) -> Self:
        while not self.port:
            first = socket.create_server((HOST, 0))
            self._sockets.append(first)
            port = first.getsockname()[1]
            try:
                if socket.has_ipv6:
                    self._sockets.append(
                        socket.create_server(("::1", port), family=socket.AF_INET6)
                    )
            except OSError as error:
                if error.errno == errno.EADDRINUSE:  # taken on ::1: another one
                    continue  # any other: there is no IPv6 here
            self.port = port
        for one in self._sockets:
            one.setblocking(False)
        return self

    def visits(self) -> int:
        """How many came since the last call."""
        count = 0
        for one in self._sockets:
            while True:
                try:
                    connection, _ = one.accept()
                except BlockingIOError:
                    break
                connection.close()
                count += 1
        return count

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        for one in self._sockets:
            one.close()


@dataclass
class Names:
    """A resolver: for each name the answers it gives, one after the other; the last repeats.

    `asked` are the names in the order in which they were looked up; those in `hang` never get an
    answer.
    """

    answers: dict[str, list[Sequence[str]]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    hang: set[str] = field(default_factory=set)

    async def __call__(self, name: str, port: int) -> Sequence[str]:
        self.asked.append(name)
        if name in self.hang:
            await asyncio.Event().wait()
        answers = self.answers.get(name)
        if not answers:
            raise OSError(f"{name}: no such name")
        return answers.pop(0) if len(answers) > 1 else answers[0]
