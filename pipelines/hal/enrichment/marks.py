"""How models write "from source n", read from the inside of a pair of brackets.

Pure. Knows the spellings, not which numbers there are.
"""

from __future__ import annotations

import re

# Twenty sources named one by one; a longer list is no citation.
MARK_CHARS = 80
# "[1-999]" is a range of something else.
MAX_RANGE = 20
# A citation has at most three digits: "[2024]" is a year.
_NUMBER = r"\d{1,3}"
_WORD = (
    r"(?:sources?|src|refs?|references?|docs?|documents?|citations?|results?|quellen?|fuentes?|"
    r"fontes?|fonti|来源|資料|出典)"
)
_NAMED = rf"{_WORD}[ \xa0]{{0,2}}[:#.№]?[ \xa0]{{0,2}}"
_ONE = rf"\^?(?:{_NAMED})?{_NUMBER}(?:[#†][^\s\[\],]{{0,40}})?"
_BETWEEN = r"(?: {0,2}[,;&/–-] {0,2}| (?:and|und|et|y|e) |[\[\]]{1,3}(?:, ?)?|, ?\[)"
_MARK = re.compile(rf"\[?{_ONE}(?:{_BETWEEN}{_ONE}){{0,20}}\]?", re.IGNORECASE)
_RANGE = re.compile(rf"({_NUMBER}) {{0,2}}[–-] {{0,2}}({_NUMBER})")
_AFTER_NUMBER = re.compile(r"[#†][^\s\[\],]{0,40}")
_PAREN = re.compile(rf"\(({_NAMED}[^()\n]{{1,{MARK_CHARS}}})\)", re.IGNORECASE)
_PAREN_BEGINS = re.compile(rf"\({_NAMED}[^()\n]{{0,{MARK_CHARS}}}\Z", re.IGNORECASE)
_PAREN_WORD = re.compile(r"\([a-z来源資料出典]{0,10}\Z", re.IGNORECASE)


def read_mark(inside: str) -> tuple[int, ...]:
    """The numbers in the order of the text; none when it is something else."""
    if len(inside) > MARK_CHARS or not _MARK.fullmatch(inside):
        return ()
    numbers: list[int] = []
    text = _AFTER_NUMBER.sub("", inside)
    at = 0
    for found in _RANGE.finditer(text):
        first, last = int(found[1]), int(found[2])
        numbers += _numbers(text[at : found.start()])
        is_range = first < last <= first + MAX_RANGE
        numbers += range(first, last + 1) if is_range else (first, last)
        at = found.end()
    return tuple(numbers + _numbers(text[at:]))


def read_parenthesis(text: str, at: int) -> tuple[tuple[int, ...], int]:
    """The numbers of "(source 2)" that begins here, and where it ends; none for anything else."""
    found = _PAREN.match(text, at, at + MARK_CHARS)
    return (read_mark(found[1]), found.end()) if found else ((), at)


def may_become_parenthesis(beginning: str) -> bool:
    """Whether more text could make a citation of this; of MARK_CHARS at most."""
    if len(beginning) >= MARK_CHARS:
        return False
    return bool(_PAREN_WORD.match(beginning) or _PAREN_BEGINS.match(beginning))


def _numbers(text: str) -> list[int]:
    return [int(number) for number in re.findall(_NUMBER, text)]
