"""What a format of a key consists of.

Pure. The formats are in `secret_table` and `secret_services`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum


class Look(Enum):
    """How closely a match is looked at."""

    RANDOM = "no words, no placeholder"
    FILLED = "no placeholder"
    NOT = "the format is enough"


@dataclass(frozen=True, slots=True)
class Format:
    """`trigger` is in every such key, letter by letter; the group `body` is what is looked at.

    A group `value` is the span where a label belongs to the format.
    """

    vendor: str
    trigger: str
    pattern: re.Pattern[str]
    look: Look = Look.RANDOM


def key(vendor: str, prefix: str, body: str, *, look: Look = Look.RANDOM) -> Format:
    """A literal and what follows it, alone between characters that no key has."""
    pattern = rf"(?<![A-Za-z0-9]){re.escape(prefix)}(?P<body>{body})(?![A-Za-z0-9])"
    return Format(vendor, prefix, re.compile(pattern), look)


def shape(vendor: str, trigger: str, pattern: str, *, look: Look = Look.RANDOM) -> Format:
    """A pattern of its own, for keys that do not begin with their mark."""
    full = rf"(?<![A-Za-z0-9])(?:{pattern})(?![A-Za-z0-9])"
    return Format(vendor, trigger, re.compile(full), look)


# Alphabets, as the formats name them.
HEX = "[0-9a-f]"
ALNUM = "[A-Za-z0-9]"
URL64 = r"[\w-]"
UUID = rf"{HEX}{{8}}-{HEX}{{4}}-{HEX}{{4}}-{HEX}{{4}}-{HEX}{{12}}"
