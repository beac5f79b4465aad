"""What a finder yields, and which finding wins where two cover the same characters.

Knows no pattern. A finder is a module with `find(text)` that yields Found in any order; `detect`
merges them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from .kinds import Kind


class Priority(IntEnum):
    """How sure a finder is of a span. Where two overlap, the higher one stays, whole."""

    BLOCK = 100  # delimited by its own markers: a PEM key, a URL with its login
    FORMAT = 90  # a prefix, an alphabet and a length that only one vendor issues
    CHECKED = 80  # a checksum, and a format or a word in front: a card, an IBAN; an e-mail
    NAMED = 70  # the word in front says what it is: "password: ...", "passport no. ..."
    SHAPE = 60  # a shape that other things have too: a phone number, an IP address
    PROSE = 50  # words and numbers in a typical order: a postal address, a date of birth
    NAME = 40  # a name of a person


@dataclass(frozen=True, slots=True)
class Found:
    """One finding; offsets in characters, `end` exclusive."""

    start: int
    end: int
    kind: Kind
    priority: int
