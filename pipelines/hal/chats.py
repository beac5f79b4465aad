"""What is remembered of each chat: the route it took last, and how to explain it.

In memory for the running process, from the session log after a restart. Knows no rules.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import TypeVar

from . import explain
from .errors import HalError
from .sessions.reader import SessionReader
from .types import DIFFICULTIES, Decision, PrivacyWord, Route, Source

T = TypeVar("T")

# A household has some hundred chats; a route and an id take about 200 bytes, so this is 2 MB.
MAX_CHATS = 10_000


class ChatMemory:
    """One per runtime; used on the loop's thread alone."""

    def __init__(self, reader: SessionReader) -> None:
        self._reader = reader
        self._routes: OrderedDict[str, Route | None] = OrderedDict()
        self._hard: OrderedDict[str, bool] = OrderedDict()

    async def previous_route(self, chat_id: str | None) -> Route | None:
        """The difficulty that this chat last had by decision, None for a new one."""
        if not chat_id:
            return None
        if chat_id not in self._routes:
            _bounded(self._routes, chat_id, await self._from_log(chat_id))
        return self._routes.get(chat_id)

    async def was_hard(self, chat_id: str | None) -> bool:
        """Whether a key, an account or an identity number was in this chat, and the user has not
        said since that it may leave. A log that cannot be read says no: what is still in the chat
        is found again."""
        if not chat_id:
            return False
        if chat_id not in self._hard:
            try:
                was = await asyncio.to_thread(self._reader.was_hard, chat_id)
            except HalError:
                was = False
            _bounded(self._hard, chat_id, was)
        return self._hard.get(chat_id, False)

    def remember(self, chat_id: str | None, decision: Decision) -> None:
        if chat_id and _sets_course(decision.route, decision.source):
            _bounded(self._routes, chat_id, decision.route)

    def inspected(self, chat_id: str | None, *, is_hard: bool, word: PrivacyWord | None) -> None:
        """What `was_hard` says from now on, also when the turn itself comes to nothing."""
        if chat_id and (is_hard or word is PrivacyWord.PUBLIC):
            _bounded(self._hard, chat_id, is_hard)

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


_DECIDES = frozenset({Source.CLASSIFIER, Source.LEARNED, Source.STICKY})


def _bounded(kept: OrderedDict[str, T], chat_id: str, value: T) -> None:
    """Keep a value; the chat that was silent for longest is forgotten."""
    kept[chat_id] = value
    kept.move_to_end(chat_id)
    if len(kept) > MAX_CHATS:
        kept.popitem(last=False)


def _sets_course(route: str, source: str) -> bool:
    """A command decides its own turn only; a search says nothing about how hard a chat is."""
    return route in DIFFICULTIES and source in _DECIDES
