"""SearXNG's JSON as hits. Pure; nothing in it is believed: it holds what strangers wrote.

Addresses of pages are http(s) and of a sane length or dropped here; which of them may be fetched
is for `targets` to say.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlsplit

from .operators import without_controls
from .types import Hit

# What one page of SearXNG holds with one engine; the later ranks of many engines are not read.
MAX_HITS = 10
# The longest address that browsers and servers agree on; beyond that it is an attack or a mistake.
MAX_URL_CHARS = 2000
# Twice what a search engine shows of a title, and of a description.
MAX_TITLE_CHARS = 300
MAX_SNIPPET_CHARS = 1000
MAX_NAME_CHARS = 60
# More engines than any SearXNG asks for one search.
MAX_ENGINES = 40
# "2026-11-19" of "2026-11-19T08:00:00".
_DAY_CHARS = 10


@dataclass(frozen=True, slots=True)
class Found:
    """The hits of one reply, best first, and the engines that did not answer, with reasons."""

    hits: tuple[Hit, ...]
    unresponsive: tuple[tuple[str, str], ...]


def read_reply(body: bytes) -> Found | None:
    """None when it is no JSON, or not SearXNG's."""
    try:
        reply = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(reply, dict) or not isinstance(reply.get("results"), list):
        return None
    return Found(_hits(reply["results"]), tuple(_engines(reply.get("unresponsive_engines"))))


def error_in(body: bytes) -> str:
    """SearXNG's own words in a 400, clean and short; "" for none."""
    try:
        reply = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    return _text(reply.get("error"), MAX_NAME_CHARS) if isinstance(reply, dict) else ""


def page_address(value: object) -> str:
    """The address of a page as it came; "" for what is none that could be asked or shown."""
    if not isinstance(value, str) or len(value) > MAX_URL_CHARS:
        return ""
    if value != without_controls(value) or any(char in value for char in ' "<>\\'):
        return ""
    try:
        parts = urlsplit(value)
    except ValueError:
        return ""
    return value if parts.scheme in {"http", "https"} and parts.hostname else ""


def _hits(results: list[Any]) -> tuple[Hit, ...]:
    found: dict[str, Hit] = {}
    for result in results:
        if not isinstance(result, Mapping):
            continue
        url = page_address(result.get("url"))
        if url and url not in found:
            found[url] = _hit(url, result, rank=len(found) + 1)
        if len(found) == MAX_HITS:
            break
    return tuple(found.values())


def _hit(url: str, result: Mapping[str, Any], rank: int) -> Hit:
    return Hit(
        url=url,
        title=_text(result.get("title"), MAX_TITLE_CHARS),
        snippet=_text(result.get("content"), MAX_SNIPPET_CHARS),
        rank=rank,
        engine=_text(result.get("engine"), MAX_NAME_CHARS),
        date=_day(result.get("publishedDate")) or _day(result.get("pubdate")),
    )


def _text(value: object, limit_chars: int) -> str:
    """Cut before it is cleaned: a text of megabytes must not cost more than its beginning."""
    return (
        without_controls(value[: 2 * limit_chars])[:limit_chars] if isinstance(value, str) else ""
    )


def _day(value: object) -> str:
    day = value[:_DAY_CHARS] if isinstance(value, str) else ""
    try:
        return date.fromisoformat(day).isoformat() if len(day) == _DAY_CHARS else ""
    except ValueError:
        return ""


def _engines(value: object) -> Iterator[tuple[str, str]]:
    for entry in value[:MAX_ENGINES] if isinstance(value, list) else ():
        if isinstance(entry, list) and len(entry) >= 2:
            yield _text(entry[0], MAX_NAME_CHARS), _text(entry[1], MAX_NAME_CHARS)
