"""Numbers that a state gives to a person: social security, tax, identity cards.

Pure. Runs the rules of `identity_europe` and `identity_world`; passports and licences are in
`documents`. A row of digits counts only with its checksum and a word that names it; a format that
nothing else has needs none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from .found import Found, Priority
from .identity_europe import EUROPE
from .identity_rule import Rule
from .identity_world import WORLD
from .kinds import Kind

# A label, with a few words between it and the number; and a label that follows in brackets.
_BEFORE_CHARS = 64
_AFTER_CHARS = 20
# The fewest digits of a number here (India's PAN).
_DIGITS = re.compile(r"\d")
_MIN_DIGITS = 4
_NOT_WORD = re.compile(r"[\W_]+")
# Numbers that everybody uses as an example, or that were printed on a sample card.
_EXAMPLES = frozenset(
    {"123456789", "078051120", "219099999", "111111111", "987654321", "12345678Z", "00000000T"}
    | {"12345678909", "11144477735", "RSSMRA80A01H501U", "01234567890", "44051401359"}
    | {"111111110", "0123456789", "1234567890", "333333333", "123123123"}
)


def find(text: str) -> Iterator[Found]:
    """Identity and tax numbers of persons."""
    if sum(1 for _ in zip(range(_MIN_DIGITS), _DIGITS.finditer(text), strict=False)) < _MIN_DIGITS:
        return
    lowered = _plain(text)
    for rule in (*EUROPE, *WORLD):
        if not rule.words or any(word in lowered for word in rule.words):
            yield from _matches(rule, text)


def _matches(rule: Rule, text: str) -> Iterator[Found]:
    for match in rule.pattern.finditer(text):
        if re.sub(r"[\W_]", "", match.group()).upper() in _EXAMPLES:
            continue
        if not rule.check(match.group()):
            continue
        if not rule.words or _is_named(rule, text, match.start(), match.end()):
            yield Found(match.start(), match.end(), Kind.NATIONAL_ID, Priority.CHECKED)


def _is_named(rule: Rule, text: str, start: int, end: int) -> bool:
    before = _plain(text[max(0, start - _BEFORE_CHARS) : start])
    after = _plain(text[end : end + _AFTER_CHARS])
    return any(word in before or word in after for word in rule.words)


def _plain(text: str) -> str:
    """Lower case, one space for whatever is no letter or digit, and one at each end."""
    return f" {_NOT_WORD.sub(' ', text.lower())} "
