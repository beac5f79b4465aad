"""Streets with a number, units and boxes: where a postal address is by its own words.

Pure. Each reader gets a word that it knows and looks at a bounded piece of text around it; it
gives the whole address, or None. It does not know which streets exist.
"""

from __future__ import annotations

import re

from .postal_walk import Walk, reach_back, walk
from .postal_words import COMPOUNDS, NO_STREETS, PREFIXES, PREPOSITIONS, SUFFIXES, WEAK_PREFIXES

_UPPER = "A-ZÀ-ÖØ-ÞĀ-Ž"
_NAME = rf"[{_UPPER}][^\W\d_]{{0,25}}(?:['’-][^\W\d_]{{1,25}}){{0,2}}\.?"
_SMALL = (
    r"d['’]|l['’]|de l['’]|dell['’]|dall['’]|de la|de los|de las|della|delle|dello|dei|degli|del|de"
    r"|di|da|do|dos|das|du|des|la|le|les|van|der|den|św\.|gen\.|ks\.|im\."
)
_NUMBER = r"\d{1,5}(?:[-/]\d{1,4}|/[A-Z]\b)?(?: ?[a-zA-Z]\b)?(?: (?:bis|ter)\b)?(?![\w.:%]\w)"

# After a street type that stands in front: the name, and the number if it follows.
_AFTER_PREFIX = re.compile(
    rf"(?:\.? |(?<=/) ?)(?:(?:{_SMALL}) ?){{0,2}}{_NAME}"
    rf"(?: (?:(?:{_SMALL}) ?){{0,2}}{_NAME}){{0,4}}"
    rf"(?P<number>,? (?:[nN](?:r|o|[°º.]){{0,2}}\.? ?)?{_NUMBER})?"
)
# Before one: "33, avenue", "12 bis rue".
_BEFORE_PREFIX = re.compile(r"(?<![\w.,/-])\d{1,5}[A-Za-z]?(?: ?(?:bis|ter))?,? (?:\d{1,5} )?$")
# Before a suffix: "12 North Main", "4589 40th", "52-54 St. John".
_BEFORE_SUFFIX = re.compile(
    rf"(?<![\w.,/$€£#-])(?:\d{{1,6}}[A-Za-z]? )?\d{{1,6}}[A-Za-z]?(?:[-/]\d{{1,5}})?,? "
    rf"(?!The |A |My )(?:(?:{_NAME}|\d{{1,3}}(?:st|nd|rd|th)|of|the|de|van) ){{1,4}}$"
)
_HOUSE = re.compile(rf"\.? {_NUMBER}")
_UNIT_NUMBER = re.compile(r"\.?[ \t]{1,2}#?\d{1,5}[A-Za-z]?(?![\w.:])")
_BOX_NUMBER = re.compile(r"\.?:? (?:n[r°º]?\.? )?\d{1,6}(?![\w.:])")
_BEFORE_BOX = re.compile(
    r"(?:P\.? ?O\.?|Post(?: Office)?|(?:PSC|Unit|CMR) \d{1,5},?) $", re.IGNORECASE
)
_NO_STREET_BEFORE = re.compile(
    r"(?:hard|flash|google|disk|test|usb|pen|tape|one|two|way) $", re.IGNORECASE
)
_BEFORE_CHARS = 64  # a number and four words

Piece = tuple[int, int]


def suffixed(text: str, match: re.Match[str], lower: str) -> Piece | None:
    word = match.group()
    low = max(0, match.start() - _BEFORE_CHARS)
    before = _BEFORE_SUFFIX.search(text, low, match.start())
    if before is None or word[0].islower() or _NO_STREET_BEFORE.search(text, low, match.start()):
        return None
    rest = rest_of(text, match.end())
    if lower in SUFFIXES or rest.has_postcode or (rest.numbers and rest.has_type):
        return before.start(), max(match.end(), rest.end)
    return None


def prefixed(text: str, match: re.Match[str], lower: str) -> Piece | None:
    after = _AFTER_PREFIX.match(text, match.end())
    if after is None or (match.group().isupper() and len(lower) < 4):  # "OS X 10"
        return None
    low = max(0, match.start() - 16)
    before = _BEFORE_PREFIX.search(text, low, match.start())
    if before is None and not after["number"]:
        # "boulevard Barbier, 51859 Hamon": the postcode stands for the number
        rest = rest_of(text, after.end())
        if lower in WEAK_PREFIXES or not rest.has_postcode:
            return None
    start = before.start() if before else match.start()
    end = after.end()
    rest = rest_of(text, end)
    is_short = text[match.end() : match.end() + 1] == "."  # "al.", "os."
    is_weak = lower in WEAK_PREFIXES and not is_short and (
        match.group().islower() or lower not in PREFIXES
    )  # fmt: skip
    is_bare = not rest.has_postcode and not (before and after["number"])
    is_word = match.group().islower() or not _is_inside(text, match.start())
    if is_weak and is_bare and is_word:
        return None
    return start, max(end, rest.end)


def _is_inside(text: str, start: int) -> bool:
    """Whether a word stands within a sentence, so that its capital means something."""
    before = text[max(0, start - 2) : start].rstrip(" \n")
    return bool(before) and before[-1] not in ".!?:>#*-"


def placed(text: str, match: re.Match[str], lower: str) -> Piece | None:
    """ "Am Alten Markt 3, 50667 Köln": a German street without a type needs its postcode."""
    after = _AFTER_PREPOSITION.match(text, match.end()) if match.group()[0].isupper() else None
    rest = rest_of(text, after.end()) if after else None
    if rest is None or not rest.has_postcode or lower not in PREPOSITIONS:
        return None
    return match.start(), rest.end


_AFTER_PREPOSITION = re.compile(
    rf"(?: de[rmn])? [{_UPPER}][^\W\d_]{{1,25}}(?:[ -][{_UPPER}][^\W\d_]{{1,25}}){{0,2}} {_NUMBER}"
)


def spanish(text: str, match: re.Match[str]) -> Piece | None:
    """ "C/ Mayor 25": the sign for "calle"."""
    after = _AFTER_PREFIX.match(text, match.end())
    if after is None or not after["number"]:
        return None
    return match.start(), max(after.end(), rest_of(text, after.end()).end)


def compound(text: str, match: re.Match[str], lower: str) -> Piece | None:
    house = _HOUSE.match(text, match.end())
    if house is None or lower in NO_STREETS or match.group()[0].islower():
        return None
    start = match.start()
    # "Kaiser-Wilhelm-Straße", "Lange Straße": the type alone belongs to the words before.
    before = _BEFORE_COMPOUND.search(text, max(0, start - 50), start)
    if lower in COMPOUNDS or text[start - 1 : start] == "-":
        if before is None:
            return None
        start = before.start()
    rest = rest_of(text, house.end())
    return start, max(house.end(), rest.end)


_BEFORE_COMPOUND = re.compile(rf"(?:[{_UPPER}][^\W\d_]{{1,25}}[ -]){{1,3}}$")


def unit(text: str, match: re.Match[str], lower: str) -> Piece | None:
    number = _UNIT_NUMBER.match(text, match.end())
    if number is None:
        return None
    start = reach_back(text, match.start())
    rest = rest_of(text, number.end())
    if start < match.start() and lower not in _WEAK_UNITS:
        return start, max(number.end(), rest.end)
    if start < match.start() and rest.has_postcode:
        return start, rest.end
    is_sure = lower not in _WEAK_UNITS and rest.names and rest.numbers >= 2
    if match.group()[0].isupper() and (is_sure or (rest.names >= 2 and rest.has_postcode)):
        return match.start(), rest.end
    return None


# "Unit 3" and "Piano 1" stand in other texts too.
_WEAK_UNITS = frozenset(["unit", "piano", "interior", "studio", "piso", "lokal", "flat"])


def box(text: str, match: re.Match[str], lower: str) -> Piece | None:
    number = _BOX_NUMBER.match(text, match.end())
    if number is None:
        return None
    before = _BEFORE_BOX.search(text, max(0, match.start() - 16), match.start())
    if before is None and (len(lower) < 6 or match.group().islower()):
        return None
    start = before.start() if before else match.start()
    rest = rest_of(text, number.end())
    return min(start, _number_before(text, start)), max(number.end(), rest.end)


def _number_before(text: str, start: int) -> int:
    before = _HOUSE_BEFORE.search(text, max(0, start - 8), start)
    return before.start() if before else start


_HOUSE_BEFORE = re.compile(r"(?<![\w.,-])\d{1,6} $")


def rest_of(text: str, at: int) -> Walk:
    """What follows a street: unit, postcode, city, region, country."""
    joint = _JOINT.match(text, at)
    if joint is None:
        return Walk(at, 0, 0, False, False)
    is_apart = "," in joint.group() or "\n" in joint.group()
    found = walk(text, joint.end(), is_rest=is_apart)
    if "\n" in joint.group() and not found.numbers:
        return Walk(at, 0, 0, False, False)
    return found if found.end > joint.end() else Walk(at, 0, 0, False, False)


_JOINT = re.compile(
    r"\.?(?:[ \t]{1,4}|[ \t]?,[ \t]{0,2}|[ \t]?,?[ \t]?\r?\n[ \t>|?*]{0,8},?[ \t]?)(?=[\w#(])"
)
