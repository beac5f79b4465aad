"""Addresses after words such as "address" or "ich wohne in", and at the corner of two streets.

Pure. What follows the cue has to look like an address: a number and two names, or a postcode. After
weak cues ("sent to", "located") more has to be there.
"""

from __future__ import annotations

import re

from .postal_walk import Walk, walk
from .postal_words import LINKS, OTHER_ADDRESSES, WEAK_CUES

Piece = tuple[int, int]

_CORNER = re.compile(r" of (?=[\dA-ZÀ-Žu])")
_AND = re.compile(r"\.? and (?=[\dA-ZÀ-Ž])")


def cued(text: str, match: re.Match[str], is_lower: bool) -> Piece | None:
    lower = match.group().lower()
    if lower.startswith("address") and _last_word(text, match.start()) in OTHER_ADDRESSES:
        return None
    start = _past_name(text, _after_cue(text, match.end()))
    if start < 0 or not (is_lower or text[start] in "#" or text[start : start + 1].isdigit()
                         or text[start].isupper()):  # fmt: skip
        return None
    found = walk(text, start, is_lower=is_lower)
    if is_lower:
        is_good = found.has_type or found.has_postcode
    elif lower in WEAK_CUES or (lower.startswith("address") and start - match.end() < 2):
        is_good = _is_surely_address(found, starts_with_number=text[start].isdigit())
    else:
        # "lives at 12 Foo" is one, "lives in Ward 3" is none
        is_good = found.names >= 2 or found.has_postcode or text[start].isdigit()
    is_long = found.end - start >= _LEAST_CHARS
    return (start, found.end) if is_good and is_long and found.numbers and found.names else None


_LEAST_CHARS = 8  # "5 Elm Rd"


def _is_surely_address(found: Walk, *, starts_with_number: bool) -> bool:
    """After a cue that other things follow too ("address 3 Key Points", "sent to Port 80")."""
    if found.names < 2:
        return False
    if starts_with_number:
        return found.has_type or found.numbers >= 2
    return found.has_postcode and found.numbers >= 2


def _past_name(text: str, start: int) -> int:
    """Past a first line without a digit when the next one begins with a number."""
    name = _NAME_LINE.match(text, start) if start >= 0 else None
    return name.end() if name else start


_NAME_LINE = re.compile(r"[^\W\d_][^\d\n]{2,40}\n[ \t>]{0,8}(?=\d)")


def corner(text: str, match: re.Match[str]) -> Piece | None:
    """ "the corner of 69 Spencer Street and Elm Street"."""
    of = _CORNER.match(text, match.end())
    if of is None:
        return None
    first = walk(text, of.end())
    second = _AND.match(text, first.end)
    end = walk(text, second.end()).end if second else first.end
    if first.end <= of.end() or not (first.numbers or first.has_type):
        return None
    has_article = text[match.start() - 4 : match.start()].lower() == "the "
    return match.start() - (4 if has_article else 0), max(first.end, end)


def _last_word(text: str, end: int) -> str:
    words = text[max(0, end - 16) : end].lower().rsplit(None, 1)
    return words[-1] if words else ""


# "address of Acme Corp is"
_OWNER = re.compile(r" (?:of|von|de|di|van) (?:[^\W\d_]{1,20} ){1,4}(?:is|ist|est|es|è)\b:?")
_LINK = re.compile(r"[ \t]{0,8}[:=]?[ \t]{0,8}\n?[ \t]{0,8}([^\W\d_]{1,9}(?=[ :,]))?")


def _after_cue(text: str, at: int) -> int:
    """Where the address begins after a cue; -1 when other words come first."""
    if owner := _OWNER.match(text, at):
        at = owner.end()
    # Five small words: "it to my address, here they are: ...".
    for _ in range(5):
        if text[at : at + 1] == ",":
            at += 1
        link = _LINK.match(text, at)
        if link is None:
            return -1
        word = link[1]
        if word is None or not word.islower() or (word not in LINKS):
            start = link.start(1) if word else link.end()
            return start if start < len(text) else -1
        at = link.end()
    return -1
