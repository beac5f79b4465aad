"""Connections to the web that cannot be turned against this house's own network.

Knows names, addresses and sockets; nothing of pages. A name is looked up once per connection, every
address of the answer is checked, and the connection goes to one of the checked addresses, while
TLS still asks for the name. Two lookups would let a name change its answer between them.
"""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, cast

import aiohttp
from aiohttp.abc import AbstractResolver
from aiohttp.client_proto import ResponseHandler

from .bodies import WIRE_CAP_BYTES
from .targets import NOTHING_MORE, Permitted, check_address

# (name, port) -> addresses. Raises OSError.
Lookup = Callable[[str, int], Awaitable[Sequence[str]]]

# Four turns that read six pages each; what waits longer than its time to connect is given up.
MAX_CONNECTIONS = 24
# A lookup that hangs holds a thread for as long as the system likes. These are not the threads of
# everything else.
_LOOKUP_THREADS = 8
# A body at its cap, the sizes of its chunks, and what was in the buffers.
MAX_RECEIVED_BYTES = WIRE_CAP_BYTES + 500_000
# Eight header lines of the length that aiohttp admits; real heads are 1 to 8 kB.
MAX_HEAD_BYTES = 65_536
_HEAD_END = re.compile(rb"\n\r?\n")
_HEAD_END_BYTES = 3


class SystemLookup:
    """Asks the system's resolver, in threads of its own."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_LOOKUP_THREADS, thread_name_prefix="hal-lookup")

    async def __call__(self, name: str, port: int) -> Sequence[str]:
        """The addresses of this name. Raises OSError."""
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(self._threads, _resolve, name, port)
        return [str(address[0]) for *_, address in found]

    def close(self) -> None:
        """Wait for no lookup that still hangs."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _resolve(name: str, port: int) -> list[Any]:
    # IPv6 addresses are of no use to a machine that has none.
    return socket.getaddrinfo(name, port, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)


class CheckedResolver(AbstractResolver):
    """One lookup; one bad address in the answer refuses all of it.

    Raises Forbidden, which is no OSError: no part of aiohttp tries around it.
    """

    def __init__(self, lookup: Lookup, permitted: Permitted = NOTHING_MORE) -> None:
        self._lookup = lookup
        self._permitted = permitted

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_INET,  # noqa: ARG002 - both families are wanted
    ) -> list[Any]:
        """The checked addresses, in aiohttp's shape. Raises Forbidden and OSError."""
        addresses = list(dict.fromkeys(await self._lookup(host, port)))
        if (host, port) not in self._permitted.hosts:
            for address in addresses:
                check_address(address)
        if not addresses:
            raise OSError(f"no address for {host}")
        return [_entry(host, address, port) for address in addresses]

    async def close(self) -> None:
        """Nothing is held here: the lookup belongs to who made it."""


def _entry(host: str, address: str, port: int) -> dict[str, Any]:
    return {
        "hostname": host,
        "host": address,
        "port": port,
        "family": socket.AF_INET6 if ":" in address else socket.AF_INET,
        "proto": 0,
        # What is a number already is not looked up a second time.
        "flags": socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
    }


class _Counted(ResponseHandler):
    """A connection that ends when a reply, or its head, is larger than anything that is read.

    aiohttp before 3.13 takes header lines without end: 400 MB a second from a fast server.
    """

    _received = 0
    _limit = MAX_HEAD_BYTES
    _end = b""

    def data_received(self, data: bytes) -> None:
        self._received += len(data)
        if self._limit == MAX_HEAD_BYTES:
            # The end of a head may come in two pieces.
            if _HEAD_END.search(self._end + data):
                self._limit = MAX_RECEIVED_BYTES
            self._end = data[-_HEAD_END_BYTES:]
        if self._received <= self._limit:
            super().data_received(data)
        elif self.transport is not None:
            self.transport.abort()


class _Connector(aiohttp.TCPConnector):
    """Has connections of that kind. The hook is not public; a test floods it in each version."""

    def __init__(self, resolver: AbstractResolver) -> None:
        super().__init__(
            resolver=resolver, use_dns_cache=False, force_close=True, limit=MAX_CONNECTIONS
        )
        made = partial(_Counted, loop=asyncio.get_running_loop())
        self._factory = cast("partial[ResponseHandler]", made)


def open_session(lookup: Lookup, permitted: Permitted = NOTHING_MORE) -> aiohttp.ClientSession:
    """A session for pages of the web: no cookies, no proxy, no cache of names, nothing decoded.

    Each request has a connection of its own, and with it a check of its own. Needs a running loop.
    """
    return aiohttp.ClientSession(
        connector=_Connector(CheckedResolver(lookup, permitted)),
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
        auto_decompress=False,
    )
