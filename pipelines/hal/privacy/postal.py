"""Finds postal addresses: a street with a number, a box, or what follows a word such as "address".

Pure. A street type in one of nine languages, a unit or a cue starts a bounded walk over the rest
(unit, postcode, city, region, country, on up to six lines). A street without a number is none, and
neither is a city alone. It does not know which streets exist.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from .found import Found, Priority
from .kinds import Kind
from .postal_cues import corner, cued
from .postal_streets import box, compound, placed, prefixed, spanish, suffixed, unit
from .postal_words import (
    BOXES,
    COMPOUNDS,
    CUES,
    PREFIXES,
    PREPOSITIONS,
    SUFFIXES,
    UNITS,
    WEAK_CUES,
    WEAK_PREFIXES,
    WEAK_SUFFIXES,
)

_WORD = re.compile(r"(?<![^\W_])[^\W\d_]{2,40}(?![\w@(=])")
# Mail of the United States' forces: "FPO AE 09001".
_FORCES = re.compile(r"\b[AFD]PO,? A[AEP] \d{5}(?:-\d{4})?\b")

Piece = tuple[int, int]


def find(text: str) -> Iterator[Found]:
    """Yields each address once: what several words of it led to, joined."""
    if not any(digit in text for digit in "0123456789"):
        return
    start = end = -1
    for piece in sorted(_pieces(text)):
        if text[piece[0] : piece[0] + 20].lower().startswith(_PUBLIC):
            continue
        if piece[0] >= end:
            if end > 0:
                yield Found(start, end, Kind.ADDRESS, Priority.PROSE)
            start, end = piece
        else:
            end = max(end, piece[1])
    if end > 0:
        yield Found(start, end, Kind.ADDRESS, Priority.PROSE)


# The licence headers of programs name the Free Software Foundation's: nobody's home.
_PUBLIC = ("51 franklin st", "59 temple pl", "675 mass ave", "31 milk st")


def _pieces(text: str) -> Iterator[Piece]:
    is_lower = text.islower()
    for match in _FORCES.finditer(text):
        unit = _FORCES_UNIT.search(text, max(0, match.start() - 60), match.start())
        yield unit.start() if unit else match.start(), match.end()
    for match in _CALLE.finditer(text) if "C/" in text else ():
        if (piece := spanish(text, match)) is not None:
            yield piece
    for match in _WORD.finditer(text):
        if (piece := _read(text, match, is_lower)) is not None:
            yield piece


_CALLE = re.compile(r"\bC/(?= ?[A-ZÀ-Ž])")
# On the line before: "PSC 1234, Box 56", "USS Enterprise".
_FORCES_UNIT = re.compile(r"\b(?:PSC|Unit|CMR|USS|USNS|USCGC) [^\n]{1,40}\n? ?$")


def _read(text: str, match: re.Match[str], is_lower: bool) -> Piece | None:
    """What the first reader makes of a word that it knows."""
    lower = match.group().lower()
    for is_known, read in _READERS:
        if is_known(lower) and (piece := read(text, match, lower)) is not None:
            return piece
    if lower in _CUE_WORDS:
        return cued(text, match, is_lower)
    return corner(text, match) if lower == "corner" else None


def _is_compound(lower: str) -> bool:
    return lower.endswith(COMPOUNDS)


_CUE_WORDS = CUES | WEAK_CUES
_SUFFIX_WORDS = SUFFIXES | WEAK_SUFFIXES
_PREFIX_WORDS = PREFIXES | WEAK_PREFIXES
_READERS = (
    (_SUFFIX_WORDS.__contains__, suffixed),
    (_PREFIX_WORDS.__contains__, prefixed),
    (_is_compound, compound),
    (UNITS.__contains__, unit),
    (BOXES.__contains__, box),
    (PREPOSITIONS.__contains__, placed),
)
