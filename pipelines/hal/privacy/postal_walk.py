"""Walks over the parts of a postal address: numbers, capitalised words, postcodes, line breaks.

Pure. Each walk takes a bounded number of steps from where it begins, so that a text costs the same
per address wherever one seems to begin. It knows the shapes of postcodes, not which ones exist.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from .postal_words import PARTICLES, PREFIXES, STOPS, STREET_WORDS, SUFFIXES, UNITS

# An address of six lines has about 24 words.
_MAX_STEPS = 26
# A long address is 120 characters; indented forms add spaces.
_BACK_CHARS = 110

# British, Canadian, Dutch, Polish, Portuguese, Brazilian and Swedish postcodes, and ZIP+4.
POSTCODE = (
    r"[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}|[A-Z]\d[A-Z] ?\d[A-Z]\d|\d{4} ?[A-Z]{2}|\d{2}-\d{3}"
    r"|\d{4}-\d{3}|\d{5}-\d{3,4}|\d{3} \d{2}|(?:[A-Z]{1,3}-)?\d{4,6}"
)
_TOKEN = re.compile(
    rf"(?P<postcode>(?:{POSTCODE})(?![\w@:/]|[.,-]\d))"
    r"|(?P<number>\d{1,2}\.?[ºª°](?: ?(?:(?:Esq|Dto|Dta|Izq|Izda|Dcha)\b\.?|[A-D]\b))?"
    r"|#?\d{1,6}(?:[-/]\d{1,5})?[A-Za-z]?(?![\w@:]|[.,]\d|[/-]\w)|\d{1,3}(?:st|nd|rd"
    r"|th)\b)"
    r"|(?P<region>\([A-Z]{2,3}\))"
    r"|(?P<word>[^\W\d_]{1,30}(?:['’.-][^\W\d_]{1,30}){0,3}\.?)(?![\w@(=/]|:\S)"
)
_SPACE = re.compile(
    r"[ \t]?,[ \t]{0,2}| [-–—|] |-(?=\d{6})|\.?[ \t\u00a0]{1,8}(?=(?i:apt|suite|ste|unit|flat)\b)"
    r"|[ \t\u00a0]{1,8}"
)
# A blank line is part of an address only in front of a line with the postcode.
_LINE = re.compile(
    r"\.?[ \t]?,?[ \t]?\r?\n(?:[ \t]{0,8}\r?\n(?=[ \t]{0,8}[^\W\d_]{2,20}[ \t]\d{4,6}[ \t]*(?:\n"
    r"|\Z)))?"
    r"[ \t>|?*]{0,8},?[ \t]?"
)


# Of the street types only those that are hardly anything else ("3 Key Points").
_SURE_TYPES = SUFFIXES | PREFIXES | UNITS


@dataclass(frozen=True, slots=True)
class Walk:
    """Where the address ends, and what it holds."""

    end: int
    numbers: int
    names: int
    has_postcode: bool
    has_type: bool


def walk(text: str, start: int, *, is_lower: bool = False, is_rest: bool = False) -> Walk:
    """The longest address that begins at `start`.

    `is_lower` takes words without capitals too; `is_rest` says that the street came before, so that
    a long number is a postcode at once.
    """
    walker = _Walker(text, start, is_lower, is_rest)
    walker.run()
    return walker.result()


class _Walker:
    """One walk; `_solid` is the last place where the address may end."""

    def __init__(self, text: str, start: int, is_lower: bool, is_rest: bool) -> None:
        self._text = text
        self._at = start
        self._is_lower = is_lower
        self._is_rest = is_rest
        self._numbers = self._names = 0
        self._has_postcode = self._has_type = False
        self._solid = start
        self._is_new_line = False
        self._ran: list[str] = []  # kinds of the tokens so far
        self._joint = ""

    def run(self) -> None:
        for _ in range(_MAX_STEPS):
            token = _TOKEN.match(self._text, self._at)
            if token is None or not self._takes(token):
                return
            self._at = token.end()
            if not self._step():
                return

    def result(self) -> Walk:
        end = self._solid
        while end and self._text[end - 1] in ".,":
            end -= 1
        return Walk(end, self._numbers, self._names, self._has_postcode, self._has_type)

    def _takes(self, token: re.Match[str]) -> bool:
        kind = token.lastgroup or ""
        if kind == "word":
            return self._takes_word(token)
        if kind == "region":
            self._solid = token.end()
            return True
        return self._takes_number(token, kind)

    def _takes_word(self, token: re.Match[str]) -> bool:
        word = token["word"]
        lower = word.lower().rstrip(".")
        is_region = len(word) == 2 and word.isupper()  # "MS" is also a title
        if lower in STOPS and not is_region and not (lower in PARTICLES and word.islower()):
            return False
        is_part = word.islower() and lower in PARTICLES
        is_type = lower in STREET_WORDS or lower in UNITS
        if word[0].islower() and not (is_part or is_type or self._is_lower):
            return False
        if word.endswith(".") and len(lower) > 5 and not is_type:
            self._at = token.end() - 1  # the end of a sentence
        self._has_type = self._has_type or lower in _SURE_TYPES
        self._ran.append("part" if is_part else "word")
        if not is_part:
            self._names += 1
            if not self._is_new_line and (not self._is_lower or is_type or self._joint == ", "):
                self._solid = token.end()
        return True

    def _takes_number(self, token: re.Match[str], kind: str) -> bool:
        follows_number = bool(self._ran) and self._ran[-1] in ("number", "postcode")
        # Two numbers side by side stand at the start (unit and house) or with a comma between.
        if follows_number and len(self._ran) > 2 and not self._joint.strip(" \t\u00a0"):
            return False
        if self._ran.count("number") + self._ran.count("postcode") >= 6:
            return False
        if kind == "postcode" and (self._names or self._is_rest):
            self._has_postcode = True
        self._ran.append(kind)
        self._numbers += 1
        self._is_new_line = False
        self._solid = token.end()
        return True

    def _step(self) -> bool:
        """Over what stands between two parts; False at the end of the address."""
        if space := _SPACE.match(self._text, self._at):
            line = _LINE.match(self._text, self._at)
            if line is None:
                self._joint, self._at = space.group(), space.end()
                return True
        line = _LINE.match(self._text, self._at)
        if line is None:
            return False
        self._joint, self._at = line.group(), line.end()
        self._is_new_line = True
        return True


_BACK_TOKEN = re.compile(r"[^\s,]{1,40}|,|\n")
_BACK_WORD = re.compile(r"#?\d{1,6}(?:[-/]\d{1,5})?[A-Za-z]?|\d{1,3}(?:st|nd|rd|th)")


def reach_back(text: str, end: int) -> int:
    """Where the address begins whose later part begins at `end`; `end` when nothing is before."""
    low = max(0, end - _BACK_CHARS)
    start, pending = end, end
    has_number = False
    for token in reversed(list(_BACK_TOKEN.finditer(text, low, end))):
        piece = token.group().lstrip(">?|*")  # marks of a quoted line
        if piece == "\n":
            if text[token.start() - 1 : token.start()] == "\n" or (pending != start):
                break
            continue
        if piece in ("", ","):
            continue
        if _BACK_WORD.fullmatch(piece.rstrip(".")):
            start = pending = token.end() - len(piece)
            has_number = True
            continue
        if not _is_back_word(piece):
            break
        pending = token.end() - len(piece)
        if not has_number or _is_street_word(piece):
            start = pending if _is_same_line(text, pending, end) else start
    return start if has_number else end


def _is_same_line(text: str, start: int, end: int) -> bool:
    return "\n" not in text[start:end].rstrip()


def _is_street_word(piece: str) -> bool:
    return piece.lower().rstrip(".") in SUFFIXES


def _is_back_word(piece: str) -> bool:
    lower = piece.lower().rstrip(".")
    if (lower in PARTICLES or lower in STREET_WORDS) and piece.islower():
        return True
    if not piece[0].isupper() or lower in STOPS:
        return False
    # A full stop ends a sentence, unless it shortens a word.
    return not piece.endswith((":", ";", "!", "?")) and (not piece.endswith(".") or len(piece) < 6)
