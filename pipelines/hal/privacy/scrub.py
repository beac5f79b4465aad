"""Replaces what is private in a text by the tokens of its chat.

Pure. Takes the spans that were found, and finds every other mention of the chat's values on its
own, so that a name recognised once is masked everywhere. Text that only looks like a token is
masked as well: it comes back as it was, and never as somebody's value. Recognises nothing itself.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from itertools import accumulate

from .json_text import is_json, literals, may_be_json, written
from .kinds import TIERS, Kind, Span
from .vault import Vault

_NUMBER = re.compile(r"-?[0-9][0-9.eE+-]*+")


@dataclass(frozen=True, slots=True)
class Scrubbed:
    """A text without what is private, and how many times what was replaced."""

    text: str
    counts: Mapping[Kind, int]


@dataclass(frozen=True, slots=True)
class _Place:
    """Something to replace; `kind` is None for what only looks like a token."""

    start: int
    end: int
    kind: Kind | None
    token: str


def learn(text: str, spans: Sequence[Span], vault: Vault) -> None:
    """Gives each span its token, left to right, without replacing it. Raises VaultFull."""
    for _ in _learned(text, spans, vault):
        pass


def scrub(text: str, spans: Sequence[Span], vault: Vault) -> Scrubbed:
    """`text` with a token for each span and for each other mention of a known value.

    Spans that overlap become one. Raises VaultFull.
    """
    places = _places(text, spans, vault)
    counts = Counter(place.kind for place in places if place.kind is not None)
    return Scrubbed(_replaced(text, places), counts)


def scrub_all(
    texts: Sequence[str], spans: Sequence[Sequence[Span]], vault: Vault
) -> list[Scrubbed]:
    """A conversation from its start, with the spans of each text. Raises VaultFull.

    All is learnt before any of it is scrubbed, so that a name is masked also where it stood before
    it was recognised.
    """
    for text, found in zip(texts, spans, strict=True):
        learn(text, found, vault)
    return [scrub(text, found, vault) for text, found in zip(texts, spans, strict=True)]


def scrub_json(text: str, find: Callable[[str], Sequence[Span]], vault: Vault) -> Scrubbed:
    """JSON without what is private; it stays JSON. What is none is scrubbed as text.

    `find` sees the text with its strings unescaped, keys included, because a key says what its
    value is. A span over several strings is one value in each. A number that is private becomes a
    string. Raises VaultFull and what `find` raises.
    """
    if not may_be_json(text):
        return scrub(text, find(text), vault)
    parts = list(_parts(text))
    spans = _by_part(parts, find("".join(part.text for part in parts)))
    counts: Counter[Kind] = Counter()
    out: list[str] = []
    for at, part in enumerate(parts):
        places = part.places(spans.get(at, ()), vault)
        counts.update(place.kind for place in places if place.kind is not None)
        out.append(part.rewritten(places))
    return Scrubbed("".join(out), counts)


def _places(text: str, spans: Sequence[Span], vault: Vault) -> list[_Place]:
    """All that is to be replaced, left to right, none touching another's characters."""
    found = list(_learned(text, spans, vault))
    found += (_Place(one.start, one.end, one.kind, one.token) for one in vault.mentions.find(text))
    for start, end in vault.look_alikes.find(text):
        found.append(_Place(start, end, None, vault.literal_for(text[start:end])))
    # The first of equals stays first: a span before a mention.
    found.sort(key=lambda place: (place.start, -place.end))
    return list(_merged(text, found, vault))


def _learned(text: str, spans: Sequence[Span], vault: Vault) -> Iterator[_Place]:
    for span in sorted(spans, key=lambda span: (span.start, -span.end)):
        value = text[span.start : span.end]
        bare = value.strip()
        if bare:
            start = span.start + value.index(bare)
            yield _Place(start, start + len(bare), span.kind, vault.token_for(span.kind, bare))


def _merged(text: str, found: Sequence[_Place], vault: Vault) -> Iterator[_Place]:
    """Places that overlap, as the one that covers the others, or as a new value of all of them."""
    at = 0
    while at < len(found):
        widest = found[at]
        kinds = [widest.kind]
        end = widest.end
        at += 1
        while at < len(found) and found[at].start < end:
            kinds.append(found[at].kind)
            end = max(end, found[at].end)
            at += 1
        if end > widest.end:
            kind = max(kinds, key=lambda kind: TIERS[kind] if kind else 0)
            value = text[widest.start : end]
            token = vault.token_for(kind, value) if kind else vault.literal_for(value)
            widest = _Place(widest.start, end, kind, token)
        yield widest


def _replaced(text: str, places: Sequence[_Place]) -> str:
    out: list[str] = []
    at = 0
    for place in places:
        out += text[at : place.start], place.token
        at = place.end
    return "".join(out) + text[at:]


class _Is(Enum):
    """What a piece of a JSON text is."""

    STRING = auto()  # without its marks
    STRUCTURE = auto()  # numbers, brackets and commas
    TEXT = auto()  # what stands outside strings where the whole is not JSON


@dataclass(frozen=True, slots=True)
class _Part:
    """A piece of a JSON text as it is written and as it reads."""

    raw: str
    text: str
    what: _Is

    def places(self, spans: Sequence[Span], vault: Vault) -> list[_Place]:
        if not self.text:
            return []
        if self.what is _Is.STRUCTURE:
            return list(_numbers(self.text, spans, vault))
        return _places(self.text, spans, vault)

    def rewritten(self, places: Sequence[_Place]) -> str:
        if not places:
            return self.raw
        if self.what is _Is.STRUCTURE:
            return _replaced(self.raw, [replace(one, token=f'"{one.token}"') for one in places])
        text = _replaced(self.text, places)
        return written(text, self.raw) if self.what is _Is.STRING else text


def _numbers(text: str, spans: Sequence[Span], vault: Vault) -> Iterator[_Place]:
    """Outside strings only numbers can be private, and only whole ones can be replaced."""
    known = (Span(one.start, one.end, one.kind) for one in vault.mentions.find(text))
    private = sorted([*spans, *known], key=lambda span: span.start)
    starts = [span.start for span in private]
    for number in _NUMBER.finditer(text) if private else ():
        start, end = number.span()
        at = bisect_left(starts, end) - 1
        if at >= 0 and private[at].end > start:
            kind = private[at].kind
            yield _Place(start, end, kind, vault.token_for(kind, number.group()))


def _parts(text: str) -> Iterator[_Part]:
    outside = _Is.STRUCTURE if is_json(text) else _Is.TEXT
    at = 0
    for literal in literals(text):
        between, raw = text[at : literal.start], text[literal.start : literal.end]
        yield _Part(between, between, outside)
        yield _Part(raw, literal.value, _Is.STRING)
        at = literal.end
    yield _Part(text[at:], text[at:], outside)


def _by_part(parts: Sequence[_Part], spans: Sequence[Span]) -> Mapping[int, Sequence[Span]]:
    """Spans of the joined text as spans of its parts, cut where a part ends."""
    starts = list(accumulate((len(part.text) for part in parts), initial=0))
    mine: dict[int, list[Span]] = {}
    for span in spans:
        at = bisect_right(starts, span.start) - 1
        while at < len(parts) and starts[at] < span.end:
            start, end = max(span.start, starts[at]), min(span.end, starts[at + 1])
            if start < end:
                mine.setdefault(at, []).append(
                    Span(start - starts[at], end - starts[at], span.kind)
                )
            at += 1
    return mine
