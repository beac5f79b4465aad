"""Finds every mention of values that are known already, in one pass over a text.

Pure. A tree of words, looked up at each word of the text: the work is the number of words times
the words of the longest value, whatever the number of values. Names and e-mail addresses are found
in any case, everything else letter by letter. Knows no pattern: what nobody has recognised is not
here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from .kinds import Kind
from .name_parts import needs_capital

# Values below are parts of everything.
MIN_CHARS = 3
# How far the tree is walked from one word: a spaced IBAN takes 11 words and spaces, an address
# about 15. Longer values (key files) are looked up as they are.
DEPTH_TOKENS = 24

_WORD = re.compile(r"[^\W_]+")
_TOKEN = re.compile(r"[^\W_]+|\s+|.", re.DOTALL)
# Scripts without spaces between words: there a name is found inside a run of letters.
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")
_ANY_CASE = frozenset({Kind.PERSON, Kind.EMAIL})


@dataclass(frozen=True, slots=True, repr=False)
class Known:
    """A value and what stands for it."""

    value: str
    token: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Mention:
    """Where a value stands in a text; offsets in characters, `end` exclusive."""

    start: int
    end: int
    token: str
    kind: Kind


@dataclass(slots=True, repr=False)
class _Node:
    after: dict[str, _Node] = field(default_factory=dict)
    ends: list[Known] = field(default_factory=list)


class Mentions:
    """The values of one chat, and where else they stand."""

    def __init__(self) -> None:
        self._root = _Node()
        self._whole: dict[str, Known] = {}
        self.looked_at = 0  # tokens, over all calls: what tests count

    def add(self, known: Known) -> None:
        """The first of two equal values stays."""
        if len(known.value) < MIN_CHARS:
            return
        first = _WORD.search(known.value)
        tokens = _tokens(known.value[first.start() :]) if first else []
        if first is None or len(tokens) > DEPTH_TOKENS or _UNSPACED.search(known.value):
            self._whole.setdefault(known.value, known)
            return
        node = self._root
        for token in tokens:
            node = node.after.setdefault(token, _Node())
        node.ends.append(known)

    def find(self, text: str) -> list[Mention]:
        """All of them, sorted by start; those of the tree do not overlap each other."""
        found = [*self._in_words(text), *self._anywhere(text)]
        return sorted(found, key=lambda mention: mention.start)

    def _in_words(self, text: str) -> Iterator[Mention]:
        free = 0
        after = self._root.after
        for word in _WORD.finditer(text) if after else ():
            self.looked_at += 1
            if word.start() < free or not self._may_begin(word.group().casefold()):
                continue
            mention = self._longest_at(text, word.start())
            if mention is not None:
                free = mention.end
                yield mention

    def _may_begin(self, folded: str) -> bool:
        after = self._root.after
        return folded in after or (folded.endswith("s") and folded[:-1] in after)

    def _longest_at(self, text: str, start: int) -> Mention | None:
        best: Mention | None = None
        node: _Node | None = self._root
        at = start
        for _ in range(DEPTH_TOKENS):
            token = _TOKEN.match(text, at)
            if node is None or token is None:
                break
            self.looked_at += 1
            folded = _fold(token.group())
            if token.group()[-1] in "sS" and folded[:-1] in node.after:
                # The s of the genitive and of the plural stays behind: Müllers Auto.
                stem = node.after[folded[:-1]]
                best = _mention(stem, text, start, token.end() - 1, inflected=True) or best
            node = node.after.get(folded)
            at = token.end()
            if node is not None and node.ends:
                best = _mention(node, text, start, at) or best
        return best

    def _anywhere(self, text: str) -> Iterator[Mention]:
        for value, known in self._whole.items():
            at = text.find(value)
            while at >= 0:
                yield Mention(at, at + len(value), known.token, known.kind)
                at = text.find(value, at + len(value))


def _mention(
    node: _Node, text: str, word_start: int, end: int, *, inflected: bool = False
) -> Mention | None:
    for known in node.ends:
        start = word_start - _prefix_chars(known.value)
        if inflected and known.kind is not Kind.PERSON:
            continue
        if start >= 0 and _is_spelled(known, text[start:end]):
            return Mention(start, end, known.token, known.kind)
    return None


def _prefix_chars(value: str) -> int:
    """What stands before the first word: the plus of a phone number."""
    first = _WORD.search(value)
    return first.start() if first else 0


def _is_spelled(known: Known, found: str) -> bool:
    if known.kind not in _ANY_CASE:
        return found == known.value
    if found[0].islower() and found != known.value and needs_capital(known.value):
        return False
    prefix = _prefix_chars(known.value)
    return known.value[:prefix] == found[:prefix]


def _tokens(text: str) -> list[str]:
    return [_fold(token.group()) for token in _TOKEN.finditer(text)]


def _fold(token: str) -> str:
    return " " if token.isspace() else token.casefold()
