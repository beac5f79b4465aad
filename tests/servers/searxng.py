"""A scripted SearXNG: the JSON of the real one over a few pages, and each of its misbehaviours.

Shapes and statuses are those of searxng 9fea412; `tests/enrichment/test_real_searxng.py` asks the
real one.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from .base import ScriptedServer
from .exchange import Exchange, RecordedRequest
from .play import JSON
from .script import Status

RANGES = {"day": 1, "week": 7, "month": 30, "year": 365}
HTML = {"content-type": "text/html; charset=utf-8"}
_LANGUAGE = re.compile(r"all|auto|[a-z]{2,3}(-[A-Z]{2})?")


@dataclass(frozen=True, slots=True)
class Entry:
    """One page in the index; found by any word of its title or text."""

    url: str
    title: str
    content: str = ""
    age_days: float = 0.0
    published: str | None = None

    def matches(self, words: Sequence[str]) -> bool:
        text = f"{self.title} {self.content}".lower()
        return not words or any(word in text for word in words)


def result(entry: Entry, rank: int) -> dict[str, Any]:
    """One result as SearXNG writes it."""
    return {
        "url": entry.url,
        "title": entry.title,
        "content": entry.content,
        "engine": "corpus",
        "template": "default.html",
        "parsed_url": [*urlsplit(entry.url), ""],
        "img_src": "",
        "thumbnail": "",
        "priority": "",
        "engines": ["corpus"],
        "positions": [rank],
        "score": 1 / rank,
        "category": "general",
        "publishedDate": entry.published,
    }


def page(query: str, entries: Sequence[Entry], unresponsive: Sequence[Any] = ()) -> dict[str, Any]:
    """One page of results."""
    return {
        "query": query,
        "results": [result(entry, rank) for rank, entry in enumerate(entries, start=1)],
        "answers": [],
        "corrections": [],
        "infoboxes": [],
        "suggestions": [],
        "unresponsive_engines": [list(pair) for pair in unresponsive],
    }


# What SearXNG answers when something is wrong, by the name of the trouble.
TROUBLES: dict[str, Status] = {
    "json off": Status(403, b"<!doctype html><title>403 Forbidden</title>", HTML),
    "a web page": Status(200, b"<!doctype html><title>SearXNG</title>", HTML),
    "a redirect": Status(302, b"", {"location": "https://www.google.com/search?q=x"}),
    "rejected": Status(400, {"error": 'Invalid value "xx" for parameter language'}),
    "no query": Status(400, {"error": "No query"}),
    "limited": Status(429, b"IP is on BLOCKLIST", {"content-type": "text/plain"}),
    "locked": Status(401, b"", HTML),
    "another server": Status(404, b"not found", HTML),
    "failed": Status(500, {"error": "search error"}),
    "no json": Status(200, b'{"query": "x", "resul', JSON),
    "no object": Status(200, b"[]", JSON),
    "no list": Status(200, {"query": "x", "results": None}),
    "engines": Status(
        200, page("x", [], [["google", "too many requests"], ["bing", "timeout"], ["qwant", "x"]])
    ),
    "no hits": Status(200, page("x", [])),
    "too large": Status(200, b'{"results": ["' + b"x" * 2_100_000, JSON),
    "a bomb": Status(200, gzip.compress(b"0" * 30_000_000), {**JSON, "content-encoding": "gzip"}),
    "lying gzip": Status(200, b"no gzip at all", {**JSON, "content-encoding": "gzip"}),
}


class SearxngServer(ScriptedServer):
    """Answers over `entries`; `planned` holds what the next requests get instead.

    An item of it is a Status, the name of a trouble, or one of "hang", "cut", "stall".
    """

    def __init__(self, *entries: Entry, packs: bool = False) -> None:
        super().__init__()
        self.entries = list(entries)
        self.planned: list[Status | str] = []
        self.always: Status | str | None = None
        self.packs = packs

    @property
    def queries(self) -> list[dict[str, str]]:
        """The parameters of every search so far."""
        return [
            {name: values[0] for name, values in parse_qs(request.query).items()}
            for request in self.asked("/search")
        ]

    async def handle(self, request: RecordedRequest, exchange: Exchange) -> None:
        planned = self.planned.pop(0) if self.planned else self.always
        if planned == "cut":
            exchange.cut(reset=True)
        elif planned == "stall":
            await exchange.begin(200, JSON)
            await exchange.send(b'{"results": [')
            exchange.cut()
        elif planned == "hang":
            await asyncio.Event().wait()  # until the client leaves: the base cancels us then
        else:
            await self._send(self._status(request, planned), exchange)

    def _status(self, request: RecordedRequest, planned: Status | str | None) -> Status:
        if isinstance(planned, Status):
            return planned
        if planned is not None:
            return TROUBLES[planned]
        return self._search({name: v[0] for name, v in parse_qs(request.query).items()})

    def _search(self, asked: dict[str, str]) -> Status:
        if asked.get("format") != "json":
            return TROUBLES["a web page"]
        query = asked.get("q", "")
        if not query:
            return TROUBLES["no query"]
        span = asked.get("time_range", "")
        if span not in {"", *RANGES} or not _LANGUAGE.fullmatch(asked.get("language", "all")):
            return TROUBLES["rejected"]
        if any(word.startswith("!!") for word in query.split()):
            return TROUBLES["a redirect"]
        words = re.findall(r"\w+", query.lower())
        fresh = [one for one in self.entries if not span or one.age_days <= RANGES[span]]
        return Status(200, page(query, [one for one in fresh if one.matches(words)]))

    async def _send(self, status: Status, exchange: Exchange) -> None:
        is_raw = isinstance(status.body, bytes)
        data = status.body if is_raw else json.dumps(status.body).encode()
        headers = dict(status.headers or JSON)
        if self.packs and not is_raw:
            data, headers = gzip.compress(data), headers | {"content-encoding": "gzip"}
        await exchange.reply(status.code, data, headers)
