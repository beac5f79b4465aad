"""What is remembered of each chat: the route it took last, and how to explain it.

In memory for the running process, from the session log after a restart. Knows no rules.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict

from . import explain
from .errors import HalError
from .sessions.reader import SessionReader
from .types import DIFFICULTIES, Decision, Route, Source

# A household has some hundred chats; a route and an id take about 200 bytes, so this is 2 MB.
MAX_CHATS = 10_000


class ChatMemory:
    """One per runtime; used on the loop's thread alone."""

    def __init__(self, reader: SessionReader) -> None:
        self._reader = reader
        self._routes: OrderedDict[str, Route | None] = OrderedDict()

    async def previous_route(self, chat_id: str | None) -> Route | None:
        """The difficulty that this chat last had by decision, None for a new one."""
        if not chat_id:
            return None
        if chat_id not in self._routes:
            self._keep(chat_id, await self._from_log(chat_id))
        return self._routes.get(chat_id)

    def remember(self, chat_id: str | None, decision: Decision) -> None:
        if chat_id and _sets_course(decision.route, decision.source):
            self._keep(chat_id, decision.route)

    async def why(self, chat_id: str | None) -> str:
        """The words that explain the last decision of this chat."""
        if not chat_id:
            return explain.NO_CHAT
        try:
            return explain.why(await asyncio.to_thread(self._reader.last_decision, chat_id))
        except HalError as error:
            return error.sentence

    async def _from_log(self, chat_id: str) -> Route | None:
        try:
            row = await asyncio.to_thread(self._reader.last_decision, chat_id)
        except HalError:
            return None
        return Route(row.route) if row and _sets_course(row.route, row.source) else None

    def _keep(self, chat_id: str, route: Route | None) -> None:
        self._routes[chat_id] = route
        self._routes.move_to_end(chat_id)
        if len(self._routes) > MAX_CHATS:
            self._routes.popitem(last=False)


def _sets_course(route: str, source: str) -> bool:
    """A command decides its own turn only; a search says nothing about how hard a chat is."""
    return route in DIFFICULTIES and source in {Source.CLASSIFIER, Source.STICKY}
