"""What the tests of searching share: a client on a server of the test, and a call for it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from hal.enrichment.search import SearxngClient, searxng_session
from hal.enrichment.types import Results, Search
from hal.gateway.egress import Egress
from hal.gateway.ports import Call
from hal.types import Plan, Route
from tests.core.things import LOCAL, run
from tests.gateway.helpers import Log
from tests.servers.searxng import Entry

CALL = Call("call-1", "turn-1", "enrich", Plan((LOCAL,), Route.ENRICH, enrich=True))
CHESS = [
    Entry(f"http://site-{n}.test/chess", f"Chess {n}", f"About chess, part {n}", age_days=20.0 * n)
    for n in range(5)
]
QUICK_S = 0.3


def asked(*queries: str, **changes: Any) -> Search:
    return replace(Search(queries or ("chess",)), **changes)


@asynccontextmanager
async def client(
    url: str, log: Log | None = None, last_look: Any = None, **options: Any
) -> AsyncIterator[SearxngClient]:
    async with searxng_session() as http:
        yield SearxngClient(Egress(http, log or Log(), last_look=last_look), http, url, **options)


def found(url: str, *searches: Search, call: Call = CALL, **options: Any) -> list[Results]:
    """What all searches came to, one after the other."""

    async def work() -> list[Results]:
        async with client(url, **options) as searxng:
            return [result for one in searches for result in await searxng.search(one, call)]

    return run(work())
