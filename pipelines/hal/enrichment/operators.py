"""A query as a search engine may get it: no operators of SearXNG, no control characters, short.

Pure. SearXNG reads operators anywhere in a query (searx/query.py at 9fea412): `!images` and `!go`
choose engines, `!!g` sends the browser to another site, `:de` sets the language, `<3` the time
limit. A question that happens to begin with one must not do any of that, and a model must not
either. Knows nothing of what is private in a query, and not whether it is a good one.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

# Two angles on one question; a third finds the same pages again and costs the user's SearXNG
# another round of its engines.
MAX_QUERIES = 2
# What people type is shorter still; more words find less, and say more about who asks.
MAX_WORDS = 12
# Twelve long words. For languages without spaces between words it is the only limit.
MAX_CHARS = 160

_OPERATOR = re.compile(r"<\d|:(?:[A-Za-z]{2,3}(?:[-_][A-Za-z]{2,4})?|auto)$")
_SIGNS = "!:<"
_SENTENCE_END = re.compile(r"(?<=[.!?。！？\n])\s+|(?<=[。！？])")


def without_controls(text: str) -> str:
    """One line without characters that nobody sees: controls, formats, halves of an emoji."""
    if text.isprintable():
        return " ".join(text.split())
    seen = (" " if unicodedata.category(char) == "Cc" else char for char in text)
    shown = "".join(char for char in seen if unicodedata.category(char) not in {"Cf", "Cs"})
    return " ".join(shown.split())


def without_operators(text: str) -> str:
    """One line in which SearXNG finds nothing but words."""
    words = (_plain(word) for word in without_controls(text).split())
    return " ".join(word for word in words if word)


def _plain(word: str) -> str:
    """A bang, a language or a time limit becomes nothing; a mere sign goes and its word stays."""
    bare = word.lstrip(_SIGNS)
    signs = word[: len(word) - len(bare)]
    if "!" in signs or _OPERATOR.match(signs[-1:] + bare):
        return ""
    return bare


def shortened(query: str) -> str:
    """At most MAX_WORDS and MAX_CHARS, cut between words where there are any."""
    text = " ".join(query.split()[:MAX_WORDS])
    if len(text) <= MAX_CHARS:
        return text
    head, space, _ = text[: MAX_CHARS + 1].rpartition(" ")
    return head if space else text[:MAX_CHARS]


def gist(text: str) -> str:
    """What of the user's own words to search for when nobody rewrites them.

    The last question in it, else the first sentence. Of a long one the end: greetings and "could
    you tell me" stand in front.
    """
    sentences = [part.strip() for part in _SENTENCE_END.split(text) if part.strip()]
    asked = [part for part in sentences if part.endswith(("?", "？"))]
    words = (asked[-1] if asked else sentences[0] if sentences else "").split()
    return " ".join(words[-MAX_WORDS:])


def distinct(queries: Iterable[str]) -> tuple[str, ...]:
    """The first MAX_QUERIES that differ in more than letter case; empty ones are dropped."""
    found: dict[str, str] = {}
    for query in queries:
        if query:
            found.setdefault(query.casefold(), query)
    return tuple(found.values())[:MAX_QUERIES]
