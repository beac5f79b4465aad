"""From a question to what is searched for: by the small local model, else in the user's own words.

Knows the order and the deadline, not the model's server. Every query, whoever wrote it, passes the
privacy gate and loses SearXNG's operators before anybody else sees it; when nothing is left of
them, nothing is searched.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Protocol

from ..errors import ProviderError
from ..types import Message, Turn
from .asked import SCHEMA, read_queries
from .operators import distinct, gist, shortened, without_operators
from .types import Search

logger = logging.getLogger("hal.enrichment")

# A model that is loaded takes below one second; the person waits, and their own words will do.
DEADLINE_S = 6.0
# To cut something out can bring together what is private or an operator; a text that still changes
# after so many rounds was made to.
_ROUNDS = 4

Clean = Callable[[str, str, str | None], Awaitable[str]]
"""A query without what is private, given the user's words and privacy mode; "" when nothing is
left."""


class Asking(Protocol):
    """What the model is shown for a turn: a `RewritePrompt`, or the one that is in force now."""

    def messages(self, turn: Turn, today: date, reads_tokens: int) -> tuple[Message, ...]: ...


class QueryModel(Protocol):
    """The one model call that is needed here; raises ProviderError."""

    async def structured(
        self,
        model: str,
        messages: tuple[Message, ...],
        schema: Mapping[str, object],
        *,
        num_ctx: int,
    ) -> Mapping[str, object]: ...


@dataclass(frozen=True, slots=True)
class Reader:
    """The model's name, the window it is loaded with, and how much of that it may read."""

    model: str
    num_ctx: int
    reads_tokens: int


class Rewriter:
    """One per settings. `clean` is the shield's."""

    def __init__(
        self,
        calls: QueryModel,
        reader: Reader,
        prompt: Asking,
        clean: Clean,
        *,
        deadline_s: float = DEADLINE_S,
    ) -> None:
        self._calls, self._reader = calls, reader
        self.prompt, self._clean = prompt, clean
        self._deadline_s = deadline_s

    async def rewrite(self, turn: Turn, today: date) -> Search:
        """What to search for; no queries when nothing may leave. Never raises.

        `by` is "model", or why the user's own words are searched: "timeout", the code of an error,
        "no_query", or "emptied" (of the model's queries nothing may leave).
        """
        search = await self._ask(turn, today)
        if search.by != "model":
            return await self._own_words(turn, search.by)
        queries = await self._outgoing(search.queries, turn)
        if not queries:
            return await self._own_words(turn, "emptied")
        return replace(search, queries=queries)

    async def _call(self, turn: Turn, today: date) -> Mapping[str, object]:
        reader = self._reader
        messages = self.prompt.messages(turn, today, reader.reads_tokens)
        return await self._calls.structured(reader.model, messages, SCHEMA, num_ctx=reader.num_ctx)

    async def _ask(self, turn: Turn, today: date) -> Search:
        try:
            async with asyncio.timeout(self._deadline_s):
                reply = await self._call(turn, today)
        except TimeoutError:
            return Search((), by="timeout")
        except ProviderError as error:
            return Search((), by=error.code)
        except Exception:  # a mistake of ours must not cost the search
            logger.exception("rewriting failed")
            return Search((), by="internal")
        return read_queries(reply) or Search((), by="no_query")

    async def _own_words(self, turn: Turn, why: str) -> Search:
        """Cleaned before it is cut: half a card number is none that could be found."""
        cleaned = await self._clean(turn.question, turn.question, turn.privacy_mode)
        return Search(await self._outgoing((gist(cleaned),), turn), by=why)

    async def _outgoing(self, queries: tuple[str, ...], turn: Turn) -> tuple[str, ...]:
        return distinct([await self._sendable(query, turn) for query in queries])

    async def _sendable(self, query: str, turn: Turn) -> str:
        for _ in range(_ROUNDS):
            cleaned = await self._clean(without_operators(query), turn.question, turn.privacy_mode)
            sendable = shortened(without_operators(cleaned))
            if sendable == query:
                return query
            query = sendable
        return ""
